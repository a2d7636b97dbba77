/**
 * A memory of the keys evicted last, by fingerprints: 2 bytes a key instead of the key.
 *
 * A table of groups of cells. A group is a ring: its first cell says where the next fingerprint goes,
 * which is over its oldest one. Hashes spread evenly over the groups, so that all rings together
 * remember about as many as there are cells. There is nothing to clean up and no time to keep, and
 * both operations look at one short row of neighbouring cells.
 */

/** Cells in a group, without the first; with it they fill half a cache line. */
const WAYS = 15;
/** Rings fill unevenly. With so many cells for each hash, over nine tenths are there when due. */
const SPARE = 1.1;

/** Remembers about the `length` hashes added last. */
export class Ghost {
  readonly #ways: number;
  readonly #cells: Uint16Array;
  /** A hash times this is the number of its group. */
  readonly #groupsPerHash: number;

  /** Makes an empty memory. */
  constructor(length: number) {
    this.#ways = Math.min(WAYS, length);
    const groups = length > WAYS ? Math.ceil(length * SPARE / WAYS) : 1;
    this.#cells = new Uint16Array(groups * (this.#ways + 1));
    this.#groupsPerHash = groups / 2 ** 32;
  }

  /** Remembers a hash. */
  add(hash: number): void {
    const group = this.#groupOf(hash);
    const oldest = this.#cells[group]!;
    this.#cells[group + 1 + oldest] = fingerprintOf(hash);
    this.#cells[group] = oldest + 1 < this.#ways ? oldest + 1 : 0;
  }

  /** Whether the hash is remembered; it is forgotten by being asked for. */
  take(hash: number): boolean {
    const cells = this.#cells;
    const fingerprint = fingerprintOf(hash);
    const group = this.#groupOf(hash);
    const last = group + this.#ways;
    for (let cell = group + 1; cell <= last; cell++) {
      if (cells[cell] !== fingerprint) continue;
      cells[cell] = 0;
      return true;
    }
    return false;
  }

  /** The first cell of the group that the high bits of the hash choose. */
  #groupOf(hash: number): number {
    return Math.trunc((hash >>> 0) * this.#groupsPerHash) * (this.#ways + 1);
  }
}

/** The low bits of the hash, never 0, which means an empty cell. */
function fingerprintOf(hash: number): number {
  return (hash & 0xffff) || 1;
}
