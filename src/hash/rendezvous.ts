/**
 * Rendezvous hashing, also called highest random weight (Thaler and Ravishankar, 1996): every shard
 * scores every key, and the highest score wins. A shard that leaves moves only its own keys, and
 * they go to all others in proportion; the order of the scores is an order of replicas.
 *
 * The key's hash is mixed with the first MD5 word of each label by MurmurHash3's finalizer, which
 * is a bijection. With weights the score of a shard is weight / -ln(u), u being its mixed hash in
 * (0, 1) (Schindelhauer and Schomaker, 2005). The logarithm is our own, made of operations that
 * IEEE 754 defines to the bit, for engines' logarithms differ in the last bit and a shard must not.
 */

import type { EjectableRing } from "../contracts/ring.ts";
import { ByteHasher, type CharSign, KEY_HASHES, type KeyHash } from "./byte_hasher.ts";
import type { Kernel, KeyHasher } from "./kernel.ts";

/** Beyond it a ring of points is faster. */
const MOST_SHARDS = 32;

/** How to make a rendezvous ring. */
export interface RendezvousOptions {
  /** The shards: labels, or labels with weights. At least one, at most 32. */
  readonly shards: readonly (string | RendezvousShard)[];
  /** What hashes the keys. Default: `"md5"`. */
  readonly hash?: KeyHash;
  /** As in {@linkcode KetamaOptions.charSign}. Default: `"signed"`. */
  readonly charSign?: CharSign;
}

/** A shard of a rendezvous ring. */
export interface RendezvousShard {
  /** Its label, by which it is known to all who use the same ring. */
  readonly label: string;
  /** Its share of the keys, relative to the others: above 0. Default: 1. */
  readonly weight?: number;
}

/** A ring that knows an order of all shards for every key. */
export interface RendezvousRing extends EjectableRing {
  /** The indexes of all live shards for `key`, the one that holds it first. */
  ranked(key: string): number[];
}

/** Makes a rendezvous ring whose labels, and keys unless told otherwise, `kernel` hashes. */
export function rendezvousOver(kernel: Kernel, options: RendezvousOptions): RendezvousRing {
  const { hash = "md5", charSign = "signed" } = options;
  if (!KEY_HASHES.includes(hash)) {
    throw new RangeError(`Cannot make a ring: there is no hash "${hash}"`);
  }
  const shards = options.shards.map((shard) => {
    return typeof shard === "string" ? { label: shard } : shard;
  });
  checkShards(shards);
  const seeds = shards.map(({ label }) => kernel.hash("", label) | 0);
  return new Rendezvous(shards, seeds, hash === "md5" ? kernel : new ByteHasher(hash, charSign));
}

function checkShards(shards: readonly RendezvousShard[]): void {
  if (shards.length === 0) throw new RangeError("Cannot make a ring: there are no shards");
  const seen = new Set<string>();
  for (const { label, weight = 1 } of shards) {
    const refusal = seen.size === MOST_SHARDS
      ? `a rendezvous ring holds at most ${MOST_SHARDS}`
      : seen.has(label)
      ? "it is there already"
      : !(weight > 0 && weight < Infinity)
      ? `${weight} is no weight`
      : undefined;
    if (refusal) throw new RangeError(`Cannot add shard "${label}": ${refusal}`);
    seen.add(label);
  }
}

class Rendezvous implements RendezvousRing {
  readonly labels: readonly string[];
  readonly #seeds: readonly number[];
  readonly #weights: readonly number[];
  readonly #isEven: boolean;
  readonly #hasher: KeyHasher;
  #live: readonly number[];

  constructor(shards: readonly RendezvousShard[], seeds: readonly number[], hasher: KeyHasher) {
    this.labels = Object.freeze(shards.map(({ label }) => label));
    this.#seeds = seeds;
    this.#weights = shards.map(({ weight = 1 }) => weight);
    this.#isEven = this.#weights.every((weight) => weight === this.#weights[0]);
    this.#hasher = hasher;
    this.#live = shards.map((_, index) => index);
  }

  indexOf(key: string): number {
    return this.#best(this.#hasher.hash("", key));
  }

  indexOfMany(
    keys: readonly string[],
    out: Uint16Array = new Uint16Array(keys.length),
  ): Uint16Array {
    if (out.length < keys.length) {
      const state = `there is room for ${out.length}`;
      throw new RangeError(`Cannot write the indexes of ${keys.length} keys: ${state}`);
    }
    for (let from = 0; from < keys.length;) {
      const count = this.#hasher.hashMany(keys, from, "");
      for (let i = 0; i < count; i++) out[from + i] = this.#best(this.#hasher.hashes[i]!);
      from += count;
    }
    return out;
  }

  ranked(key: string): number[] {
    const hash = this.#hasher.hash("", key);
    const scores = this.labels.map((_, index) => this.#score(hash, index));
    return [...this.#live].sort((a, b) => scores[b]! - scores[a]! || a - b);
  }

  isLive(index: number): boolean {
    if (index in this.labels) return this.#live.includes(index);
    throw new RangeError(`Cannot find shard ${index}: the ring has ${this.labels.length} shards`);
  }

  eject(index: number): boolean {
    if (!this.isLive(index) || this.#live.length === 1) return false;
    this.#live = this.#live.filter((live) => live !== index);
    return true;
  }

  restore(index: number): boolean {
    if (this.isLive(index)) return false;
    this.#live = [...this.#live, index].sort((a, b) => a - b);
    return true;
  }

  #best(hash: number): number {
    let best = this.#live[0]!;
    let highest = this.#score(hash, best);
    for (let i = 1; i < this.#live.length; i++) {
      const index = this.#live[i]!;
      const score = this.#score(hash, index);
      if (score > highest) highest = score, best = index;
    }
    return best;
  }

  #score(hash: number, index: number): number {
    const mixed = mix(hash ^ this.#seeds[index]!);
    // The weighted score grows with the mixed hash, so that equal weights need no logarithm.
    return this.#isEven ? mixed : this.#weights[index]! / negativeLog(mixed);
  }
}

/** MurmurHash3's finalizer, unsigned. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}

/**
 * -ln((x + 0.5) / 2^32), the same to the bit everywhere. With x + 0.5 = m * 2^e, m in [1, 2), it is
 * (32 - e) ln 2 - ln m, and ln m = 2 atanh((m - 1) / (m + 1)) by its series, to 8 digits.
 */
function negativeLog(x: number): number {
  const exponent = x === 0 ? -1 : 31 - Math.clz32(x);
  const m = (x + 0.5) / 2 ** exponent;
  const s = (m - 1) / (m + 1);
  const q = s * s;
  const series = 1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q / 13)))));
  return (32 - exponent) * Math.LN2 - 2 * s * series;
}
