/**
 * What a store that can list offers besides a backend: the names of what it holds.
 * `tests/conformance/listing_suite.ts` checks every implementation.
 *
 * 1. Every key that begins with the prefix, and whose value lives from the beginning of the listing
 *    to its end, is named, in no order. A store that moves its keys meanwhile may name one twice.
 * 2. A key whose value is written or deleted meanwhile may be named or not, and so may one whose
 *    value has expired and was not removed yet.
 * 3. A prefix is text to the letter and no pattern. Every key begins with the empty one.
 * 4. Only entries are named: no counters, no leases.
 * 5. Keys are fetched some at a time, so a listing of any length needs little memory, and none of
 *    the rest is fetched once its reader stops.
 * 6. Failure of the store is a `BackendError`.
 *
 * memcached and the Cache API cannot do this, and have no listing.
 */

/** Names the keys of a store. */
export interface Listing {
  /** For messages and statistics. */
  readonly name: string;
  /** The keys that begin with `prefix`. */
  keys(prefix: string): AsyncIterable<string>;
}
