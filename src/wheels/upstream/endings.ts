/**
 * When the upstream last answered for each project, in an order of its own: so a lookup learns whether
 * the answer came while it waited, for it or for another one.
 */

const MOST_PROJECTS = 1_000;

/** Remembers the last answers. */
export class Endings {
  readonly #last = new Map<string, number>();
  #count = 0;

  /** An instant in that order. */
  get now(): number {
    return this.#count;
  }

  /** Takes note of an answer. */
  note(project: string): void {
    this.#last.delete(project);
    this.#last.set(project, this.#count++);
    if (this.#last.size <= MOST_PROJECTS) return;
    const [oldest] = this.#last.keys();
    this.#last.delete(oldest!);
  }

  /** Whether there was an answer for a project since an instant. */
  hasEnded(project: string, since: number): boolean {
    return (this.#last.get(project) ?? -1) >= since;
  }
}
