/** One front for several caches, chosen by namespace, as wheezy's `CacheClient`. */

import type { CountOptions, StoreOptions, SyncCache } from "../contracts/cache.ts";

/** A cache that is held for a while and then given back, say to a pool. */
export type HeldCache<V = unknown> = SyncCache<V> & Disposable;

/**
 * What answers for a namespace: a cache, or, as in wheezy.caching of 2012, a function that hands one
 * out.
 */
export type CacheSource<V = unknown> = SyncCache<V> | (() => HeldCache<V>);

/**
 * Routes each call to the cache of its namespace, with the namespace's name. No namespace and the
 * empty one mean the default. A namespace that nobody answers for is a `RangeError`.
 *
 * Where a function answers for a namespace, it is asked for a cache for each call, which is given
 * back when the call ends; that of the default namespace is kept from the first call until the
 * client is disposed of.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { CacheClient, MemoryCache, NullCache } from "@cairn/cache";
 *
 * const caches = { pages: new MemoryCache(), drafts: new NullCache() };
 * const client = new CacheClient(caches, "pages");
 * client.set("k", 1);
 * client.set("k", 1, { namespace: "drafts" });
 * equal(client.get("k"), 1);
 * equal(client.get("k", "drafts"), undefined);
 * ```
 */
export class CacheClient<V = unknown> implements SyncCache<V>, Disposable {
  readonly #sources: ReadonlyMap<string, CacheSource<V>>;
  readonly #defaultNamespace: string;
  #heldDefault: HeldCache<V> | undefined;

  /** Copies the table of caches. Throws a `RangeError` if the default namespace is not in it. */
  constructor(sources: Readonly<Record<string, CacheSource<V>>>, defaultNamespace: string) {
    this.#sources = new Map(Object.entries(sources));
    this.#defaultNamespace = defaultNamespace;
    this.#sourceOf(defaultNamespace);
  }

  /** The live value of `key`, or `undefined`. */
  get(key: string, namespace?: string): V | undefined {
    return this.#on(namespace, (cache, name) => cache.get(key, name));
  }

  /** The live values found, by key. */
  getMulti(keys: Iterable<string>, namespace?: string): Map<string, V> {
    return this.#on(namespace, (cache, name) => cache.getMulti(keys, name));
  }

  /** Stores a value, whatever was there. */
  set(key: string, value: V, options?: StoreOptions): boolean {
    return this.#store(options, (cache, inside) => cache.set(key, value, inside));
  }

  /** Stores many values; answers the keys that were refused. */
  setMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[] {
    return this.#store(options, (cache, inside) => cache.setMulti(entries, inside));
  }

  /** Stores the value if the key is absent; answers whether it did. */
  add(key: string, value: V, options?: StoreOptions): boolean {
    return this.#store(options, (cache, inside) => cache.add(key, value, inside));
  }

  /** Stores the values of absent keys; answers the keys that were present. */
  addMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[] {
    return this.#store(options, (cache, inside) => cache.addMulti(entries, inside));
  }

  /** Stores the value if the key is present; answers whether it did. */
  replace(key: string, value: V, options?: StoreOptions): boolean {
    return this.#store(options, (cache, inside) => cache.replace(key, value, inside));
  }

  /** Stores the values of present keys; answers the keys that were absent. */
  replaceMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[] {
    return this.#store(options, (cache, inside) => cache.replaceMulti(entries, inside));
  }

  /** Removes `key`; answers whether it was present. */
  delete(key: string, namespace?: string): boolean {
    return this.#on(namespace, (cache, name) => cache.delete(key, name));
  }

  /** Removes `keys`. */
  deleteMulti(keys: Iterable<string>, namespace?: string): boolean {
    return this.#on(namespace, (cache, name) => cache.deleteMulti(keys, name));
  }

  /** Adds to the number at `key`. */
  incr(key: string, delta?: number, options?: CountOptions): number | undefined {
    return this.#store(options, (cache, inside) => cache.incr(key, delta, inside));
  }

  /** Subtracts from the number at `key`. */
  decr(key: string, delta?: number, options?: CountOptions): number | undefined {
    return this.#store(options, (cache, inside) => cache.decr(key, delta, inside));
  }

  /** Flushes the cache of every namespace; answers whether all said `true`. */
  flushAll(): boolean {
    let isFlushed = true;
    for (const name of this.#sources.keys()) {
      isFlushed = this.#on(name, (cache) => cache.flushAll()) && isFlushed;
    }
    return isFlushed;
  }

  /** Gives the cache of the default namespace back, where a function handed it out. */
  [Symbol.dispose](): void {
    const held = this.#heldDefault;
    this.#heldDefault = undefined;
    held?.[Symbol.dispose]();
  }

  #store<T, O extends StoreOptions>(
    options: O | undefined,
    use: (cache: SyncCache<V>, options: O) => T,
  ): T {
    return this.#on(
      options?.namespace,
      (cache, namespace) => use(cache, { ...options, namespace } as O),
    );
  }

  #on<T>(namespace: string | undefined, use: (cache: SyncCache<V>, name: string) => T): T {
    const name = namespace || this.#defaultNamespace;
    const source = this.#sourceOf(name);
    if (typeof source !== "function") return use(source, name);
    if (name === this.#defaultNamespace) return use(this.#heldDefault ??= source(), name);
    const held = source();
    try {
      return use(held, name);
    } finally {
      held[Symbol.dispose]();
    }
  }

  #sourceOf(name: string): CacheSource<V> {
    const source = this.#sources.get(name);
    if (source === undefined) {
      throw new RangeError(`Cannot find namespace "${name}": it is unknown`);
    }
    return source;
  }
}
