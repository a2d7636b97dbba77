/**
 * A bound on the wait for replies that costs next to nothing: one sleep for all who wait, again and
 * again as long as somebody does. A timer for each reply costs a fifth of a trip on loopback.
 *
 * Time is counted in sleeps, so a clock that steps hurries nobody and keeps nobody waiting.
 */

import { type Clock, NEVER } from "../../src/contracts/clock.ts";

/** The longest sleep: how much later than due a wait may end. */
const longestStepMs = 100;

/** A wait, in a ring of them in the order in which their time is over. */
export class ReplyWait {
  /** With which step its time is over. */
  readonly lastStep: number;
  /** Is told that it is. */
  readonly giveUp: (error: Error) => void;
  /** The one before. */
  previous: ReplyWait = this;
  /** The one after. */
  next: ReplyWait = this;

  /** A ring of one. */
  constructor(lastStep: number, giveUp: (error: Error) => void) {
    this.lastStep = lastStep;
    this.giveUp = giveUp;
  }

  /** Ends it; a second time changes nothing. */
  end(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.previous = this.next = this;
  }

  /** Puts another one before it. */
  precede(other: ReplyWait): void {
    other.previous = this.previous;
    other.next = this;
    this.previous = this.previous.next = other;
  }
}

/** Gives up on replies that take too long. */
export class ReplyTimeout {
  readonly #timeoutMs: number;
  readonly #stepMs: number;
  readonly #stepsLong: number;
  readonly #clock: Clock;
  /** Stands between the last wait and the first. A set of them would cost three times as much. */
  readonly #end: ReplyWait = new ReplyWait(NEVER, () => {});
  #steps = 0;
  #isWatching = false;

  /** Waits `timeoutMs`, and at most a tenth of a second more; `NEVER` is for ever. */
  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#stepMs = Math.min(timeoutMs / 4, longestStepMs);
    // The step under way when a wait begins may be almost over: it is not counted.
    this.#stepsLong = Math.ceil(timeoutMs / this.#stepMs) + 1;
    this.#clock = clock;
  }

  /** Begins a wait; `giveUp` is called when it takes too long. */
  begin(giveUp: (error: Error) => void): ReplyWait {
    const wait = new ReplyWait(this.#steps + this.#stepsLong, giveUp);
    if (this.#timeoutMs === NEVER) return wait;
    this.#end.precede(wait);
    if (!this.#isWatching) void this.#watch();
    return wait;
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#end.next !== this.#end) {
      await this.#clock.sleep(this.#stepMs);
      this.#steps++;
      for (let first = this.#end.next; first.lastStep <= this.#steps; first = this.#end.next) {
        first.end();
        first.giveUp(new Error(`no answer after ${this.#timeoutMs} ms`));
      }
    }
    this.#isWatching = false;
  }
}
