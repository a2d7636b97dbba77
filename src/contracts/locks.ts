/**
 * Dogpile locks: the right to create the value of a key, held by one caller among all that share
 * the locks. `tests/conformance/locks_suite.ts` checks every implementation.
 *
 * 1. At most one live lease exists for a key. A lease ends by `release`, by `commit`, by a delete
 *    of its key, or `leaseMs` after it was acquired or last renewed, whichever comes first.
 * 2. The fence of a later lease of a key is greater than that of every earlier one.
 * 3. `commit` stores and releases in one step, and stores nothing once the lease has ended: a late
 *    creator cannot overwrite what its successor made.
 * 4. `acquire` never waits longer than `waitMs`; a dead holder delays it by its lease at most.
 */

import type { Write } from "./backend.ts";

/** Gives out leases on keys. */
export interface Locks<V> {
  /** For messages and statistics. */
  readonly name: string;
  /**
   * Tries to acquire the lock of `key`, and reads the key's value in the same trip.
   *
   * The wait ends with the first of these: the lease is ours; the value read satisfies
   * `options.enough`; `options.waitMs` has passed; `options.signal` was aborted.
   */
  acquire(key: string, options: AcquireOptions<V>): Promise<Acquired<V>>;
  /**
   * Removes `keys` and ends their leases in one step, so that a creation already under way finds
   * its lease lost.
   */
  revoke(keys: readonly string[]): Promise<void>;
}

/** How to wait for a lock. */
export interface AcquireOptions<V> {
  /** How long the lease lives unless renewed, in milliseconds; more than 0. */
  readonly leaseMs: number;
  /** How long to wait for a busy lock, in milliseconds; 0 tries once. */
  readonly waitMs: number;
  /** Whether a value read while waiting makes the lock unnecessary. */
  readonly enough: (value: V | undefined) => boolean;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** How an attempt to acquire ended. */
export interface Acquired<V> {
  /** The lease, or `undefined` when the wait ended without it. */
  readonly lease: Lease<V> | undefined;
  /** The key's value as read in the last attempt, or `undefined` for a miss. */
  readonly value: V | undefined;
}

/** One holding of a lock. */
export interface Lease<V> {
  /** The mangled key it is for. */
  readonly key: string;
  /** The fencing token: grows with every lease of this key. */
  readonly fence: number;
  /** Extends the lease to `leaseMs` from now; answers `false` when it was already lost. */
  renew(leaseMs: number): Promise<boolean>;
  /** Stores the key's value and releases, in one step; answers `false`, storing nothing, when it was lost. */
  commit(write: Write<V>): Promise<boolean>;
  /** Gives the lock back. Releasing a lost lease does nothing. */
  release(): Promise<void>;
}
