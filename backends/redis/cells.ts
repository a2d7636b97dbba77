/** Entries and atomics in cells of Redis, be they strings or fields of hashes. */

import { recordOf } from "../../src/compose/deadline_record.ts";
import { requireKeys, requireWrites } from "../../src/compose/limits.ts";
import type { Atomics } from "../../src/contracts/atomics.ts";
import { type Backend, type Limits, UNLIMITED, type Write } from "../../src/contracts/backend.ts";
import { deleteIf, increment, scriptOn, stringCells, touch } from "./scripts.ts";
import type { RedisStore } from "./store.ts";

/** The backend of a store, whatever its cells are. */
export function redisCells(
  name: string,
  store: RedisStore,
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return new RedisBackend(name, store);
}

/** A string holds 512 MB (Redis's `proto-max-bulk-len`), the deadline of the record among them. */
const limits: Limits = Object.freeze({
  ...UNLIMITED,
  keyBytes: 1_000_000,
  valueBytes: (512 << 20) - 1_024,
});

class RedisBackend implements Backend<Uint8Array>, Atomics<Uint8Array> {
  readonly name: string;
  readonly limits: Limits = limits;
  readonly #store: RedisStore;

  constructor(name: string, store: RedisStore) {
    this.name = name;
    this.#store = store;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    if (keys.length === 0) return [];
    return this.#store.values(await this.#store.read(keys));
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, sizeOf);
    if (writes.length === 0) return;
    // One write for each key, the last: a cluster's servers need not keep an order among them.
    const last = new Map(writes.map((write) => [write.key, write]));
    await this.#store.run("set", [...last.values()].map((write) => this.#store.storing(write)));
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    if (keys.length === 0) return;
    await this.#store.run("delete", this.#store.removing(keys));
  }

  async add(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], sizeOf);
    return await this.#store.decide("add", this.#store.putting(write, "0"));
  }

  async replace(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], sizeOf);
    return await this.#store.decide("replace", this.#store.putting(write, "1"));
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    requireKeys(this, [key]);
    const count = Number.isSafeInteger(delta)
      ? await this.#increment(key, delta, expiresAt)
      : undefined;
    if (count !== undefined) return count;
    throw new RangeError(`Cannot increment "${key}" by ${delta}: it leaves the safe integers`);
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    requireKeys(this, [key]);
    const args = [this.#store.head(expiresAt), this.#store.ttl(expiresAt)];
    const call = this.#store.onCell(touch, key, { args });
    return await this.#store.decide("touch", call);
  }

  async deleteIf(key: string, expected: Uint8Array): Promise<boolean> {
    requireKeys(this, [key]);
    const call = this.#store.onCell(deleteIf, key, { args: [expected] });
    return await this.#store.decide("deleteIf", call);
  }

  async #increment(key: string, delta: number, expiresAt: number): Promise<number | undefined> {
    const store = this.#store;
    // A counter has a deadline of its own also where records have none.
    const [reply] = await store.run("increment", [{
      script: incrementScript,
      keys: [store.counterOf(key)],
      args: [
        ...[store.clock.now(), delta].map(String),
        recordOf(new Uint8Array(0), expiresAt),
        store.ttl(expiresAt),
      ],
    }]);
    return reply instanceof Uint8Array ? Number(new TextDecoder().decode(reply)) : undefined;
  }
}

/** Counters are strings, whatever the cells are. */
const incrementScript = scriptOn(stringCells, increment);

function sizeOf(value: Uint8Array): number {
  return value.length;
}
