/**
 * A bound on the wait for replies that costs next to nothing: one sleep for all who wait, again and
 * again as long as somebody does. A timer for each reply costs a fifth of a trip on loopback.
 *
 * Time is counted in sleeps, so a clock that steps hurries nobody and keeps nobody waiting.
 */

import type { Clock } from "../../src/contracts/clock.ts";

/** The longest sleep: how much later than due a wait may end. */
const longestStepMs = 100;

interface Waiting {
  readonly lastStep: number;
  readonly reject: (error: Error) => void;
}

/** Gives up on replies that take too long. */
export class ReplyTimeout {
  readonly #timeoutMs: number;
  readonly #stepMs: number;
  readonly #clock: Clock;
  readonly #waiting: Set<Waiting> = new Set();
  #steps = 0;
  #isWatching = false;

  /** Waits `timeoutMs`, and at most a tenth of a second more. */
  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#stepMs = Math.min(timeoutMs / 4, longestStepMs);
    this.#clock = clock;
  }

  /** What `work` comes to, or an Error when it takes too long; it is not stopped then. */
  within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // The step under way may be almost over: it is not counted.
      const lastStep = this.#steps + Math.ceil(this.#timeoutMs / this.#stepMs) + 1;
      const waiting = { lastStep, reject };
      this.#waiting.add(waiting);
      work.then((value) => {
        this.#waiting.delete(waiting);
        resolve(value);
      }, (error) => {
        this.#waiting.delete(waiting);
        reject(error);
      });
      if (!this.#isWatching) void this.#watch();
    });
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#waiting.size > 0) {
      await this.#clock.sleep(this.#stepMs);
      this.#steps++;
      for (const waiting of this.#waiting) {
        // They are in the order in which their time is over.
        if (waiting.lastStep > this.#steps) break;
        this.#waiting.delete(waiting);
        waiting.reject(new Error(`no answer after ${this.#timeoutMs} ms`));
      }
    }
    this.#isWatching = false;
  }
}
