/** Seeded chance for benches: the same order in every run. */

/** Numbers in [0, 1) from a seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a Zipf order is drawn from. */
export interface ZipfOptions {
  /** How many keys there are. */
  readonly keys: number;
  /** How uneven they are: the n-th key is asked for `1 / n^exponent` times as often as the first. */
  readonly exponent: number;
  /** How many requests to draw. */
  readonly length: number;
  /** Where chance comes from. */
  readonly random: () => number;
}

/** Requests by popularity. */
export function zipfOrder({ keys, exponent, length, random }: ZipfOptions): Uint32Array {
  const cumulated = new Float64Array(keys);
  let sum = 0;
  for (let n = 0; n < keys; n++) cumulated[n] = sum += 1 / (n + 1) ** exponent;
  return Uint32Array.from({ length }, () => positionOf(random() * sum, cumulated));
}

function positionOf(point: number, cumulated: Float64Array): number {
  let [low, high] = [0, cumulated.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle]! < point) low = middle + 1;
    else high = middle;
  }
  return low;
}
