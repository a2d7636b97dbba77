/** Where Redis keeps entries, and in what form: shared by entries, atomics and locks. */

import type { Write } from "../../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import { deadlineBytes, liveValue, recordOf } from "../../src/compose/deadline_record.ts";
import type { RedisArgument, RedisCommand, RedisCommands, RedisReply } from "./commands.ts";
import { RedisLink, type ScriptCall } from "./link.ts";
import { type RedisScript, removeScript, storeScript } from "./scripts.ts";
import { nameBeside, slotOf, tagIn } from "./slots.ts";

/** Where the entries are, in what form, and how long to wait for them. */
export interface RedisOptions {
  /**
   * Whether a record begins with its deadline, so that it ends on time by every reader's clock, or is
   * the value alone, which other programs read and which ends when Redis says. Default: `"deadline"`.
   */
  readonly records?: "deadline" | "bare";
  /**
   * What is put before a key to make the name of its lock; without braces. Default: `"_lock"`, as
   * dogpile.cache has. In a cluster it is put so that both lie in one slot.
   */
  readonly lockPrefix?: string;
  /** An operation that takes longer fails, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number;
  /** Judges deadlines and measures waits. Default: the platform's. */
  readonly clock?: Clock;
}

/** Where one value lies. */
export interface Cell {
  /** The key in Redis. */
  readonly key: string;
  /** The field, where the key is that of a hash. */
  readonly field: string | undefined;
}

/** Which writes give a hash a time to live. */
export type TtlOnHash = "none" | "new" | "always";

/** How keys become cells. */
export interface Placement {
  /** The cell of a key. */
  locate(key: string): Cell;
  /** For fields of hashes. */
  readonly ttlOnHash: TtlOnHash;
}

/** Every key is one in Redis. */
export const plainPlacement: Placement = Object.freeze({
  locate: (key: string): Cell => ({ key, field: undefined }),
  ttlOnHash: "none",
});

/** The cells of one Redis. */
export class RedisStore {
  readonly clock: Clock;
  readonly #link: RedisLink;
  readonly #placement: Placement;
  readonly #lockPrefix: string;
  readonly #isBare: boolean;

  /** A `RangeError` for options that make no sense. */
  constructor(commands: RedisCommands, options: RedisOptions, placement: Placement) {
    const { records = "deadline", lockPrefix = "_lock", clock = systemClock } = options;
    if (records !== "deadline" && records !== "bare") {
      throw new RangeError(`Cannot use Redis: "records" is "${records}"`);
    }
    if (!/^[^{}]+$/.test(lockPrefix)) {
      throw new RangeError(`Cannot use Redis: "lockPrefix" is "${lockPrefix}"`);
    }
    this.#link = new RedisLink(commands, options);
    this.#placement = placement;
    this.#lockPrefix = lockPrefix;
    this.#isBare = records === "bare";
    this.clock = clock;
  }

  /** Runs all in one trip. */
  run(operation: string, calls: readonly (RedisCommand | ScriptCall)[]): Promise<RedisReply[]> {
    return this.#link.run(operation, calls);
  }

  /** Runs one script and answers whether it says that it did something. */
  async decide(operation: string, call: ScriptCall): Promise<boolean> {
    const [reply] = await this.run(operation, [call]);
    return reply === 1;
  }

  /** A script on the cell of a key; `args` follow those that every such script has. */
  onCell(script: RedisScript, key: string, args: readonly RedisArgument[]): ScriptCall {
    const { key: name, field } = this.#placement.locate(key);
    const kind = field === undefined ? "string" : this.#placement.ttlOnHash;
    const now = this.#isBare ? "" : String(this.clock.now());
    return { script, keys: [name], args: [kind, field ?? "", now, ...args] };
  }

  /** What stores a value, or removes the key where its deadline has passed. */
  storing(write: Write<Uint8Array>): RedisCommand | ScriptCall {
    const { key, field } = this.#placement.locate(write.key);
    const ttl = this.ttl(write.expiresAt);
    if (field !== undefined || !this.#link.takesBytes) {
      return this.onCell(storeScript, write.key, [this.record(write), ttl]);
    }
    if (Number(ttl) <= 0 && ttl !== "") return ["del", key];
    const set = ["set", key, this.record(write)];
    return ttl === "" ? set : [...set, "PX", ttl];
  }

  /** What removes values and ends the leases of their keys, each with its lease in one step. */
  removing(keys: readonly string[]): (RedisCommand | ScriptCall)[] {
    const strings = keys.filter((key) => this.#placement.locate(key).field === undefined);
    const pairs = strings.map((key) => [this.#placement.locate(key).key, this.lockOf(key)]);
    const groups = this.#link.isCluster ? pairs : chunked(pairs.flat());
    const fields = keys.filter((key) => this.#placement.locate(key).field !== undefined);
    return [
      ...groups.map((names) => ["del", ...names]),
      ...fields.map((key) => {
        const call = this.onCell(removeScript, key, []);
        return { ...call, keys: [...call.keys, this.lockOf(key)] };
      }),
    ];
  }

  /** Reads the records of keys in one trip; one slot for each. */
  read(keys: readonly string[]): Promise<readonly RedisReply[]> {
    return keys.length === 1 ? this.#readOne(keys[0]!) : this.#readMany(keys);
  }

  /** The live values of records. */
  values(records: readonly RedisReply[]): (Uint8Array | undefined)[] {
    const now = this.clock.now();
    return records.map((record) => {
      if (!(record instanceof Uint8Array)) return undefined;
      return this.#isBare ? record : liveValue(record, now);
    });
  }

  /** The record of a value. */
  record({ value, expiresAt }: Pick<Write<Uint8Array>, "value" | "expiresAt">): Uint8Array {
    return this.#isBare ? value : recordOf(value, expiresAt);
  }

  /** What of a record tells its deadline. */
  head(expiresAt: number): Uint8Array {
    return this.#isBare ? noBytes : recordOf(noBytes, expiresAt).subarray(0, deadlineBytes);
  }

  /** How long Redis is to keep what ends at an instant, as scripts take it. */
  ttl(expiresAt: number): string {
    if (expiresAt === NEVER) return "";
    const ttlMs = Math.ceil(expiresAt - this.clock.now());
    return String(Math.max(-1, Math.min(ttlMs, longestTtlMs)));
  }

  /** The name of a key's lock. */
  lockOf(key: string): string {
    return this.#beside(key, this.#lockPrefix);
  }

  /** The name of the counter of a key. */
  counterOf(key: string): string {
    return this.#beside(key, "_count");
  }

  /** Where the fences of a key come from: one number for all keys, or for those of one slot. */
  fencesOf(key: string): string {
    if (!this.#link.isCluster) return "_fence";
    return `_fence{${tagIn(slotOf(this.#placement.locate(key).key))}}`;
  }

  #readOne(name: string): Promise<readonly RedisReply[]> {
    const { key, field } = this.#placement.locate(name);
    return this.run("get", [field === undefined ? ["get", key] : ["hget", key, field]]);
  }

  async #readMany(keys: readonly string[]): Promise<readonly RedisReply[]> {
    const groups = [...this.#groups(keys).values()];
    const replies = await this.run("get", groups.map(({ command }) => command));
    const records: RedisReply[] = new Array(keys.length).fill(null);
    groups.forEach(({ positions }, group) => {
      const found = replies[group] as readonly RedisReply[];
      positions.forEach((position, index) => records[position] = found[index]!);
    });
    return records;
  }

  #beside(key: string, prefix: string): string {
    if (!this.#link.isCluster) return prefix + key;
    const { key: name, field } = this.#placement.locate(key);
    const beside = nameBeside(name, prefix);
    return field === undefined ? beside : `${beside}${field.length}:${field}`;
  }

  #groups(keys: readonly string[]): Map<string, { command: string[]; positions: number[] }> {
    const groups = new Map<string, { command: string[]; positions: number[] }>();
    keys.forEach((key, position) => {
      const { key: name, field } = this.#placement.locate(key);
      const slot = this.#link.isCluster && field === undefined ? slotOf(name) : "";
      const chunk = Math.floor(position / keysPerCommand);
      const label = field === undefined ? `${chunk} string ${slot}` : `${chunk} hash ${name}`;
      let group = groups.get(label);
      if (group === undefined) {
        const command = field === undefined ? ["mget"] : ["hmget", name];
        groups.set(label, group = { command, positions: [] });
      }
      group.command.push(field ?? name);
      group.positions.push(position);
    });
    return groups;
  }
}

/** Redis adds a time to live to its own time; this one still fits, and outlives everybody. */
const longestTtlMs = 2 ** 52;

/** Lua passes at most 8,000 arguments; an even number, for keys with their locks. */
const keysPerCommand = 5_000;

function chunked(names: readonly string[]): string[][] {
  const chunks: string[][] = [];
  for (let start = 0; start < names.length; start += keysPerCommand) {
    chunks.push(names.slice(start, start + keysPerCommand));
  }
  return chunks;
}

const noBytes = new Uint8Array(0);
