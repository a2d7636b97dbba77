/** One timer for everything that is awaited, however much that is: it wakes when the first is late. */

import { type Clock, NEVER } from "../../src/contracts/clock.ts";

/** What is awaited, and what to do when it does not come. */
export interface AlarmOptions {
  /** Measures the wait. */
  readonly clock: Clock;
  /** When the first of all that is awaited is late; `NEVER` where nothing is. */
  readonly dueAt: () => number;
  /** Is called then, and has to see to it that `dueAt` says another time. */
  readonly ring: () => void;
}

/** Rings when something is late. */
export class Alarm {
  readonly #options: AlarmOptions;
  #watched: AbortController | undefined;

  /** Does nothing until it is set. */
  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** Watches from now on, until nothing is awaited any more. */
  set(): void {
    if (this.#watched === undefined) void this.#watch(this.#watched = new AbortController());
  }

  /** Watches no more, and keeps no timer, until it is set again. */
  stop(): void {
    this.#watched?.abort();
    this.#watched = undefined;
  }

  async #watch(watched: AbortController): Promise<void> {
    const { clock, dueAt, ring } = this.#options;
    const { signal } = watched;
    for (let at = dueAt(); at < NEVER && !signal.aborted; at = dueAt()) {
      const now = clock.now();
      if (at > now) await clock.sleep(at - now, signal);
      // A clock that has stepped back says nothing of how long the wait was.
      else ring();
      if (clock.now() < now && !signal.aborted) ring();
    }
    if (this.#watched === watched) this.#watched = undefined;
  }
}
