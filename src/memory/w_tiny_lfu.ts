/**
 * W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy",
 * ACM Transactions on Storage 2017), with a window that adapts.
 *
 * New entries enter a **window**, ordered by last use. Who leaves it for the main part must have been
 * asked for more often, by the sketch's count, than the entry that would have to go. The main part is
 * a segmented LRU: **probation**, and **protected** for what was read there again.
 *
 * The best size of the window depends on the traffic: tiny for traffic by popularity, large for
 * traffic by recency. So it climbs: after each sample of four reads per entry it takes a step, on in
 * the same direction if the hit ratio rose, and back if it fell; steps shrink until the ratio changes
 * by five points (Einziger, Eytan, Friedman and Manes, "Adaptive software cache management", 2018).
 *
 * A hit costs several times that of S3-FIFO. It is worth it for loops and scans longer than the
 * cache, which defeat every policy without frequencies.
 */

import type { EvictionPolicy, PolicyContext } from "./eviction_policy.ts";
import { FrequencySketch } from "./frequency_sketch.ts";
import { Links } from "./links.ts";

const WINDOW = 0;
const PROBATION = 1;
const PROTECTED = 2;

const WINDOW_SHARE = 0.01;
/** Below this many entries a window is shorter than the bursts in which a new key is asked for. */
const WINDOW_FLOOR = 16;
const WINDOW_SHARE_MOST = 0.8;
const PROTECTED_SHARE = 0.8;

const SAMPLE_PER_ENTRY = 4;
const STEP_SHARE = 0.0625;
const STEP_DECAY = 0.98;
const RESTART_CHANGE = 0.05;

/** The sketch is made for the keys held and as many that were not let in. */
const SKETCH_SHARE = 2;

/** How many entries one call moves from one queue to the next. */
const MOVES_MOST = 16;

/**
 * The eviction policy W-TinyLFU, for `MemoryCache`'s option `policy`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { MemoryCache } from "@cairn/cache";
 * import { wTinyLfu } from "@cairn/cache/w-tiny-lfu";
 *
 * const cache = new MemoryCache<number>({ maxEntries: 100, policy: wTinyLfu });
 * cache.set("k", 1);
 * equal(cache.get("k"), 1);
 * ```
 */
export function wTinyLfu(context: PolicyContext): EvictionPolicy {
  return new WTinyLfu(context);
}

class WTinyLfu implements EvictionPolicy {
  readonly #context: PolicyContext;
  readonly #links: Links;
  readonly #climber: Climber;
  #queues: Uint8Array;
  #hashes: Uint32Array;
  #sketch: FrequencySketch;
  readonly #weights: [number, number, number] = [0, 0, 0];
  #count = 0;

  constructor(context: PolicyContext) {
    this.#context = context;
    this.#links = new Links(3, context.capacity);
    this.#climber = new Climber(context.maxWeight);
    this.#queues = new Uint8Array(context.capacity);
    this.#hashes = new Uint32Array(context.capacity);
    this.#sketch = new FrequencySketch(context.capacity * SKETCH_SHARE);
  }

  admit(slot: number): void {
    const hash = this.#context.hashOf(slot);
    this.#hashes[slot] = hash;
    this.#sketch.add(hash);
    this.#count++;
    this.#climber.note(false, this.#count);
    this.#enter(WINDOW, slot);
    for (let move = 0; move < MOVES_MOST; move++) {
      if (this.#weights[WINDOW] <= this.#climber.windowMost) break;
      this.#move(this.#links.first(WINDOW), PROBATION);
    }
  }

  touch(slot: number): void {
    if (!this.#links.has(slot)) return;
    this.#sketch.add(this.#hashes[slot]!);
    this.#climber.note(true, this.#count);
    const queue = this.#queues[slot]!;
    this.#move(slot, queue === WINDOW ? WINDOW : PROTECTED);
    for (let move = 0; move < MOVES_MOST; move++) {
      if (this.#weights[PROTECTED] <= this.#protectedMost()) break;
      this.#move(this.#links.first(PROTECTED), PROBATION);
    }
  }

  reweigh(slot: number, change: number): void {
    if (this.#links.has(slot)) this.#addWeight(this.#queues[slot]!, change);
  }

  forget(slot: number): void {
    if (!this.#links.has(slot)) return;
    this.#leave(slot);
    this.#count--;
  }

  victim(): number {
    const candidate = this.#links.first(WINDOW);
    const oldest = this.#oldestOfMain();
    if (candidate < 0 || oldest < 0) return Math.max(candidate, oldest);
    if (this.#weights[WINDOW] < Math.floor(this.#climber.windowMost)) return oldest;
    if (this.#frequency(candidate) <= this.#frequency(oldest)) return candidate;
    this.#move(candidate, PROBATION);
    return oldest;
  }

  grow(capacity: number): void {
    this.#links.grow(capacity);
    const queues = new Uint8Array(capacity);
    const hashes = new Uint32Array(capacity);
    queues.set(this.#queues);
    hashes.set(this.#hashes);
    this.#queues = queues;
    this.#hashes = hashes;
    const keys = capacity * SKETCH_SHARE;
    if (keys > this.#sketch.width) this.#sketch = new FrequencySketch(keys);
  }

  #oldestOfMain(): number {
    const slot = this.#links.first(PROBATION);
    return slot >= 0 ? slot : this.#links.first(PROTECTED);
  }

  #frequency(slot: number): number {
    return this.#sketch.frequency(this.#hashes[slot]!);
  }

  #protectedMost(): number {
    return (this.#context.maxWeight - this.#climber.windowMost) * PROTECTED_SHARE;
  }

  #move(slot: number, queue: number): void {
    this.#leave(slot);
    this.#enter(queue, slot);
  }

  #enter(queue: number, slot: number): void {
    this.#queues[slot] = queue;
    this.#links.append(queue, slot);
    this.#addWeight(queue, this.#context.weightOf(slot));
  }

  #leave(slot: number): void {
    this.#links.remove(slot);
    this.#addWeight(this.#queues[slot]!, -this.#context.weightOf(slot));
  }

  #addWeight(queue: number, change: number): void {
    this.#weights[queue as 0 | 1 | 2] += change;
  }
}

/** Looks for the best size of the window. */
class Climber {
  readonly #maxWeight: number;
  readonly #windowLeast: number;
  /** How much the window may weigh. */
  windowMost: number;
  #step: number;
  #hits = 0;
  #reads = 0;
  #ratio = 0;

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
    this.#windowLeast = Math.min(WINDOW_FLOOR, maxWeight / 2);
    this.windowMost = Math.max(this.#windowLeast, maxWeight * WINDOW_SHARE);
    this.#step = maxWeight * STEP_SHARE;
  }

  /** Notes a read of a cache with `count` entries. */
  note(isHit: boolean, count: number): void {
    if (isHit) this.#hits++;
    if (++this.#reads >= SAMPLE_PER_ENTRY * count) this.#climb();
  }

  #climb(): void {
    const ratio = this.#hits / this.#reads;
    const change = ratio - this.#ratio;
    const direction = change >= 0 ? this.#step : -this.#step;
    const most = this.#maxWeight * WINDOW_SHARE_MOST;
    this.windowMost = Math.max(this.#windowLeast, Math.min(most, this.windowMost + direction));
    this.#step = Math.abs(change) >= RESTART_CHANGE
      ? Math.sign(direction) * this.#maxWeight * STEP_SHARE
      : direction * STEP_DECAY;
    this.#ratio = ratio;
    this.#hits = 0;
    this.#reads = 0;
  }
}
