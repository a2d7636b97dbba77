/** An end to every wait. */

import type { Clock } from "../../contracts/clock.ts";

/** How long to wait and what then. */
export interface TimeLimit<T> {
  /** Measures the time. */
  readonly clock: Clock;
  /** How long, in milliseconds. */
  readonly limitMs: number;
  /** Answers or throws in place of the work that is not done. */
  readonly late: () => T | Promise<T>;
}

/** The outcome of `work`, or of `late` where it takes too long; `work` then goes on unobserved. */
export async function within<T>(work: Promise<T>, limit: TimeLimit<T>): Promise<T> {
  const done = new AbortController();
  const alarm = limit.clock.sleep(limit.limitMs, done.signal).then(() => ALARM);
  try {
    const first = await Promise.race([work, alarm]);
    return first === ALARM ? await limit.late() : first as T;
  } finally {
    done.abort();
  }
}

const ALARM: unique symbol = Symbol("alarm");
