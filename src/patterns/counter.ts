/** Counting what a caller does within a window, and locking it out for a while. */

import type { TextStore } from "./text_store.ts";

/** When a counter locks. */
export interface CounterOptions<C> {
  /** How many events lock. */
  readonly count: number;
  /** The window in which they are counted, from the first one on, in milliseconds. */
  readonly periodMs: number;
  /** How long the lock lasts, in milliseconds. A lock is not prolonged. */
  readonly durationMs: number;
  /** Whether a success resets count and lock. Default: `true`. */
  readonly isReset?: boolean;
  /** Hears of each lock that begins. Default: nobody. */
  readonly alert?: (context: C, lockout: string, counter: Counter<C>) => void;
}

/** One counter of a lockout. */
export class Counter<C> {
  /** Its name among the lockout's terms. */
  readonly name: string;
  /** When it locks. */
  readonly terms: CounterOptions<C>;
  readonly #keyOf: (context: C) => string;

  /** Throws a `RangeError` for terms that no event could ever meet. */
  constructor(name: string, keyOf: (context: C) => string, terms: CounterOptions<C>) {
    for (const term of ["count", "periodMs", "durationMs"] as const) {
      if (terms[term] > 0) continue;
      throw new RangeError(`Cannot make counter "${name}": ${term} is ${terms[term]}`);
    }
    this.name = name;
    this.terms = Object.freeze({ isReset: true, ...terms });
    this.#keyOf = keyOf;
  }

  /** Where the events of a context are counted. */
  keyOf(prefix: string, context: C): string {
    return `${prefix}${this.#keyOf(context)}`;
  }

  /** Where the lock of a context is. */
  lockKeyOf(prefix: string, context: C): string {
    return `lock:${this.keyOf(prefix, context)}`;
  }

  /** Counts one event at `now`; answers whether a lock begins with it. */
  async hit(
    store: TextStore,
    keys: { key: string; lockKey: string },
    now: number,
  ): Promise<boolean> {
    const { count, periodMs, durationMs } = this.terms;
    const events = await store.increment(keys.key, 1, now + periodMs);
    if (events < count) return false;
    await clearCount(store, keys.key);
    return await store.add({ key: keys.lockKey, value: "1", expiresAt: now + durationMs });
  }
}

/**
 * Sets a count back. Stores that keep counters among their values forget it, window and all; others
 * count on from 0 in the present window.
 */
export async function clearCount(store: TextStore, key: string): Promise<void> {
  const events = await store.increment(key, 0, 0);
  if (events !== 0) await store.increment(key, -events, 0);
  await store.delete([key]);
}
