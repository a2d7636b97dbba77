/**
 * Counts of what became of each page and file that was looked for, in this process since it began.
 *
 * Every lookup has one outcome, so that they add up: a hit was held, a stale page was held and old, a
 * fill was fetched from the upstream for this very lookup, a wait was fetched for another one that had
 * begun before, and an error is everything that was not answered.
 */

/** What became of a lookup. */
export type Outcome = "hit" | "stale" | "fill" | "wait" | "error";

/** What was looked for. */
export type Lookup = "page" | "file";

/** Tells a lookup's outcome, where it is no hit. */
export type Note = (outcome: Outcome) => void;

/** How many lookups began, and how many had each outcome. */
export interface Tally extends Readonly<Record<Outcome, number>> {
  /** How many began. */
  readonly begun: number;
}

const NOTHING: Tally = Object.freeze({ begun: 0, hit: 0, stale: 0, fill: 0, wait: 0, error: 0 });

/** Counts lookups. */
export class Lookups {
  readonly #tallies: Record<Lookup, Tally> = { page: NOTHING, file: NOTHING };

  /** How many there were so far. */
  tally(lookup: Lookup): Tally {
    return this.#tallies[lookup];
  }

  /** Looks for something: a hit unless it notes otherwise, and an error if it throws. */
  async counted<T>(lookup: Lookup, look: (note: Note) => Promise<T>): Promise<T> {
    this.#add(lookup, "begun");
    let outcome: Outcome = "hit";
    try {
      return await look((noted) => outcome = noted);
    } catch (error) {
      outcome = "error";
      throw error;
    } finally {
      this.#add(lookup, outcome);
    }
  }

  #add(lookup: Lookup, count: keyof Tally): void {
    const tally = this.#tallies[lookup];
    this.#tallies[lookup] = Object.freeze({ ...tally, [count]: tally[count] + 1 });
  }
}
