/** Sharing a few costly things, say connections, among many callers. */

import type { Clock } from "../contracts/clock.ts";

/** Things that are lent to one caller at a time. */
export interface Pool<T> {
  /** How many things there are. */
  readonly size: number;
  /** How many of them are idle. */
  readonly count: number;
  /**
   * Lends one, waiting for one to come back if need be. Callers are served in the order in which
   * they came. Rejects with a `PoolExhaustedError` when none came back in time or too many wait
   * already, and with the signal's reason when it is aborted.
   */
  acquire(options?: AcquireOptions): Promise<T>;
  /** Takes one back. Taking back more than were lent is a `RangeError`. */
  getBack(item: T): void;
}

/** How to wait for a pool. */
export interface AcquireOptions {
  /** How long, in milliseconds. Default: the pool's. */
  readonly timeoutMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** How a pool lets its callers wait. */
export interface PoolOptions {
  /** How long `acquire` waits unless told otherwise, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
  /** How many callers may wait at once. Default: 1,024. */
  readonly maxWaiting?: number;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
}
