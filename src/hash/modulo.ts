import type { OwnersOut } from "./continuum.ts";

/** The remainder of a hash by the count of shards: libmemcached's way when it is told nothing. */
export class Modulo {
  readonly #shards: number;

  /** Chooses among so many shards. */
  constructor(shards: number) {
    this.#shards = shards;
  }

  /** The owner of an unsigned hash. */
  ownerOf(hash: number): number {
    return hash % this.#shards;
  }

  /** The owners of the first hashes. */
  ownersOf(hashes: Uint32Array, { count, out, at }: OwnersOut): void {
    for (let i = 0; i < count; i++) out[at + i] = hashes[i]! % this.#shards;
  }
}
