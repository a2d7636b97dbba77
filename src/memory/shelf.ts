/**
 * The machine inside `MemoryCache`: entries in numbered slots, found by a map for each namespace,
 * timed by the expiry wheel, ordered by an eviction policy.
 *
 * Room for a new entry is made in this order: dead entries from due buckets, dead entries at the
 * head of the present bucket, then whoever the policy names. Each call also buries a few dead
 * entries, as long as it has looked at the clock anyway; nothing here needs a timer.
 */

import type { Clock } from "../contracts/clock.ts";
import type { EvictionPolicy, PolicyFactory } from "./eviction_policy.ts";
import { ExpiryWheel, type WheelShape } from "./expiry_wheel.ts";
import { keyHash } from "./key_hash.ts";
import type { RemovalCause, Removals } from "./removals.ts";
import { Slots } from "./slots.ts";
import { type Space, Spaces } from "./spaces.ts";

/** How a shelf is built; everything is given. */
export interface ShelfShape<V> {
  readonly clock: Clock;
  readonly wheel: WheelShape;
  readonly maxEntries: number;
  readonly maxWeight: number;
  readonly weigh: ((value: V, key: string) => number) | undefined;
  readonly policy: PolicyFactory;
  readonly removals: Removals<V>;
}

/** Where an entry is looked for, and when. */
export interface Place {
  readonly namespace: string;
  /** The present instant; `NaN` where the clock was not read. */
  readonly now: number;
}

/** Where, when and until when something is stored. Where there is a deadline the clock was read. */
export interface Terms extends Place {
  readonly expiresAt: number;
}

/** How many due entries one call looks at. */
const SWEEP_STEPS = 16;
/** How many entries an eviction looks at in search of a dead one. */
const PEEK_STEPS = 8;
/** One in so many stores that need no clock reads it all the same, for the sake of the sweep. */
const BLIND_STORES = 64;
/** An entry heavier than this share of the whole is refused: it would push out too much. */
const SHARE_MOST = 0.25;

/** What a shelf is made of, for tests that look whether it all fits together. */
export interface ShelfParts<V> {
  readonly slots: Slots<V>;
  readonly spaces: Spaces;
  readonly wheel: ExpiryWheel;
  readonly policy: EvictionPolicy;
}

/** The parts of a shelf, for tests. */
export let partsOf: <V>(shelf: Shelf<V>) => ShelfParts<V>;

/** Keeps entries. Slots below 0 stand for "none". */
export class Shelf<V> {
  static {
    partsOf = (shelf) => ({
      slots: shelf.#slots,
      spaces: shelf.#spaces,
      wheel: shelf.#wheel,
      policy: shelf.#policy,
    });
  }

  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #maxWeight: number;
  readonly #weigh: ((value: V, key: string) => number) | undefined;
  readonly #removals: Removals<V>;
  readonly #slots: Slots<V>;
  readonly #spaces: Spaces = new Spaces();
  readonly #home: ReadonlyMap<string, number> = this.#spaces.home.slots;
  readonly #wheel: ExpiryWheel;
  readonly #policy: EvictionPolicy;
  #size = 0;
  #weight = 0;
  #blindStores = 0;
  /** When the present store takes place. A field, because passing so large a number allocates. */
  #now = NaN;

  constructor(shape: ShelfShape<V>) {
    this.#clock = shape.clock;
    this.#maxEntries = shape.maxEntries;
    this.#maxWeight = shape.maxWeight;
    this.#weigh = shape.weigh;
    this.#removals = shape.removals;
    const slots = new Slots<V>(shape.maxEntries, shape.weigh !== undefined);
    this.#slots = slots;
    this.#wheel = new ExpiryWheel(shape.wheel, slots.capacity);
    const isBoundByWeight = shape.maxWeight < Infinity;
    this.#policy = shape.policy({
      capacity: slots.capacity,
      maxWeight: isBoundByWeight ? shape.maxWeight : shape.maxEntries,
      weightOf: isBoundByWeight ? (slot) => slots.weight(slot) : () => 1,
      hashOf: (slot) => keyHash(slots.key(slot), slots.spaceId(slot)),
    });
  }

  /** How many entries are held, with the dead ones that were not buried yet. */
  get size(): number {
    return this.#size;
  }

  /** How much they weigh. */
  get weight(): number {
    return this.#weight;
  }

  /** The present instant, or `NaN` where nothing has a deadline and nobody needs to know. */
  present(): number {
    return this.#wheel.scheduled > 0 ? this.#clock.now() : NaN;
  }

  /** The live entry of a key, noted as read. */
  find(key: string, namespace: string | undefined): number {
    const slots = namespace ? this.#spaces.find(namespace)?.slots : this.#home;
    const slot = slots?.get(key);
    if (slot === undefined) return -1;
    if (this.#wheel.has(slot) && this.#hasEnded(slot, this.#clock.now())) return -1;
    this.#policy.touch(slot);
    return slot;
  }

  /** The value of a key of the default namespace, dead or alive, noted as read. */
  held(key: string): V | undefined {
    const slot = this.#home.get(key);
    if (slot === undefined) return undefined;
    this.#policy.touch(slot);
    return this.#slots.value(slot);
  }

  /** The live entry of a key, not noted as read. The clock is read if it was not and must be. */
  peek(key: string, { namespace, now }: Place): number {
    const slot = this.#heldSlot(namespace, key);
    if (slot < 0 || !this.#wheel.has(slot)) return slot;
    return this.#hasEnded(slot, Number.isNaN(now) ? this.#clock.now() : now) ? -1 : slot;
  }

  /** Notes an entry as read. */
  touch(slot: number): void {
    this.#policy.touch(slot);
  }

  /** The value of an entry. */
  value(slot: number): V {
    return this.#slots.value(slot);
  }

  /** When an entry ends. */
  expiresAt(slot: number): number {
    return this.#wheel.expiresAt(slot);
  }

  /** The live keys of a namespace. */
  *keys(namespace: string): IterableIterator<string> {
    const now = this.#clock.now();
    for (const [key, slot] of this.#spaces.find(namespace)?.slots ?? []) {
      if (!this.#wheel.isDead(slot, now)) yield key;
    }
  }

  /** Stores a value; answers `false` if it was refused, which leaves the key missing. */
  put(key: string, value: V, terms: Terms): boolean {
    const { namespace, now, expiresAt } = terms;
    const weight = this.#weigh === undefined ? 1 : this.#weightOf(key, value);
    this.#now = now;
    this.#wake(now);
    const held = this.#heldSlot(namespace, key);
    if (expiresAt <= now) {
      if (held >= 0) this.#drop(held);
      this.#removals.tell();
      return true;
    }
    let slot = held < 0 ? held : this.#keptInPlace(held, weight);
    if (slot < 0) slot = this.#insert(key, namespace, weight);
    if (slot < 0) this.#refuse(key, namespace, value);
    else this.#fill(slot, value, expiresAt);
    this.#removals.tell();
    return slot >= 0;
  }

  /** Gives a live entry a new deadline; one that has passed removes it. */
  reschedule(slot: number, expiresAt: number, now: number): void {
    if (expiresAt <= now) return this.#drop(slot);
    if (!Number.isNaN(now)) this.#wheel.advance(now);
    this.#wheel.schedule(slot, expiresAt);
  }

  /** Removes an entry as its owner wishes. */
  remove(slot: number): void {
    this.#drop(slot);
  }

  /** Buries dead entries of due buckets, looking at up to `steps` entries. */
  sweep(now: number, steps: number = SWEEP_STEPS): void {
    this.#wheel.advance(now);
    for (let step = 0; step < steps; step++) {
      const slot = this.#wheel.firstDue();
      if (slot < 0) break;
      if (this.#wheel.isDead(slot, now)) this.#leave(slot, "expired");
      else this.#wheel.rehang(slot);
    }
  }

  #hasEnded(slot: number, now: number): boolean {
    if (this.#wheel.isDead(slot, now)) {
      this.#leave(slot, "expired");
      this.#removals.tell();
      return true;
    }
    return this.#wheel.isDue(now) && this.#isLostToSweep(slot, now);
  }

  /** A listener that is told of the sweep may remove the very entry that is being read. */
  #isLostToSweep(slot: number, now: number): boolean {
    const key = this.#slots.key(slot);
    const space = this.#spaceOf(slot);
    this.sweep(now);
    this.#removals.tell();
    return space.slots.get(key) !== slot;
  }

  #wake(now: number): void {
    if (!Number.isNaN(now)) {
      if (this.#wheel.isDue(now)) this.sweep(now);
    } else if (this.#wheel.scheduled > 0) {
      this.#wakeBlindly();
    }
  }

  #wakeBlindly(): void {
    if (this.#wheel.firstDue() < 0 && ++this.#blindStores < BLIND_STORES) return;
    this.#blindStores = 0;
    this.sweep(this.#clock.now());
  }

  #heldSlot(namespace: string, key: string): number {
    const slot = this.#spaces.find(namespace)?.slots.get(key);
    return slot === undefined ? -1 : slot;
  }

  #fill(slot: number, value: V, expiresAt: number): void {
    this.#slots.setValue(slot, value);
    this.#wheel.schedule(slot, expiresAt);
  }

  /** An entry that outgrows its place, or is pinned or unpinned, is queued anew. */
  #keptInPlace(slot: number, weight: number): number {
    const change = weight - this.#slots.weight(slot);
    if (change !== 0) {
      const isRepinned = weight === 0 || this.#slots.weight(slot) === 0;
      const isTooMuch = this.#isTooHeavy(weight) || this.#weight + change > this.#maxWeight;
      if (isRepinned || isTooMuch) {
        this.#drop(slot);
        return -1;
      }
      this.#policy.reweigh(slot, change);
      this.#slots.setWeight(slot, weight);
      this.#weight += change;
    }
    this.#policy.touch(slot);
    return slot;
  }

  #insert(key: string, namespace: string, weight: number): number {
    if (this.#isTooHeavy(weight) || !this.#makeRoom(weight)) return -1;
    if (this.#slots.isFull) this.#grow();
    const slot = this.#slots.take();
    const space = this.#spaces.open(namespace);
    this.#slots.setKey(slot, key);
    this.#slots.setSpaceId(slot, space.id);
    this.#slots.setWeight(slot, weight);
    space.slots.set(key, slot);
    this.#size++;
    this.#weight += weight;
    if (weight > 0) this.#policy.admit(slot);
    return slot;
  }

  #isTooHeavy(weight: number): boolean {
    return weight > this.#maxWeight * SHARE_MOST;
  }

  #makeRoom(weight: number): boolean {
    while (this.#size >= this.#maxEntries || this.#weight + weight > this.#maxWeight) {
      const cause = this.#size >= this.#maxEntries ? "entries" : "weight";
      const dead = this.#wheel.scheduled > 0 ? this.#findDead() : -1;
      const leaving = dead >= 0 ? dead : this.#policy.victim();
      if (leaving < 0) return false;
      this.#leave(leaving, this.#wheel.isDead(leaving, this.#now) ? "expired" : cause);
    }
    return true;
  }

  #findDead(): number {
    if (Number.isNaN(this.#now)) this.#now = this.#clock.now();
    return this.#wheel.findDead(this.#now, PEEK_STEPS);
  }

  #grow(): void {
    this.#slots.grow();
    this.#wheel.grow(this.#slots.capacity);
    this.#policy.grow(this.#slots.capacity);
  }

  #weightOf(key: string, value: V): number {
    const weight = this.#weigh!(value, key);
    if (Number.isFinite(weight) && weight >= 0) return weight;
    throw new RangeError(`Cannot store "${key}": its weight is ${String(weight)}, not 0 or more`);
  }

  #leave(slot: number, cause: RemovalCause): void {
    this.#removals.counts[cause]++;
    if (this.#removals.isHeard) {
      const key = this.#slots.key(slot);
      const namespace = this.#spaceOf(slot).name;
      this.#removals.note({ key, namespace, value: this.#slots.value(slot), cause });
    }
    this.#drop(slot);
  }

  #refuse(key: string, namespace: string, value: V): void {
    this.#removals.counts.refused++;
    if (this.#removals.isHeard) this.#removals.note({ key, namespace, value, cause: "refused" });
  }

  #drop(slot: number): void {
    const space = this.#spaceOf(slot);
    space.slots.delete(this.#slots.key(slot));
    this.#spaces.close(space);
    this.#policy.forget(slot);
    this.#wheel.clear(slot);
    this.#weight -= this.#slots.weight(slot);
    this.#size--;
    this.#slots.release(slot);
  }

  #spaceOf(slot: number): Space {
    return this.#spaces.at(this.#slots.spaceId(slot));
  }
}
