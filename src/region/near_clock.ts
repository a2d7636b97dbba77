/**
 * A clock for a near shelf of the region's own, so that a hit reads the time once: the shelf reads
 * it if the entry has a deadline, and the region takes the instant that the shelf has read.
 */

import type { Clock } from "../contracts/clock.ts";

const UNREAD = -1;

/** Remembers the last instant it was asked for. */
export class NearClock implements Clock {
  readonly #clock: Clock;
  #lastRead: number = UNREAD;

  /** Reads the time from `clock`. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#lastRead = this.#clock.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  /** Forgets the last instant: what is asked next is a new moment. */
  begin(): void {
    this.#lastRead = UNREAD;
  }

  /** The instant read since {@linkcode begin}, or else the present one. */
  current(): number {
    return this.#lastRead === UNREAD ? this.now() : this.#lastRead;
  }
}
