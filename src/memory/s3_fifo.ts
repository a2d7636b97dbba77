/**
 * S3-FIFO: three first-in-first-out queues (Yang, Zhang, Qiu, Yue and Vigfusson, "FIFO queues are
 * all you need for cache eviction", SOSP 2023).
 *
 * New entries enter the **small** queue. At its end an entry that was read meanwhile moves to the
 * **main** queue; any other leaves, and its hash is remembered by the **ghost**. An entry whose hash
 * the ghost remembers enters the main queue at once. At the end of the main queue an entry that was
 * read goes round again, with one visit fewer.
 *
 * A hit writes one byte, and a scan passes through the small queue without touching the main one.
 *
 * The paper's small queue is 10 % of the cache. Below a thousand entries that is shorter than the
 * bursts in which applications ask for a new key, so that every key leaves before it is asked for
 * again. A floor of 64 entries repairs it: at or above LRU in 55 of 61 cells of real traces, where
 * without it the worst cell is 13 points below.
 */

import type { EvictionPolicy, PolicyContext } from "./eviction_policy.ts";
import { Ghost } from "./ghost.ts";
import { Links } from "./links.ts";

const SMALL = 0;
const MAIN = 1;

const SMALL_SHARE = 0.1;
const SMALL_FLOOR = 64;
const SMALL_SHARE_MOST = 0.5;
const GHOST_SHARE = 0.9;

/** The low bits of a slot's byte count visits, as the paper's two bits do; the next says "main". */
const VISITS_MOST = 3;
const IN_MAIN = 4;

/** How many entries one eviction may look at. Each of them but the last was read since. */
const STEPS_MOST = 128;

/** The eviction policy `"s3fifo"`, the default. */
export function s3fifo(context: PolicyContext): EvictionPolicy {
  return new S3Fifo(context);
}

class S3Fifo implements EvictionPolicy {
  readonly #context: PolicyContext;
  readonly #links: Links;
  #marks: Uint8Array;
  #ghost: Ghost | undefined;
  #ghostLength = 0;
  /** The hashes of keys stored since there is a ghost; 0 for older ones. To hash one is dear. */
  #hashes: Int32Array = new Int32Array(0);
  #count = 0;
  #weight = 0;
  #smallWeight = 0;

  constructor(context: PolicyContext) {
    this.#context = context;
    this.#links = new Links(2, context.capacity);
    this.#marks = new Uint8Array(context.capacity);
  }

  admit(slot: number): void {
    const weight = this.#context.weightOf(slot);
    const isReturning = this.#ghost !== undefined && this.#isIn(this.#ghost, slot);
    this.#links.append(isReturning ? MAIN : SMALL, slot);
    this.#marks[slot] = isReturning ? IN_MAIN : 0;
    this.#count++;
    this.#weight += weight;
    if (!isReturning) this.#smallWeight += weight;
  }

  touch(slot: number): void {
    const mark = this.#marks[slot]!;
    if ((mark & VISITS_MOST) !== VISITS_MOST) this.#marks[slot] = mark + 1;
  }

  reweigh(slot: number, change: number): void {
    if (!this.#links.has(slot)) return;
    this.#weight += change;
    if (this.#isSmall(slot)) this.#smallWeight += change;
  }

  forget(slot: number): void {
    if (!this.#links.has(slot)) return;
    const weight = this.#context.weightOf(slot);
    this.#links.remove(slot);
    this.#count--;
    this.#weight -= weight;
    if (this.#isSmall(slot)) this.#smallWeight -= weight;
  }

  victim(): number {
    let slot = -1;
    for (let step = 0; step < STEPS_MOST; step++) {
      const isSmall = this.#links.first(MAIN) < 0 || this.#isSmallFull();
      slot = this.#links.first(isSmall ? SMALL : MAIN);
      if (slot < 0) slot = this.#links.first(isSmall ? MAIN : SMALL);
      if (slot < 0 || !this.#wasVisited(slot)) break;
      this.#requeue(slot);
    }
    if (slot >= 0 && this.#isSmall(slot)) this.#remember(slot);
    return slot;
  }

  grow(capacity: number): void {
    this.#links.grow(capacity);
    const larger = new Uint8Array(capacity);
    larger.set(this.#marks);
    this.#marks = larger;
    if (this.#ghost !== undefined) this.#growHashes(capacity);
  }

  #isSmall(slot: number): boolean {
    return (this.#marks[slot]! & IN_MAIN) === 0;
  }

  #wasVisited(slot: number): boolean {
    return (this.#marks[slot]! & VISITS_MOST) !== 0;
  }

  #isSmallFull(): boolean {
    if (this.#smallWeight >= this.#weight * SMALL_SHARE_MOST) return true;
    const isOverFloor = this.#smallWeight * this.#count >= this.#weight * SMALL_FLOOR;
    return isOverFloor && this.#smallWeight >= this.#weight * SMALL_SHARE;
  }

  #requeue(slot: number): void {
    const mark = this.#marks[slot]!;
    if ((mark & IN_MAIN) === 0) this.#smallWeight -= this.#context.weightOf(slot);
    this.#marks[slot] = (mark & IN_MAIN) === 0 ? IN_MAIN : mark - 1;
    this.#links.remove(slot);
    this.#links.append(MAIN, slot);
  }

  #isIn(ghost: Ghost, slot: number): boolean {
    const hash = this.#context.hashOf(slot);
    this.#hashes[slot] = hash;
    return ghost.take(hash);
  }

  #remember(slot: number): void {
    if (this.#ghost === undefined || this.#count > 2 * this.#ghostLength) this.#renewGhost();
    this.#ghost!.add(this.#hashes[slot] || this.#context.hashOf(slot));
  }

  /** The ghost is made at the first eviction, and anew when the cache holds twice as many. */
  #renewGhost(): void {
    if (this.#ghost === undefined) this.#growHashes(this.#marks.length);
    this.#ghostLength = this.#count;
    this.#ghost = new Ghost(Math.ceil(this.#count * GHOST_SHARE));
  }

  #growHashes(capacity: number): void {
    const larger = new Int32Array(capacity);
    larger.set(this.#hashes);
    this.#hashes = larger;
  }
}
