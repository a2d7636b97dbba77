/**
 * A memory of the keys evicted last, as hashes: 4 bytes a key instead of the key.
 *
 * A table of groups of eight cells. A cell holds 16 bits of the hash and 16 bits of the time, which
 * is counted in steps of 1/1024 of the memory's length; a cell older than the length is as good as
 * empty. Adding takes an empty cell of the group or else its oldest. There is nothing to clean up,
 * and both operations look at eight neighbouring cells.
 */

const WAYS = 8;
const STEPS = 1024;
const LEAST_CELLS = 64;

/** Remembers about the `length` hashes added last. */
export class Ghost {
  readonly #cells: Uint32Array;
  readonly #groupMask: number;
  readonly #stepLength: number;
  /** The age of a cell that is still remembered, in steps. */
  readonly #steps: number;
  /** Additions until the time goes on by one step. */
  #untilStep: number;
  /** The present time; it goes round in 16 bits and skips 0, which means an empty cell. */
  #time = 1;

  /** Makes an empty memory. */
  constructor(length: number) {
    let cells = LEAST_CELLS;
    while (cells < length * 1.5) cells *= 2;
    this.#cells = new Uint32Array(cells);
    this.#groupMask = cells / WAYS - 1;
    this.#stepLength = Math.max(1, Math.ceil(length / STEPS));
    this.#steps = Math.ceil(length / this.#stepLength);
    this.#untilStep = this.#stepLength;
  }

  /** Remembers a hash. */
  add(hash: number): void {
    this.#tick();
    const group = this.#groupOf(hash);
    let oldest = group;
    let oldestAge = -1;
    for (let cell = group; cell < group + WAYS; cell++) {
      const age = this.#ageOf(this.#cells[cell]!);
      if (age <= oldestAge) continue;
      oldest = cell;
      oldestAge = age;
    }
    this.#cells[oldest] = (hash & 0xffff0000) | this.#time;
  }

  /** Whether the hash is remembered; it is forgotten by being asked for. */
  take(hash: number): boolean {
    const group = this.#groupOf(hash);
    for (let cell = group; cell < group + WAYS; cell++) {
      const held = this.#cells[cell]!;
      if (((held ^ hash) & 0xffff0000) !== 0 || this.#ageOf(held) > this.#steps) continue;
      this.#cells[cell] = 0;
      return true;
    }
    return false;
  }

  #groupOf(hash: number): number {
    return (hash & this.#groupMask) * WAYS;
  }

  #ageOf(held: number): number {
    const time = held & 0xffff;
    return time === 0 ? 0x10000 : (this.#time - time) & 0xffff;
  }

  #tick(): void {
    if (--this.#untilStep > 0) return;
    this.#untilStep = this.#stepLength;
    this.#time = this.#time === 0xffff ? 1 : this.#time + 1;
  }
}
