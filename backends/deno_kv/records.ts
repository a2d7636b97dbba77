/**
 * How entries lie in Deno KV, which takes 64 KiB in a value and 800 KiB in a commit.
 *
 * ```text
 * [prefix, "entry", key]                { until, value }, or { until, parts } for a larger value
 * [prefix, "part", key, id, 0 … n - 1]  the pieces of a larger value
 * [prefix, "count", key]                { until, count }
 * [prefix, "lease", key]                { until, owner }
 * ```
 *
 * Each writer gives its parts an id of their own, so two writers never mix theirs. If parts and entry
 * do not fit into one commit, the entry goes last:
 *
 * 1. A reader that comes before it finds the old value, whole.
 * 2. A writer that dies before it leaves parts that nobody reads. Deno KV drops them at the deadline
 *    they were written with, which is a year away at most.
 * 3. A reader whose parts are removed under its hands, because the entry was replaced, reads again.
 */

import type { Write } from "../../src/contracts/backend.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import { randomId } from "../../src/contracts/random.ts";
import type { DenoKv, DenoKvEntry, DenoKvKey } from "./client.ts";
import type { Change, Check } from "./commits.ts";
import { groupsOf, sideBySide } from "../../src/compose/side_by_side.ts";

/** What was found at a key. */
export interface Found extends Check {
  /** The live value. */
  readonly value: Uint8Array | undefined;
  /** Where the parts of the value are, be it live or not. */
  readonly partKeys: readonly DenoKvKey[];
}

interface Parts {
  readonly id: string;
  readonly count: number;
  readonly sizeBytes: number;
}

/** A value or part of this size is within 65,536 bytes as Deno KV writes it. */
const partBytes = 63 << 10;

/** Whether a value is kept in parts. */
export function isLarge(value: Uint8Array): boolean {
  return value.length > partBytes;
}

/**
 * How long the parts of a value are kept at most, even if the value has no deadline: otherwise parts
 * that nobody reads would stay for ever.
 */
const partsLimitMs = 365 * 86_400_000;

/** How many keys Deno KV reads at once. */
const keysAtOnce = 10;

/** How often a reader begins anew when the entry is replaced while it reads the parts. */
const readAttempts = 5;

/** Reads the records of one database, and tells how to write them. */
export class DenoKvRecords {
  readonly #kv: DenoKv;
  readonly #prefix: string;
  readonly #clock: Clock;

  /** For the records under `prefix`; the clock judges deadlines. */
  constructor(kv: DenoKv, options: { readonly prefix: string; readonly clock: Clock }) {
    this.#kv = kv;
    this.#prefix = options.prefix;
    this.#clock = options.clock;
  }

  /** Where something of an entry is. */
  keyOf(kind: "entry" | "count" | "lease", key: string): DenoKvKey {
    return [this.#prefix, kind, key];
  }

  /** What is at `keys`, in order. */
  async raw(keys: readonly DenoKvKey[]): Promise<DenoKvEntry[]> {
    const found = await sideBySide(groupsOf(keys, keysAtOnce), (group) => this.#kv.getMany(group));
    return found.flat();
  }

  /** The entries of `keys`, in order. */
  async read(keys: readonly string[]): Promise<Found[]> {
    const heads = await this.raw(keys.map((key) => this.keyOf("entry", key)));
    return await sideBySide(heads, (head) => this.whole(head));
  }

  /** An entry whose record is in hand: its parts are read. */
  async whole(record: DenoKvEntry): Promise<Found> {
    let found = await this.#found(record);
    for (let attempt = 1; attempt < readAttempts; attempt++) {
      if (found.value !== undefined || found.partKeys.length === 0) return found;
      const [again] = await this.raw([found.key as DenoKvKey]);
      if (again!.versionstamp === found.versionstamp) return found;
      found = await this.#found(again!);
    }
    return found;
  }

  /** Where the parts of the value are whose record is in hand. */
  partKeysOf({ key, value: head }: DenoKvEntry): DenoKvKey[] {
    return isHead(head) && head.parts ? this.#partKeys(key[2] as string, head.parts) : [];
  }

  async #found(record: DenoKvEntry): Promise<Found> {
    const { value: head } = record;
    const partKeys = this.partKeysOf(record);
    if (!isLive(head, this.#clock.now())) return { ...record, partKeys, value: undefined };
    const value = head.parts ? joined(await this.raw(partKeys), head.parts) : head.value;
    return { ...record, partKeys, value };
  }

  /** The change that a write makes; the parts at `replaced` are of the value that it replaces. */
  changeOf({ key, value, expiresAt }: Write<Uint8Array>, replaced: readonly DenoKvKey[]): Change {
    const after = replaced.map((partKey) => ({ key: partKey }));
    const entry = { key: this.keyOf("entry", key), until: expiresAt };
    const now = this.#clock.now();
    if (expiresAt <= now) return { step: [entry], after };
    if (!isLarge(value)) {
      const head = { until: expiresAt, value };
      return { step: [{ ...entry, value: head, sizeBytes: value.length }], after };
    }
    const count = Math.ceil(value.length / partBytes);
    const parts: Parts = { id: randomId(), count, sizeBytes: value.length };
    const until = Math.min(expiresAt, now + partsLimitMs);
    const before = this.#partKeys(key, parts).map((partKey, index) => {
      const part = value.slice(index * partBytes, (index + 1) * partBytes);
      return { key: partKey, value: part, until, sizeBytes: part.length };
    });
    return { before, step: [{ ...entry, value: { until: expiresAt, parts } }], after };
  }

  #partKeys(key: string, { id, count }: Parts): DenoKvKey[] {
    return Array.from({ length: count }, (_, index) => [this.#prefix, "part", key, id, index]);
  }
}

/** What is at the key of an entry. */
export interface Head {
  readonly until: number;
  readonly value?: Uint8Array;
  readonly parts?: Parts;
}

/** Whether what is at the key of an entry is one that has not ended. */
export function isLive(record: unknown, now: number): record is Head {
  return isHead(record) && record.until > now;
}

function isHead(record: unknown): record is Head {
  const { until, value, parts } = (record ?? {}) as { [Name in keyof Head]: unknown };
  return typeof until === "number" && (value instanceof Uint8Array || isParts(parts));
}

function isParts(parts: unknown): boolean {
  const { id, count, sizeBytes } = (parts ?? {}) as { [Name in keyof Parts]: unknown };
  return typeof id === "string" && Number.isSafeInteger(sizeBytes) &&
    count === Math.ceil(Number(sizeBytes) / partBytes);
}

/** The value of its parts; `undefined` unless all are there. */
function joined(found: readonly DenoKvEntry[], { sizeBytes }: Parts): Uint8Array | undefined {
  const value = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const { value: part } of found) {
    if (!(part instanceof Uint8Array)) return undefined;
    if (part.length !== Math.min(partBytes, sizeBytes - offset)) return undefined;
    value.set(part, offset);
    offset += part.length;
  }
  return value;
}
