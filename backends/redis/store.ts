/** Where Redis keeps entries, and in what form: shared by entries, atomics and locks. */

import type { Write } from "../../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import { liveValue, recordOf } from "../../src/compose/deadline_record.ts";
import type { RedisArgument, RedisCommand, RedisCommands, RedisReply } from "./commands.ts";
import { RedisLink, type ScriptCall } from "./link.ts";
import { put, type RedisScript, remove, scriptOn, stringCells } from "./scripts.ts";

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
  readonly field?: string;
  /** What scripts need besides the key to reach it. */
  readonly reach: readonly string[];
}

/** How keys become cells. */
export interface Placement {
  /** The cell of a key. */
  locate(key: string): Cell;
  /** The Lua that reaches them. */
  readonly cells: string;
}

/** Every key is one in Redis. */
export const plainPlacement: Placement = {
  locate: (key: string): Cell => ({ key, reach: [] }),
  cells: stringCells,
};

/** A script's arguments besides those that all on cells have, and its keys besides the cell. */
export interface CellArguments {
  /** The arguments. */
  readonly args: readonly RedisArgument[];
  /** The keys. Default: none. */
  readonly names?: readonly string[];
}

/** The cells of one Redis. */
export class RedisStore {
  readonly clock: Clock;
  readonly #commands: RedisCommands;
  readonly #link: RedisLink;
  readonly #placement: Placement;
  readonly #lockPrefix: string;
  readonly #isBare: boolean;
  readonly #scripts: Map<string, RedisScript> = new Map();

  /** A `RangeError` for options that make no sense. */
  constructor(commands: RedisCommands, options: RedisOptions, placement: Placement) {
    const { records = "deadline", lockPrefix = "_lock", clock = systemClock } = options;
    if (records !== "deadline" && records !== "bare") {
      throw new RangeError(`Cannot use Redis: "records" is "${records}"`);
    }
    if (!/^[^{}]+$/.test(lockPrefix)) {
      throw new RangeError(`Cannot use Redis: "lockPrefix" is "${lockPrefix}"`);
    }
    this.#commands = commands;
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

  /** A script on the cell of a key. */
  onCell(body: string, key: string, { args, names = [] }: CellArguments): ScriptCall {
    const { key: name, reach } = this.#placement.locate(key);
    const now = this.#isBare ? "" : String(this.clock.now());
    const script = this.#scripts.get(body) ?? scriptOn(this.#placement.cells, body);
    this.#scripts.set(body, script);
    return { script, keys: [name, ...names], args: [now, ...args, ...reach] };
  }

  /** The script that stores a value where the cell is full, `1`, empty, `0`, or either. */
  putting({ key, value, expiresAt }: Write<Uint8Array>, wanted: "1" | "0" | ""): ScriptCall {
    const args = [this.record(value, expiresAt), this.ttl(expiresAt), wanted];
    return this.onCell(put, key, { args });
  }

  /** What stores a value, or removes the key where its deadline has passed. */
  storing(write: Write<Uint8Array>): RedisCommand | ScriptCall {
    const { key, field } = this.#placement.locate(write.key);
    if (field !== undefined || this.#commands.arguments !== "bytes") return this.putting(write, "");
    const ttl = this.ttl(write.expiresAt);
    if (Number(ttl) <= 0 && ttl !== "") return ["del", key];
    const set = ["set", key, this.record(write.value, write.expiresAt)];
    return ttl === "" ? set : [...set, "PX", ttl];
  }

  /** What removes values and ends the leases of their keys, each with its lease in one step. */
  removing(keys: readonly string[]): (RedisCommand | ScriptCall)[] {
    const calls: ScriptCall[] = [];
    const pairs: string[][] = [];
    for (const key of keys) {
      const { key: name, field } = this.#placement.locate(key);
      const names = [this.lockOf(key)];
      if (field === undefined) pairs.push([name, ...names]);
      else calls.push(this.onCell(remove, key, { args: [], names }));
    }
    const groups = this.#commands.slots === undefined ? chunked(pairs.flat()) : pairs;
    return [...groups.map((names) => ["del", ...names]), ...calls];
  }

  /** Reads the records of keys in one trip; one slot for each. */
  read(keys: readonly string[]): Promise<readonly RedisReply[]> {
    return keys.length === 1 ? this.#readOne(keys[0]!) : this.#readMany(keys);
  }

  /** The live values of records. */
  values(records: readonly RedisReply[]): (Uint8Array | undefined)[] {
    const now = this.#isBare ? 0 : this.clock.now();
    return records.map((record) => {
      if (!(record instanceof Uint8Array)) return undefined;
      return this.#isBare ? plainBytes(record) : liveValue(record, now);
    });
  }

  /** The record of a value. */
  record(value: Uint8Array, expiresAt: number): Uint8Array {
    return this.#isBare ? value : recordOf(value, expiresAt);
  }

  /** What of a record tells its deadline. */
  head(expiresAt: number): Uint8Array {
    return this.record(new Uint8Array(0), expiresAt);
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
    const { slots } = this.#commands;
    if (slots === undefined) return "_fence";
    return `_fence{${slots.tagIn(slots.slotOf(this.#placement.locate(key).key))}}`;
  }

  #readOne(name: string): Promise<readonly RedisReply[]> {
    const { key, field } = this.#placement.locate(name);
    return this.run("get", [field === undefined ? ["get", key] : ["hget", key, field]]);
  }

  async #readMany(keys: readonly string[]): Promise<readonly RedisReply[]> {
    const groups = [...this.#groups(keys).values()];
    const replies = await this.run("get", groups.map(({ command }) => command));
    const records: RedisReply[] = [];
    groups.forEach(({ positions }, group) => {
      const found = replies[group] as readonly RedisReply[];
      positions.forEach((position, index) => records[position] = found[index]!);
    });
    return records;
  }

  #beside(key: string, prefix: string): string {
    const { slots } = this.#commands;
    if (slots === undefined) return prefix + key;
    const { key: name, field } = this.#placement.locate(key);
    const beside = slots.nameBeside(name, prefix);
    return field === undefined ? beside : `${beside}${field.length}:${field}`;
  }

  // What one command reads: keys of one slot, or fields of one hash.
  #groups(keys: readonly string[]): Map<string, { command: string[]; positions: number[] }> {
    const groups = new Map<string, { command: string[]; positions: number[] }>();
    keys.forEach((key, position) => {
      const { key: name, field } = this.#placement.locate(key);
      const command = field === undefined ? ["mget"] : ["hmget", name];
      const slot = field === undefined ? this.#commands.slots?.slotOf(name) : "";
      const label = [Math.floor(position / keysPerCommand), slot, ...command].join(" ");
      const group = groups.get(label) ?? { command, positions: [] };
      groups.set(label, group);
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

// A Buffer is a Uint8Array of another prototype, with methods of other meanings.
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
