/**
 * The one seam between cairn and every store of entries.
 *
 * Every backend keeps these eight clauses; `tests/conformance/backend_suite.ts` checks them.
 *
 * 1. **Batch.** All three verbs take arrays. An empty array does no I/O.
 * 2. **Order.** `get` answers one slot for each key, in the order asked, duplicates included.
 * 3. **Miss.** A slot without a live value is `undefined`; a stored value is never `undefined`.
 * 4. **Last write wins**, within one batch as between batches; values come back unchanged.
 * 5. **Deadlines are absolute** instants in epoch milliseconds. At its deadline a value is gone,
 *    also where the store's own expiry is late or coarse. A write whose deadline has passed leaves
 *    the key missing. `NEVER` never expires.
 * 6. **Deleting** a key that is not there is no error.
 * 7. **Limits** are declared. A key or value outside them is refused with a `RangeError` before
 *    any I/O, and nothing of that batch is written.
 * 8. **Failure** of the store is a `BackendError` with the cause; it is never disguised as a miss.
 *
 * A backend holds no policy: no retries, no freshness, no locking, no key mangling.
 */

/** A store of values by key. */
export interface Backend<V> {
  /** For messages and statistics, e.g. `"redis"`. */
  readonly name: string;
  /** What the store can hold. */
  readonly limits: Limits;
  /** Reads the live values of `keys`. */
  get(keys: readonly string[]): Promise<(V | undefined)[]>;
  /** Stores every write. */
  set(writes: readonly Write<V>[]): Promise<void>;
  /** Removes `keys`. */
  delete(keys: readonly string[]): Promise<void>;
}

/** One value to be stored. */
export interface Write<V> {
  /** The mangled key. */
  readonly key: string;
  /** The value. */
  readonly value: V;
  /** When it ends, in epoch milliseconds, or `NEVER`. */
  readonly expiresAt: number;
}

/** Facts about a store, declared so that nobody has to sniff. `Infinity` where there is no limit. */
export interface Limits {
  /** The longest key, in UTF-8 bytes. */
  readonly keyBytes: number;
  /** Which keys the store takes. */
  readonly keyAlphabet: KeyAlphabet;
  /** The largest value, in bytes; `Infinity` where values are held by reference. */
  readonly valueBytes: number;
  /**
   * The shortest time to live that the store itself honours, in milliseconds. A shorter deadline is
   * still kept, by the deadline stored with the value.
   */
  readonly ttlMinMs: number;
  /** The step to which the store itself rounds a time to live, in milliseconds. */
  readonly ttlStepMs: number;
  /** Whether a read sees every write that ended before it began. */
  readonly consistency: "strong" | "eventual";
}

/**
 * The keys a store takes: any Unicode text, or text without blanks and control characters (as
 * memcached's protocol demands).
 */
export type KeyAlphabet = "unicode" | "graphic";

/** The limits of a store that has none. */
export const UNLIMITED: Limits = Object.freeze({
  keyBytes: Infinity,
  keyAlphabet: "unicode",
  valueBytes: Infinity,
  ttlMinMs: 0,
  ttlStepMs: 1,
  consistency: "strong",
});
