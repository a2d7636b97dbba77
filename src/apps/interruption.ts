/** Asking work to stop where it can go on the next time. */

import process from "node:process";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The exit code of a process that was asked to stop, as shells have it for Ctrl+C. */
export const INTERRUPTED = 130;

/** Waits for Ctrl+C, or for another request to end; asked twice, the process ends at once. */
export class Interruption {
  readonly #onAsked: () => void;
  readonly #ask = (): void => {
    if (this.#isAsked) process.exit(INTERRUPTED);
    this.#isAsked = true;
    this.#onAsked();
  };
  #isAsked = false;

  /** Begins to wait; `onAsked` is called once. End it with {@linkcode Interruption.end}. */
  constructor(onAsked: () => void) {
    this.#onAsked = onAsked;
    for (const signal of SIGNALS) process.on(signal, this.#ask);
  }

  /** Whether the work is to stop. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Leaves signals to others again. */
  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#ask);
  }
}
