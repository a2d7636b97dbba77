/** Creations that failed a moment ago, so that their error is answered instead of trying again. */

import type { Clock } from "../contracts/clock.ts";

interface Remembered {
  readonly error: unknown;
  readonly from: number;
  readonly until: number;
}

/** How many errors are remembered; the oldest is forgotten first. */
const MOST_ERRORS = 1_000;

/** The errors of one region, by mangled key. */
export class RememberedErrors {
  readonly #errors = new Map<string, Remembered>();
  readonly #clock: Clock;

  /** By this clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The error of a key that is still remembered, in an object of its own; any value can be thrown. */
  get(key: string): { readonly error: unknown } | undefined {
    const remembered = this.#errors.get(key);
    if (remembered === undefined) return undefined;
    const now = this.#clock.now();
    // A clock that has stepped back must not make a moment last.
    if (now >= remembered.from && now < remembered.until) return remembered;
    this.#errors.delete(key);
    return undefined;
  }

  /** Remembers an error for so many milliseconds. */
  remember(key: string, error: unknown, ms: number): void {
    const from = this.#clock.now();
    this.#errors.delete(key);
    this.#errors.set(key, { error, from, until: from + ms });
    if (this.#errors.size <= MOST_ERRORS) return;
    const [oldest] = this.#errors.keys();
    this.#errors.delete(oldest as string);
  }

  /** Forgets the error of a key. */
  forget(key: string): void {
    this.#errors.delete(key);
  }
}
