/** A backend that fails rather than keep its caller waiting. */

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";
import { BackendError } from "../contracts/errors.ts";

/** How long to wait. */
export interface TimedOptions {
  /** An operation that takes longer is rejected, in milliseconds. Default: 1,000. */
  readonly timeoutMs?: number;
  /** Measures the wait. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * Rejects with a `BackendError` when `backend` has not answered in time.
 *
 * The operation itself is not stopped, for a backend cannot be: a write that timed out may still be
 * stored later. What it ends with is dropped.
 *
 * @example
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { BackendError, memoryBackend, timed } from "@cairn/cache";
 *
 * const hanging = { ...memoryBackend(), get: () => new Promise<never>(() => {}) };
 * await rejects(() => timed(hanging, { timeoutMs: 5 }).get(["key"]), BackendError);
 * ```
 */
export function timed<V>(backend: Backend<V>, options: TimedOptions = {}): Backend<V> {
  const { timeoutMs = 1_000, clock = systemClock } = options;
  if (!(timeoutMs > 0)) throw new RangeError(`Cannot time: "timeoutMs" is ${timeoutMs}`);

  async function within<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const answered = new AbortController();
    const timeout = clock.sleep(timeoutMs, answered.signal).then(() => {
      const cause = new Error(`no answer after ${timeoutMs} ms`);
      throw new BackendError(backend.name, operation, cause);
    });
    try {
      return await Promise.race([run(), timeout]);
    } finally {
      // The race is over: this ends the sleep, and its rejection has been taken by the race.
      answered.abort();
    }
  }

  return Object.freeze({
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]): Promise<(V | undefined)[]> =>
      within("get", () => backend.get(keys)),
    set: (writes: readonly Write<V>[]): Promise<void> => within("set", () => backend.set(writes)),
    delete: (keys: readonly string[]): Promise<void> =>
      within("delete", () => backend.delete(keys)),
  });
}
