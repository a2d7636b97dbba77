/**
 * A circuit breaker for one upstream (Nygard, "Release It!"): after too many failures in a row it
 * refuses at once instead of letting every request wait for the same failure again.
 *
 * Closed: everything passes. Open: nothing passes until a pause is over. Then one probe passes; its
 * success closes the circuit, its failure opens it for another pause. An upstream that says
 * `Retry-After` opens it for as long as it says, five minutes at most.
 */

const FAILURES_TO_OPEN = 5;
const FAILURE_WINDOW_MS = 30_000;
const PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 300_000;

/** Decides whether an upstream may be asked. Instants are epoch milliseconds. */
export class Circuit {
  #failedAt: number[] = [];
  #opensAgainAt = 0;
  #isProbing = false;

  /** How long to wait before asking; 0 to ask now, which the caller must then report on. */
  waitMs(now: number): number {
    if (this.#opensAgainAt === 0) return 0;
    // A clock that was set back must not keep the circuit open for good.
    const left = Math.min(this.#opensAgainAt - now, LONGEST_PAUSE_MS);
    if (left > 0) return left;
    if (this.#isProbing) return PAUSE_MS;
    this.#isProbing = true;
    return 0;
  }

  /** The upstream answered. */
  succeeded(): void {
    this.#failedAt = [];
    this.#opensAgainAt = 0;
    this.#isProbing = false;
  }

  /** The upstream failed, and said or did not say when to come back. */
  failed(now: number, retryAfterMs?: number): void {
    this.#failedAt = this.#failedAt.filter((at) => now - at < FAILURE_WINDOW_MS);
    this.#failedAt.push(now);
    if (retryAfterMs !== undefined) {
      this.#open(now, Math.min(retryAfterMs, LONGEST_PAUSE_MS));
    } else if (this.#isProbing || this.#failedAt.length >= FAILURES_TO_OPEN) {
      this.#open(now, PAUSE_MS);
    }
    this.#isProbing = false;
  }

  #open(now: number, pauseMs: number): void {
    this.#opensAgainAt = now + pauseMs;
  }
}
