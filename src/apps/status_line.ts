/** A line at a terminal that is written anew while work goes on. */

import process from "node:process";
import { type Clock, systemClock } from "../contracts/clock.ts";

const CLEAR = "\r\x1b[K";

/** How often it is written anew, at most. */
const REFRESH_MS = 100;

/** The last line of standard error, where that is a terminal; nothing elsewhere. */
export class StatusLine {
  readonly #clock: Clock;
  #shown = "";
  #shownAt = -Infinity;

  /** Shows nothing yet. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Whether anybody sees it. */
  get isSeen(): boolean {
    return process.stderr.isTTY === true;
  }

  /** Shows what `text` answers, unless something was shown a moment ago. */
  show(text: () => string): void {
    const now = this.#clock.now();
    if (!this.isSeen || now < this.#shownAt + REFRESH_MS) return;
    this.#shownAt = now;
    this.#shown = text().slice(0, (process.stderr.columns || 80) - 1);
    process.stderr.write(CLEAR + this.#shown);
  }

  /** Writes other lines above it. */
  above(write: () => void): void {
    const shown = this.#shown;
    this.clear();
    write();
    this.#shown = shown;
    if (shown !== "") process.stderr.write(shown);
  }

  /** Takes it away. */
  clear(): void {
    if (this.#shown !== "") process.stderr.write(CLEAR);
    this.#shown = "";
  }
}
