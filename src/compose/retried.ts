/** A backend whose failures are tried again. */

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";
import { BackendError } from "../contracts/errors.ts";
import { type Random, systemRandom } from "../contracts/random.ts";

/** How often and how soon to try again. */
export interface RetriedOptions {
  /** How many attempts in all, the first included. Default: 3. */
  readonly attempts?: number;
  /** The longest wait before the second attempt, in milliseconds; it doubles. Default: 50. */
  readonly delayMs?: number;
  /** The longest wait before any attempt, in milliseconds. Default: 1,000. */
  readonly maxDelayMs?: number;
  /** Told of every failure that is tried again; must not throw. Default: nobody is told. */
  readonly onRetry?: (error: BackendError) => void;
  /** Waits. Default: the platform's. */
  readonly clock?: Clock;
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Tries an operation again when it fails with a `BackendError`, and rejects with the last one.
 *
 * Each wait is drawn evenly between nothing and its bound ("full jitter"), so that many callers do
 * not come back at once. All verbs may be repeated without harm, for deadlines are absolute; only a
 * write that was tried again may overtake a later one to the same key by another caller. Other
 * errors, those of wrong arguments, are not tried again.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { BackendError, memoryBackend, retried } from "@cairn/cache";
 *
 * let attempts = 0;
 * const moody = {
 *   ...memoryBackend<string>(),
 *   get: (keys: readonly string[]) =>
 *     ++attempts < 3
 *       ? Promise.reject(new BackendError("moody", "get", "not now"))
 *       : Promise.resolve(keys.map(() => "at last")),
 * };
 * equal((await retried(moody, { delayMs: 1 }).get(["key"]))[0], "at last");
 * ```
 */
export function retried<V>(backend: Backend<V>, options: RetriedOptions = {}): Backend<V> {
  const { attempts, ...rest } = checkedRetries(options);

  async function persist<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (attempt >= attempts || !(error instanceof BackendError)) throw error;
        rest.onRetry(error);
        const bound = Math.min(rest.maxDelayMs, rest.delayMs * 2 ** (attempt - 1));
        await rest.clock.sleep(rest.random() * bound);
      }
    }
  }

  return Object.freeze({
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]): Promise<(V | undefined)[]> => persist(() => backend.get(keys)),
    set: (writes: readonly Write<V>[]): Promise<void> => persist(() => backend.set(writes)),
    delete: (keys: readonly string[]): Promise<void> => persist(() => backend.delete(keys)),
  });
}

function checkedRetries(options: RetriedOptions): Required<RetriedOptions> {
  const { attempts = 3, delayMs = 50, maxDelayMs = 1_000 } = options;
  if (!(Number.isInteger(attempts) && attempts >= 1)) {
    throw new RangeError(`Cannot retry: "attempts" is ${attempts}`);
  }
  for (const [name, value] of Object.entries({ delayMs, maxDelayMs })) {
    if (!(value >= 0)) throw new RangeError(`Cannot retry: "${name}" is ${value}`);
  }
  const { onRetry = () => {}, clock = systemClock, random = systemRandom } = options;
  return { attempts, delayMs, maxDelayMs, onRetry, clock, random };
}
