/** Asking again and again, with patience that grows and a bound on the whole. */

import type { Clock } from "../contracts/clock.ts";
import type { Random } from "../contracts/random.ts";

/** How to wait between attempts, and for how long in all. */
export interface PolledOptions {
  /** How long to go on, in milliseconds; 0 tries once. */
  readonly waitMs: number;
  /** Ends the waiting early. */
  readonly signal?: AbortSignal | undefined;
  /** The first wait, in milliseconds; each is half as long again as the one before. Default: 10. */
  readonly pauseMs?: number;
  /** The longest wait, in milliseconds. Default: 250. */
  readonly maxPauseMs?: number;
  /** Waits. */
  readonly clock: Clock;
  /** Draws each wait between its half and its whole, so that many who wait come apart. */
  readonly random: Random;
}

/** How an attempt ended. */
export interface Attempt<T> {
  /** What it found. */
  readonly result: T;
  /** Whether that is what was waited for. */
  readonly isDone: boolean;
}

/**
 * Attempts until an attempt is done, `waitMs` have passed or `signal` is aborted, and answers the
 * last result. The last attempt is made when the time is over, not a pause earlier.
 */
export async function polled<T>(
  attempt: () => Promise<Attempt<T>>,
  options: PolledOptions,
): Promise<T> {
  const { waitMs, signal, maxPauseMs = 250, clock, random } = options;
  const leftMs = countdown(clock, waitMs);
  let { pauseMs = 10 } = options;
  for (;;) {
    const { result, isDone } = await attempt();
    const mostMs = leftMs();
    if (isDone || !(mostMs > 0) || signal?.aborted) return result;
    await clock.sleep(Math.min(mostMs, pauseMs * (0.5 + random() / 2)), signal);
    pauseMs = Math.min(pauseMs * 1.5, maxPauseMs);
  }
}

/**
 * Tells what is left of a wait that begins now. Where the clock steps back, what has passed since the
 * last look is lost, and no more.
 */
export function countdown(clock: Clock, waitMs: number): () => number {
  let lookedAt = clock.now();
  let deadline = lookedAt + waitMs;
  return () => {
    const now = clock.now();
    deadline -= Math.max(0, lookedAt - now);
    lookedAt = now;
    return deadline - now;
  };
}
