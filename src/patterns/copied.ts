/** Values by copy instead of by reference. */

import type { CountOptions, StoreOptions, SyncCache } from "../contracts/cache.ts";

/**
 * A cache whose callers cannot change what it holds: values are copied on their way in and on their
 * way out. Both copies cost time on each call, a few microseconds for a small object.
 *
 * `copy` defaults to `structuredClone`, which throws a `DataCloneError` for functions.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { copied, MemoryCache } from "@cairn/cache";
 *
 * const cache = copied(new MemoryCache<string[]>());
 * cache.set("k", ["kept"]);
 * cache.get("k")!.push("lost");
 * deepEqual(cache.get("k"), ["kept"]);
 * ```
 */
export function copied<V>(
  cache: SyncCache<V>,
  // Called as a bare function: Workers and browsers refuse it as a method of something else.
  copy: (value: V) => V = (value) => structuredClone(value),
): SyncCache<V> {
  return new CopiedCache(cache, copy);
}

class CopiedCache<V> implements SyncCache<V> {
  readonly #cache: SyncCache<V>;
  readonly #copy: (value: V) => V;

  constructor(cache: SyncCache<V>, copy: (value: V) => V) {
    this.#cache = cache;
    this.#copy = copy;
  }

  get(key: string, namespace?: string): V | undefined {
    const value = this.#cache.get(key, namespace);
    return value === undefined ? undefined : this.#copy(value);
  }

  getMulti(keys: Iterable<string>, namespace?: string): Map<string, V> {
    const found = this.#cache.getMulti(keys, namespace);
    for (const [key, value] of found) found.set(key, this.#copy(value));
    return found;
  }

  set(key: string, value: V, options?: StoreOptions): boolean {
    return this.#cache.set(key, this.#copy(value), options);
  }

  setMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[] {
    return this.#cache.setMulti(this.#copies(entries), options);
  }

  add(key: string, value: V, options?: StoreOptions): boolean {
    return this.#cache.add(key, this.#copy(value), options);
  }

  addMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[] {
    return this.#cache.addMulti(this.#copies(entries), options);
  }

  replace(key: string, value: V, options?: StoreOptions): boolean {
    return this.#cache.replace(key, this.#copy(value), options);
  }

  replaceMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[] {
    return this.#cache.replaceMulti(this.#copies(entries), options);
  }

  delete(key: string, namespace?: string): boolean {
    return this.#cache.delete(key, namespace);
  }

  deleteMulti(keys: Iterable<string>, namespace?: string): boolean {
    return this.#cache.deleteMulti(keys, namespace);
  }

  incr(key: string, delta?: number, options?: CountOptions): number | undefined {
    return this.#cache.incr(key, delta, options);
  }

  decr(key: string, delta?: number, options?: CountOptions): number | undefined {
    return this.#cache.decr(key, delta, options);
  }

  flushAll(): boolean {
    return this.#cache.flushAll();
  }

  *#copies(entries: Iterable<readonly [string, V]>): Iterable<readonly [string, V]> {
    for (const [key, value] of entries) yield [key, this.#copy(value)];
  }
}
