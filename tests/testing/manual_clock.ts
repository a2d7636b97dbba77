/**
 * Time that a test moves by hand.
 *
 * Sleepers wake in the order of their deadlines, those of one deadline in the order they lay down.
 * Between two wakings every promise that can settle does, so a sleeper's consequences (a further
 * sleep, a store's answer) happen at the right instant and not after the whole advance.
 */

import type { Clock } from "../../src/contracts/clock.ts";

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

/** A {@linkcode Clock} that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  /** Starts at `startAt`, in epoch milliseconds. */
  constructor(startAt: number = 1_700_000_000_000) {
    this.#now = startAt;
  }

  /** The instant it was last moved to. */
  now(): number {
    return this.#now;
  }

  /** How many sleepers wait for time to pass. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** When the first of them wakes; `Infinity` if there is none. */
  get wakesAt(): number {
    return Math.min(...this.#sleepers.map((sleeper) => sleeper.wakesAt));
  }

  /** Resolves when the clock has been moved `ms` forward, or when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper: Sleeper = { wakesAt: this.#now + Math.max(0, ms), wake };
      this.#sleepers.push(sleeper);
      const forget = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      signal?.addEventListener("abort", forget, { once: true });
      function wake(): void {
        signal?.removeEventListener("abort", forget);
        resolve();
      }
    });
  }

  /** Moves `ms` forward, waking whoever's time has come; resolves when nothing more can happen. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await settled();
    for (let next = this.#takeDue(target); next; next = this.#takeDue(target)) {
      this.#now = Math.max(this.#now, next.wakesAt);
      next.wake();
      await settled();
    }
    this.#now = target;
    await settled();
  }

  /** Steps to `at`, also back, as a wall clock may be stepped; wakes nobody. */
  set(at: number): void {
    this.#now = at;
  }

  #takeDue(target: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.wakesAt <= target && (!first || sleeper.wakesAt < first.wakesAt)) first = sleeper;
    }
    if (first) this.#sleepers.splice(this.#sleepers.indexOf(first), 1);
    return first;
  }
}

/** Resolves when every promise that can settle without time or I/O has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}

interface Turns {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly scheduler?: { readonly postTask?: (run: () => void) => unknown };
}

const turns: Turns = globalThis as Turns;

// A turn of the event loop runs all microtasks before it. setTimeout is everywhere, but browsers
// hold back timers set by timers for 4 ms; where there is a quicker way to a turn it is taken.
const nextTurn: (run: () => void) => unknown = turns.setImmediate ??
  turns.scheduler?.postTask?.bind(turns.scheduler) ??
  ((run) => setTimeout(run, 0));
