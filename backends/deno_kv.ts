/** Entries in Deno KV. */

import { requireKeys, requireWrites } from "../src/compose/limits.ts";
import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend, Limits, Write } from "../src/contracts/backend.ts";
import type { DenoKv } from "./deno_kv/client.ts";
import type { Change } from "./deno_kv/commits.ts";
import { DenoKvDatabase, type DenoKvOptions } from "./deno_kv/database.ts";
import { type Found, isLarge } from "./deno_kv/records.ts";

export type { DenoKvOptions } from "./deno_kv/database.ts";
export { type DenoKvLister, denoKvListing } from "./deno_kv/listing.ts";
export { denoKvLocks, type DenoKvLocksOptions } from "./deno_kv/locks.ts";
export type {
  DenoKv,
  DenoKvAtomic,
  DenoKvCommit,
  DenoKvEntry,
  DenoKvKey,
} from "./deno_kv/client.ts";

/**
 * A store of bytes in a Deno KV database that the user opens and closes, by `Deno.openKv` or by
 * `openKv` of `npm:@deno/kv`.
 *
 * A batch reads ten keys in a trip, and writes what fits into one commit of Deno KV in a trip. A
 * value of more than 63 KiB is kept in parts, which cost further trips; of such a value Deno KV keeps
 * the parts for a year at most.
 *
 * Processes that share a file of Deno KV do not wait for each other: it tells one that "database is
 * locked", which is a `BackendError` here, for `retried` to try again.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { NEVER } from "@cairn/cache";
 * import { denoKvBackend } from "@cairn/cache/deno-kv";
 *
 * const kv = await Deno.openKv(":memory:");
 * const backend = denoKvBackend(kv);
 * await backend.set([{ key: "key", value: Uint8Array.of(1, 2), expiresAt: NEVER }]);
 * deepEqual(await backend.get(["key", "nowhere"]), [Uint8Array.of(1, 2), undefined]);
 * kv.close();
 * ```
 */
export function denoKvBackend(
  kv: DenoKv,
  options: DenoKvOptions = {},
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return new DenoKvBackend(kv, options);
}

/** How often a change begins anew after another client was faster. */
const attempts = 100;

class DenoKvBackend implements Backend<Uint8Array>, Atomics<Uint8Array> {
  readonly name: string;
  readonly limits: Limits;
  readonly #database: DenoKvDatabase;

  constructor(kv: DenoKv, options: DenoKvOptions) {
    this.#database = new DenoKvDatabase(kv, options);
    this.name = this.#database.name;
    this.limits = this.#database.limits;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    const { records } = this.#database;
    const distinct = [...new Set(keys)];
    const found = await this.#database.guard("get", () => records.read(distinct));
    const values = new Map(distinct.map((key, index) => [key, found[index]!.value]));
    return keys.map((key) => values.get(key));
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, (value) => value.length);
    const { records, commits } = this.#database;
    const last = [...new Map(writes.map((write) => [write.key, write])).values()];
    const small = last.filter(({ value }) => !isLarge(value));
    await this.#database.guard("set", async () => {
      await commits.all(small.flatMap((write) => records.changeOf(write, []).step));
      await this.#setLarge(last.filter(({ value }) => isLarge(value)));
    });
  }

  // A value in parts that is written again and again would leave its old parts until they expire.
  async #setLarge(writes: readonly Write<Uint8Array>[]): Promise<void> {
    const { records, commits } = this.#database;
    const replaced = await records.raw(writes.map(({ key }) => records.keyOf("entry", key)));
    for (const [index, write] of writes.entries()) {
      const partKeys = records.partKeysOf(replaced[index]!);
      await commits.decide(records.changeOf(write, partKeys), []);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#database.remove("delete", keys);
  }

  async add(write: Write<Uint8Array>): Promise<boolean> {
    return await this.#put("add", write, false);
  }

  async replace(write: Write<Uint8Array>): Promise<boolean> {
    return await this.#put("replace", write, true);
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    const { records } = this.#database;
    return await this.#change("touch", key, ({ value, partKeys }) => {
      return value && records.changeOf({ key, value, expiresAt }, partKeys);
    });
  }

  async deleteIf(key: string, expected: Uint8Array): Promise<boolean> {
    const { records } = this.#database;
    return await this.#change("deleteIf", key, ({ value, partKeys }) => {
      const isExpected = value && areEqual(value, expected);
      // A write that has expired removes the key and the parts of its value.
      return isExpected && records.changeOf({ key, value, expiresAt: 0 }, partKeys);
    });
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    requireKeys(this, [key]);
    const count = await this.#optimistically("increment", async () => {
      const { records, commits, clock } = this.#database;
      const countKey = records.keyOf("count", key);
      const [record] = await records.raw([countKey]);
      const held = liveCounter(record!.value, clock.now());
      const next = { until: held?.until ?? expiresAt, count: (held?.count ?? 0) + delta };
      if (!Number.isSafeInteger(next.count)) return { answer: undefined };
      const step = [{ key: countKey, value: next, until: next.until }];
      const stamp = await commits.decide({ step }, [record!]);
      return stamp === undefined ? undefined : { answer: next.count };
    });
    if (count !== undefined) return count;
    throw new RangeError(`Cannot increment "${key}" by ${delta}: it leaves the safe integers`);
  }

  async #put(operation: string, write: Write<Uint8Array>, isThere: boolean): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    const { records } = this.#database;
    return await this.#change(operation, write.key, ({ value, partKeys }) => {
      return (value !== undefined) === isThere ? records.changeOf(write, partKeys) : undefined;
    });
  }

  /** Makes the change that `changeOf` makes of what is there, if it wants one. */
  async #change(
    operation: string,
    key: string,
    changeOf: (found: Found) => Change | false | undefined,
  ): Promise<boolean> {
    requireKeys(this, [key]);
    const { records, commits } = this.#database;
    return await this.#optimistically(operation, async () => {
      const [found] = await records.read([key]);
      const change = changeOf(found!);
      if (!change) return { answer: false };
      const stamp = await commits.decide(change, [found!]);
      return stamp === undefined ? undefined : { answer: true };
    });
  }

  /** Attempts until no other client comes between reading and writing, and somebody always wins. */
  async #optimistically<T>(
    operation: string,
    attempt: () => Promise<{ readonly answer: T } | undefined>,
  ): Promise<T> {
    return await this.#database.guard(operation, async () => {
      for (let left = attempts; left > 0; left--) {
        const done = await attempt();
        if (done) return done.answer;
      }
      throw new Error(`other clients were faster ${attempts} times`);
    });
  }
}

interface Counter {
  readonly until: number;
  readonly count: number;
}

function liveCounter(record: unknown, now: number): Counter | undefined {
  const counter = record as Counter | null;
  return counter && counter.until > now ? counter : undefined;
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
