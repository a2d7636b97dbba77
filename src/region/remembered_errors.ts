/** Creations that failed a moment ago, so that their error is answered instead of trying again. */

interface Remembered {
  readonly error: unknown;
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
    if (now < remembered.until) return remembered;
    this.#errors.delete(key);
    return undefined;
  }

  /** Remembers an error until an instant. */
  remember(key: string, error: unknown, until: number): void {
    this.#errors.delete(key);
    this.#errors.set(key, { error, until });
    if (this.#errors.size <= MOST_ERRORS) return;
    const [oldest] = this.#errors.keys();
    this.#errors.delete(oldest as string);
  }

  /** Forgets the error of a key. */
  forget(key: string): void {
    this.#errors.delete(key);
  }
}
