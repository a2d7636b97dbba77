import type { KeyHash } from "./byte_hasher.ts";
import { type Continuum, continuumOf } from "./continuum.ts";
import type { Kernel, KeyHasher, PointNames } from "./kernel.ts";
import type { KetamaMode } from "./modes.ts";
import { Modulo } from "./modulo.ts";
import { checkShards, fourfoldNames, singleNames } from "./points.ts";
import type { FullShard } from "./shard.ts";

/** The points of a ring. */
export interface RingPoints {
  /** Their values, ascending. */
  readonly values: Uint32Array;
  /** The index of the shard that owns each. */
  readonly owners: Uint16Array;
  /** What hashes keys onto them; rings for which it is equal hash alike. */
  readonly hashing: string;
}

/** What a {@linkcode Circle} is made of. */
export interface CircleParts {
  readonly kernel: Kernel;
  readonly mode: KetamaMode;
  readonly hash: KeyHash;
  /** See {@linkcode RingPoints}. */
  readonly hashing: string;
  /** Places points that are not digests. */
  readonly pointHasher: KeyHasher;
  readonly weighted: boolean;
  readonly shards: readonly FullShard[];
}

/** The shards of a ring and who of them owns which hashes at the moment. */
export class Circle {
  /** The labels of all shards. */
  readonly labels: readonly string[];
  /** Who owns which hashes; replaced as a whole when a shard comes or goes. */
  placement: Continuum | Modulo;
  readonly #parts: CircleParts;
  readonly #ejected: Set<number> = new Set();

  /** Places the points of all shards. */
  constructor(parts: CircleParts) {
    checkShards(parts.mode, parts.shards);
    this.#parts = Object.freeze({ ...parts });
    this.labels = Object.freeze(parts.shards.map(({ label }) => label));
    this.placement = parts.mode === "modula" ? new Modulo(this.labels.length) : this.#continuum();
  }

  /** See {@linkcode KetamaRing}. */
  isLive(index: number): boolean {
    if (index in this.labels) return !this.#ejected.has(index);
    throw new RangeError(`Cannot find shard ${index}: the ring has ${this.labels.length} shards`);
  }

  /** See {@linkcode EjectableRing}. */
  eject(index: number): boolean {
    const last = this.#ejected.size === this.labels.length - 1;
    if (!this.isLive(index) || last || this.placement instanceof Modulo) return false;
    this.#ejected.add(index);
    this.placement = this.#continuum();
    return true;
  }

  /** See {@linkcode EjectableRing}. */
  restore(index: number): boolean {
    if (this.isLive(index)) return false;
    this.#ejected.delete(index);
    this.placement = this.#continuum();
    return true;
  }

  /** See {@linkcode KetamaRing}. */
  points(): RingPoints {
    const { hashing } = this.#parts;
    if (this.placement instanceof Modulo) {
      return { values: new Uint32Array(), owners: new Uint16Array(), hashing };
    }
    const { values, owners } = this.placement;
    return { values: values.slice(0, -1), owners: owners.slice(0, -1), hashing };
  }

  #continuum(): Continuum {
    const { kernel, mode, hash, weighted, shards } = this.#parts;
    const live = shards.map((shard, index) => this.#ejected.has(index) ? undefined : shard);
    const fourfold = weighted || !mode.startsWith("libmemcached") &&
        (mode !== "spymemcached" || hash === "md5");
    return fourfold
      ? kernel.continuum(fourfoldNames(live, { mode, weighted }))
      : this.#hashedContinuum(singleNames(live, mode));
  }

  #hashedContinuum(names: readonly PointNames[]): Continuum {
    const { pointHasher } = this.#parts;
    const points = names.reduce((sum, { count }) => sum + count, 0);
    const values = new Uint32Array(points);
    const owners = new Uint16Array(points);
    let at = 0;
    for (const { owner, stem, count } of names) {
      const texts = Array.from({ length: count }, (_, i) => stem + i);
      owners.fill(owner, at, at + count);
      // A batch is longer than the 160 names that a shard has at most.
      pointHasher.hashMany(texts, 0, "");
      values.set(pointHasher.hashes.subarray(0, count), at);
      at += count;
    }
    return continuumOf(values, owners);
  }
}
