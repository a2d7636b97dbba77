/**
 * Time as an effect: everything in cairn that reads or waits for time takes a {@linkcode Clock}.
 *
 * This is the one file that touches the platform's own clock and timer.
 */

/** The deadline of something that never expires. */
export const NEVER: number = Infinity;

/** Where the time comes from and how waiting is done. */
export interface Clock {
  /** The present instant in milliseconds since the Unix epoch. It may step back. */
  now(): number;
  /**
   * Resolves after `ms` milliseconds, or as soon as `signal` is aborted.
   *
   * It never rejects: a caller that cares looks at the signal.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The present instant by the platform's wall clock, for who never waits. */
export function systemNow(): number {
  return Date.now();
}

/** The platform's wall clock and timer. */
export const systemClock: Clock = /* @__PURE__ */ Object.freeze({
  now: systemNow,
  sleep: sleepOnTimer,
});

function sleepOnTimer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish, { once: true });
    function finish(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    }
  });
}
