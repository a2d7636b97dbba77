/** Entries in this process as a store: a `Backend` with all it can have, over a `MemoryCache`. */

import type { Atomics } from "../contracts/atomics.ts";
import { type Backend, UNLIMITED, type Write } from "../contracts/backend.ts";
import type { Listing } from "../contracts/listing.ts";
import { isEqualData } from "./equality.ts";
import { MemoryCache, type MemoryCacheOptions } from "./memory_cache.ts";

const COUNTERS = "counters";

/**
 * A store in this process. Values are held by reference, so whoever changes one changes it for
 * everybody; put `serialized` over it where that must not be.
 *
 * The options are those of `MemoryCache`. A bound also bounds counters and locks: whoever relies on
 * them leaves room, or pins them by weight 0.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { memoryBackend, NEVER } from "@cairn/cache";
 *
 * const backend = memoryBackend<string>();
 * await backend.set([{ key: "k", value: "v", expiresAt: NEVER }]);
 * deepEqual(await backend.get(["k", "nowhere"]), ["v", undefined]);
 * equal(await backend.increment("visits", 1, NEVER), 1);
 * ```
 */
export function memoryBackend<V>(
  options: MemoryCacheOptions<V | number> = {},
): Backend<V> & Atomics<V> & Listing {
  const store = new MemoryStore<V>(new MemoryCache<V | number>(options));
  return Object.freeze({
    name: "memory",
    limits: UNLIMITED,
    get: async (keys: readonly string[]): Promise<(V | undefined)[]> => store.get(keys),
    set: async (writes: readonly Write<V>[]): Promise<void> => store.set(writes),
    delete: async (keys: readonly string[]): Promise<void> => store.delete(keys),
    add: async (write: Write<V>): Promise<boolean> => store.add(write),
    replace: async (write: Write<V>): Promise<boolean> => store.replace(write),
    increment: async (key: string, delta: number, expiresAt: number): Promise<number> =>
      store.increment(key, delta, expiresAt),
    touch: async (key: string, expiresAt: number): Promise<boolean> => store.touch(key, expiresAt),
    deleteIf: async (key: string, expected: V): Promise<boolean> => store.deleteIf(key, expected),
    keys: (prefix: string): AsyncIterable<string> => store.keys(prefix),
  });
}

class MemoryStore<V> {
  readonly #cache: MemoryCache<V | number>;

  constructor(cache: MemoryCache<V | number>) {
    this.#cache = cache;
  }

  get(keys: readonly string[]): (V | undefined)[] {
    if (keys.length === 0) return [];
    const found = this.#cache.getMulti(keys);
    return keys.map((key) => found.get(key) as V | undefined);
  }

  set(writes: readonly Write<V>[]): void {
    for (const { key, value, expiresAt } of writes) this.#cache.set(key, value, { expiresAt });
  }

  delete(keys: readonly string[]): void {
    if (keys.length === 0) return;
    this.#cache.deleteMulti(keys);
    this.#cache.deleteMulti(keys, COUNTERS);
  }

  add({ key, value, expiresAt }: Write<V>): boolean {
    return this.#cache.add(key, value, { expiresAt });
  }

  replace({ key, value, expiresAt }: Write<V>): boolean {
    return this.#cache.replace(key, value, { expiresAt });
  }

  increment(key: string, delta: number, expiresAt: number): number {
    const count = this.#cache.incr(key, delta, { namespace: COUNTERS, initialValue: 0, expiresAt });
    return count ?? delta;
  }

  touch(key: string, expiresAt: number): boolean {
    return this.#cache.touch(key, { expiresAt });
  }

  deleteIf(key: string, expected: V): boolean {
    const value = this.#cache.get(key);
    return value !== undefined && isEqualData(value, expected) && this.#cache.delete(key);
  }

  async *keys(prefix: string): AsyncGenerator<string> {
    for (const key of this.#cache.keys()) {
      if (key.startsWith(prefix)) yield key;
    }
  }
}
