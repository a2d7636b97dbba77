/**
 * Where the dependants of a master key are noted, without a counter and without listing keys.
 *
 * A master has levels of slots: 8 in the first, twice as many in each further one. A dependant goes
 * to the slot of the first level that its hash names; where another dependant sits, to that of the
 * next level, and so on. So
 *
 * - noting a dependant twice finds it where it is, and a slot whose note expired is free again;
 * - the number of levels follows the number of dependants that are alive at once, not the number
 *   ever noted: each level doubles the room, so a few levels beyond `log2(dependants)` suffice;
 * - all dependants are found in two reads: the first level together with the marks of further
 *   levels in use, then those levels.
 *
 * Names carry the length of the master's, so no two masters share one, whatever they are called.
 */

const FIRST_SLOTS = 8;
const LEVELS = 14;

/** The levels, outermost first. Together they take some 130,000 slots. */
export const levels: readonly number[] = Object.freeze(
  Array.from({ length: LEVELS }, (_, level) => level),
);

/** Names the slots of one master. */
export class DependencySlots {
  readonly #stem: string;

  /** Names are `prefix`, the master's length, the master, and a number. */
  constructor(prefix: string, master: string) {
    this.#stem = `${prefix}${master.length}:${master}/`;
  }

  /** Which slot of a level a dependant may take. */
  slotFor(dependant: string, level: number): string {
    return this.#slot(level, hashOf(dependant, level) % (FIRST_SLOTS << level));
  }

  /** All slots of a level. */
  slotsOf(level: number): string[] {
    return Array.from({ length: FIRST_SLOTS << level }, (_, at) => this.#slot(level, at));
  }

  /** The mark that says that a level is in use. The first level needs none. */
  markOf(level: number): string {
    return `${this.#stem}${level}`;
  }

  #slot(level: number, at: number): string {
    return `${this.#stem}${level}.${at}`;
  }
}

/** FNV-1a over code units, mixed; each level has a hash of its own. */
function hashOf(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed + 1, 0x9e3779b1);
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
