/**
 * How often keys were asked for lately, in four bytes or more a key: a count-min sketch (Cormode and
 * Muthukrishnan, 2005) of four rows of counters up to 15, aged by halving.
 *
 * TinyLFU halves all counters at once after ten times as many additions as there are keys. Here a
 * hand walks over the table and halves one word of four counters after every few additions, at the
 * same pace: no addition ever stops for the whole table.
 */

const ROWS = 4;
const COUNT_MOST = 15;
const SEEDS = Object.freeze([0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f]);
/** Each counter is halved once in so many additions per key. */
const SAMPLE_PER_KEY = 10;

/** Counts hashes, roughly, and forgets slowly. */
export class FrequencySketch {
  /** How many keys it is made for; a power of two. */
  readonly width: number;
  readonly #counters: Uint8Array;
  readonly #words: Uint32Array;
  readonly #additionsPerWord: number;
  #additions = 0;
  #hand = 0;

  /** Makes a sketch for about `keys` keys. */
  constructor(keys: number) {
    this.width = 64;
    while (this.width < keys) this.width *= 2;
    this.#counters = new Uint8Array(ROWS * this.width);
    this.#words = new Uint32Array(this.#counters.buffer);
    this.#additionsPerWord = Math.max(1, SAMPLE_PER_KEY * keys / this.#words.length);
  }

  /** Counts a hash once more. */
  add(hash: number): void {
    for (let row = 0; row < ROWS; row++) {
      const at = this.#at(hash, row);
      if (this.#counters[at]! < COUNT_MOST) this.#counters[at]!++;
    }
    if (++this.#additions < this.#additionsPerWord) return;
    this.#additions -= this.#additionsPerWord;
    this.#words[this.#hand] = (this.#words[this.#hand]! >>> 1) & 0x7f7f7f7f;
    this.#hand = (this.#hand + 1) & (this.#words.length - 1);
  }

  /** How often a hash was counted, at most 15; too high rather than too low. */
  frequency(hash: number): number {
    let least = COUNT_MOST;
    for (let row = 0; row < ROWS; row++) {
      least = Math.min(least, this.#counters[this.#at(hash, row)]!);
    }
    return least;
  }

  #at(hash: number, row: number): number {
    const mixed = Math.imul(hash ^ (hash >>> 15), SEEDS[row]!);
    return row * this.width + ((mixed ^ (mixed >>> 16)) & (this.width - 1));
  }
}
