/** A backend that tells what it does. */

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";

/** One operation that ended. */
export interface Operation {
  /** The name of the backend. */
  readonly backend: string;
  /** The verb. */
  readonly verb: "get" | "set" | "delete";
  /** How many keys it was about. */
  readonly keys: number;
  /** How many of them were found; 0 for other verbs than `get`. */
  readonly hits: number;
  /** How long it took, in milliseconds of the clock. */
  readonly durationMs: number;
  /** What it was rejected with, or `undefined`. */
  readonly error: unknown;
}

/** Where an observer takes its time from. */
export interface ObservedOptions {
  /** Measures the durations. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * Calls `observer` after every operation of `backend`, also a failed one. Results, errors and
 * limits are those of `backend`. What `observer` throws rejects the operation: it must not throw.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { memoryBackend, observed } from "@cairn/cache";
 *
 * const seen: string[] = [];
 * const backend = observed(memoryBackend(), ({ verb, keys, hits }) => {
 *   seen.push(`${verb} ${hits}/${keys}`);
 * });
 * await backend.get(["a", "b"]);
 * deepEqual(seen, ["get 0/2"]);
 * ```
 */
export function observed<V>(
  backend: Backend<V>,
  observer: (operation: Operation) => void,
  options: ObservedOptions = {},
): Backend<V> {
  const { clock = systemClock } = options;

  async function observe<T>(
    verb: Operation["verb"],
    keys: number,
    run: () => Promise<T>,
  ): Promise<T> {
    const startedAt = clock.now();
    const tell = (hits: number, error?: unknown): void => {
      const durationMs = clock.now() - startedAt;
      observer({ backend: backend.name, verb, keys, hits, durationMs, error });
    };
    let result: T;
    try {
      result = await run();
    } catch (error) {
      tell(0, error);
      throw error;
    }
    tell(Array.isArray(result) ? result.filter((value) => value !== undefined).length : 0);
    return result;
  }

  return Object.freeze({
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]): Promise<(V | undefined)[]> =>
      observe("get", keys.length, () => backend.get(keys)),
    set: (writes: readonly Write<V>[]): Promise<void> =>
      observe("set", writes.length, () => backend.set(writes)),
    delete: (keys: readonly string[]): Promise<void> =>
      observe("delete", keys.length, () => backend.delete(keys)),
  });
}
