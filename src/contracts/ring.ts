/** Choosing a shard for a key. */

/**
 * A mapping from keys to shards, the same in every process that is given the same shards.
 *
 * Keys of any length and any Unicode are hashed as UTF-8; a lone surrogate hashes as U+FFFD.
 */
export interface Ring {
  /** The labels of the shards, in the order of the indexes that the ring answers. */
  readonly labels: readonly string[];
  /** The index of the shard that holds `key`. */
  indexOf(key: string): number;
  /**
   * The indexes for many keys at once, several times faster than one by one. They are written to
   * `out`, if given (it must be at least as long as `keys`), and otherwise to a new array.
   */
  indexOfMany(keys: readonly string[], out?: Uint16Array): Uint16Array;
}

/** A ring out of which a dead shard can be taken, its keys going to those that live. */
export interface EjectableRing extends Ring {
  /** Whether the shard at `index` is not ejected. */
  isLive(index: number): boolean;
  /**
   * Takes the shard at `index` out: its keys go to others until it is restored, and the other
   * shards keep their indexes. Answers whether that changed anything; it does not if the shard is
   * out already, or is the last one.
   */
  eject(index: number): boolean;
  /** Takes an ejected shard back, with exactly the keys it had; answers whether it was out. */
  restore(index: number): boolean;
}
