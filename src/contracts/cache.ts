/**
 * The synchronous cache of one process, with wheezy.caching's operations and return values.
 * `MemoryCache`, `NullCache` and `CacheClient` keep these clauses.
 *
 * 1. **Miss.** `get` answers `undefined`; `getMulti` leaves the key out.
 * 2. **Expired is absent** in every operation: `add` stores over it, `replace` and `delete` answer
 *    `false`, `incr` starts anew.
 * 3. **Multi forms** succeed in part: they answer the keys that failed, and `[]` when none did.
 * 4. **Namespaces isolate.** The same key in two namespaces is two entries. No namespace and the
 *    empty one are the same, the default.
 * 5. **Any text is a key**, `__proto__` included.
 */

/** A cache that answers at once. */
export interface SyncCache<V = unknown> {
  /** The live value of `key`, or `undefined`. */
  get(key: string, namespace?: string): V | undefined;
  /** The live values found, by key; a missing key is left out. */
  getMulti(keys: Iterable<string>, namespace?: string): Map<string, V>;
  /** Stores a value, whatever was there. Answers `false` only where the value was refused. */
  set(key: string, value: V, options?: StoreOptions): boolean;
  /** Stores many values under one deadline; answers the keys that were refused. */
  setMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[];
  /** Stores the value if the key is absent; answers whether it did. */
  add(key: string, value: V, options?: StoreOptions): boolean;
  /** Stores the values of absent keys; answers the keys that were present. */
  addMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[];
  /** Stores the value if the key is present; answers whether it did. */
  replace(key: string, value: V, options?: StoreOptions): boolean;
  /** Stores the values of present keys; answers the keys that were absent. */
  replaceMulti(entries: Iterable<readonly [string, V]>, options?: StoreOptions): string[];
  /** Removes `key`; answers whether it was present. */
  delete(key: string, namespace?: string): boolean;
  /** Removes `keys`; answers `true`, also where there was nothing to remove. */
  deleteMulti(keys: Iterable<string>, namespace?: string): boolean;
  /**
   * Adds `delta` to the number at `key`, keeping its deadline, and answers the sum. An absent
   * number starts from `options.initialValue`, or stays absent and the answer is `undefined`.
   * Throws a `TypeError` where the value is not a number, and leaves it as it is.
   */
  incr(key: string, delta?: number, options?: CountOptions): number | undefined;
  /** Subtracts `delta` as {@linkcode SyncCache.incr} adds it; there is no floor. */
  decr(key: string, delta?: number, options?: CountOptions): number | undefined;
  /** Removes everything, in all namespaces; answers `true`. */
  flushAll(): boolean;
}

/** Where and until when to store. Give at most one of `ttlMs` and `expiresAt`. */
export interface StoreOptions {
  /** Time to live in milliseconds; 0 is already over, `NEVER` (the default) never ends. */
  readonly ttlMs?: number | undefined;
  /** When it ends, in epoch milliseconds, or `NEVER`. */
  readonly expiresAt?: number | undefined;
  /** The namespace of the key. Default: none. */
  readonly namespace?: string | undefined;
}

/** How to count. The deadline is that of a counter which starts now. */
export interface CountOptions extends StoreOptions {
  /** What an absent number counts as. Default: it stays absent. */
  readonly initialValue?: number | undefined;
}
