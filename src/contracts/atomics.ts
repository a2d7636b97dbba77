/**
 * What a store that can decide offers besides a backend: single-key operations that are atomic
 * among all its clients. `tests/conformance/atomics_suite.ts` checks every implementation.
 *
 * An expired value counts as absent in all of them. Workers KV and the Cache API cannot do this,
 * and have no atomics.
 */

import type { Write } from "./backend.ts";

/** Atomic operations on single keys. */
export interface Atomics<V> {
  /** For messages and statistics. */
  readonly name: string;
  /** Stores the value if the key is absent; answers whether it did. */
  add(write: Write<V>): Promise<boolean>;
  /** Stores the value if the key is present; answers whether it did. */
  replace(write: Write<V>): Promise<boolean>;
  /**
   * Adds `delta`, a safe integer, to the counter at `key` and answers the new count.
   *
   * An absent counter starts from 0 and lives until `expiresAt`; a present one keeps its deadline.
   * Counters are a kind of their own: what `increment` made is read by `increment`, with a delta
   * of 0, and by nothing else.
   */
  increment(key: string, delta: number, expiresAt: number): Promise<number>;
  /** Gives a present value a new deadline; answers whether it was present. */
  touch(key: string, expiresAt: number): Promise<boolean>;
  /** Removes the key if it holds a value equal to `expected`; answers whether it did. */
  deleteIf(key: string, expected: V): Promise<boolean>;
}
