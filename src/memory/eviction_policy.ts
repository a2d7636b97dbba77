/**
 * Which entry leaves when there is no room. A policy sees slots and weights, never deadlines:
 * expired entries leave before any policy is asked.
 */

/** Orders the slots of one cache. Pinned slots are not shown to it. */
export interface EvictionPolicy {
  /** The slot was filled with a new entry. */
  admit(slot: number): void;
  /**
   * The slot's entry was read or stored again; it may be one that is pinned. On the path of every
   * hit: no allocation.
   */
  touch(slot: number): void;
  /** The slot's entry changed its weight by `change`. */
  reweigh(slot: number, change: number): void;
  /** The slot's entry is leaving, for whatever reason. Forgetting an unknown slot does nothing. */
  forget(slot: number): void;
  /**
   * Chooses who leaves, below 0 if nobody can. The caller drops the entry at once, which ends in
   * {@linkcode EvictionPolicy.forget}. The work is bounded, whatever the cache's size.
   */
  victim(): number;
  /** Makes room for `capacity` slots. */
  grow(capacity: number): void;
}

/** What a policy may know of the cache it serves. */
export interface PolicyContext {
  /** How many slots there are to begin with. */
  readonly capacity: number;
  /** How much weight the cache holds at most; every entry weighs 1 where only entries count. */
  readonly maxWeight: number;
  /** The weight of the slot's entry. */
  readonly weightOf: (slot: number) => number;
  /** 32 bits of hash of the slot's key and namespace. */
  readonly hashOf: (slot: number) => number;
}

/** Makes the policy of one cache. */
export type PolicyFactory = (context: PolicyContext) => EvictionPolicy;
