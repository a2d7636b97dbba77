/** Creations that failed a moment ago, so that their error is answered instead of trying again. */

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

  /** The error of a key that is still remembered, in an object of its own; any value can be thrown. */
  get(key: string, now: number): { readonly error: unknown } | undefined {
    const remembered = this.#errors.get(key);
    if (remembered === undefined) return undefined;
    // A clock that has stepped back must not make a moment last.
    if (now >= remembered.from && now < remembered.until) return remembered;
    this.#errors.delete(key);
    return undefined;
  }

  /** Remembers an error for the time between two instants. */
  remember(key: string, error: unknown, time: { from: number; until: number }): void {
    this.#errors.delete(key);
    this.#errors.set(key, { error, ...time });
    if (this.#errors.size <= MOST_ERRORS) return;
    const [oldest] = this.#errors.keys();
    this.#errors.delete(oldest as string);
  }

  /** Forgets the error of a key. */
  forget(key: string): void {
    this.#errors.delete(key);
  }
}
