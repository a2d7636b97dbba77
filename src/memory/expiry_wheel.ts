/**
 * The deadlines of slots, and the buckets in which they hang.
 *
 * A timer per entry costs a microsecond and keeps a process alive; looking at deadlines only on
 * access keeps dead entries for ever. A ring of buckets does neither: wheezy.caching has one of 60
 * buckets of 15 seconds. It hangs an entry by the time of its *insertion* and trusts the deadline
 * noted then, and so drops entries that were stored again with a longer life. Here
 *
 * - an entry hangs in the bucket of its **expiry**, once, by links that an earlier deadline unhooks;
 *   a later one leaves it where it is, so that what is stored again and again is hung anew when its
 *   bucket comes due and not each time;
 * - a first ring holds what ends within `buckets × intervalMs`, a second one of as many buckets,
 *   each as wide as the whole first ring, what ends later; what lies beyond both waits in the
 *   farthest bucket (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987);
 * - a bucket whose time has come is moved to the due list in one step, and every entry found there
 *   is judged by its own present deadline: it is dead, or it is hung anew.
 *
 * That last rule makes clock steps harmless. When the clock steps back the wheel turns back with
 * it: entries are then met too early, never too late. When a process was frozen for hours no more
 * than one turn of each ring is made up for.
 *
 * A deadline takes six bytes in whole milliseconds, a fraction cut off, which reaches the year
 * 10888; later ones never expire.
 */

import { NEVER } from "../contracts/clock.ts";
import { Links } from "./links.ts";

/** How the wheel is divided. */
export interface WheelShape {
  /** Buckets in each of the two rings; at least 2. */
  readonly buckets: number;
  /** How much time a bucket of the first ring covers, in milliseconds; at least 1. */
  readonly intervalMs: number;
}

const TWO_32 = 2 ** 32;
const HIGH_NEVER = 0xffff;
const LATEST_AT = HIGH_NEVER * TWO_32 - 1;

/** Where a wheel stands, for tests that look whether every slot hangs where it should. */
export interface WheelPosition {
  readonly links: Links;
  readonly tick: number;
  readonly span: number;
}

/** Where a wheel stands, for tests. */
export let positionOf: (wheel: ExpiryWheel) => WheelPosition;

/** Deadlines by slot, and which of them are due. */
export class ExpiryWheel {
  static {
    positionOf = (wheel) => ({ links: wheel.#links, tick: wheel.#tick, span: wheel.#span });
  }

  readonly #buckets: number;
  readonly #intervalMs: number;
  readonly #bucketsPerMs: number;
  readonly #due: number;
  readonly #links: Links;
  #high: Uint16Array;
  #low: Uint32Array;
  #scheduled = 0;
  /** The present bucket of each ring, counted from the epoch. */
  #tick = Infinity;
  #span = Infinity;
  /** Where these two lie in their rings. */
  #tickTurn = 0;
  #spanTurn = 0;
  /** When the present bucket of the first ring begins and ends. */
  #tickStartAt = Infinity;
  #tickEndAt = Infinity;

  /** Makes a wheel for `capacity` slots without deadlines. */
  constructor(shape: WheelShape, capacity: number) {
    this.#buckets = shape.buckets;
    this.#intervalMs = shape.intervalMs;
    this.#bucketsPerMs = 1 / shape.intervalMs;
    this.#due = 2 * shape.buckets;
    this.#links = new Links(2 * shape.buckets + 1, capacity);
    this.#high = new Uint16Array(capacity).fill(HIGH_NEVER);
    this.#low = new Uint32Array(capacity);
  }

  /** How many slots have a deadline. */
  get scheduled(): number {
    return this.#scheduled;
  }

  /** Whether the slot has a deadline. */
  has(slot: number): boolean {
    return this.#high[slot] !== HIGH_NEVER;
  }

  /** When the slot ends, or `NEVER`. */
  expiresAt(slot: number): number {
    const high = this.#high[slot]!;
    return high === HIGH_NEVER ? NEVER : high * TWO_32 + this.#low[slot]!;
  }

  /** Whether the slot's deadline has come. */
  isDead(slot: number, now: number): boolean {
    const high = this.#high[slot]!;
    return high !== HIGH_NEVER && now >= high * TWO_32 + this.#low[slot]!;
  }

  /**
   * Gives the slot a deadline in place of the one it had. The wheel must have been brought to the
   * present by {@linkcode ExpiryWheel.advance}.
   */
  schedule(slot: number, expiresAt: number): void {
    if (expiresAt > LATEST_AT) return this.clear(slot);
    const whole = expiresAt > 0 ? Math.floor(expiresAt) : 0;
    const isLater = this.has(slot) && whole >= this.expiresAt(slot);
    if (!isLater) this.clear(slot);
    // A column of integers keeps what has room in it: the whole quotient, and the last 32 bits.
    this.#high[slot] = whole / TWO_32;
    this.#low[slot] = whole;
    if (isLater) return;
    this.#scheduled++;
    this.#hang(slot, whole);
  }

  /** Takes the slot's deadline away. */
  clear(slot: number): void {
    if (this.#high[slot] === HIGH_NEVER) return;
    this.#high[slot] = HIGH_NEVER;
    this.#links.remove(slot);
    this.#scheduled--;
  }

  /** Brings the wheel to `now`: what has come due moves to the due list. */
  advance(now: number): void {
    if (now >= this.#tickStartAt && now < this.#tickEndAt) return;
    const tick = Math.max(0, Math.floor(now / this.#intervalMs));
    const span = Math.floor(tick / this.#buckets);
    for (let t = Math.max(this.#tick, tick - this.#buckets); t < tick; t++) {
      this.#links.moveAll(t % this.#buckets, this.#due);
    }
    for (let s = Math.max(this.#span, span - this.#buckets); s < span; s++) {
      this.#links.moveAll(this.#buckets + (s + 1) % this.#buckets, this.#due);
    }
    this.#tick = tick;
    this.#span = span;
    this.#tickTurn = tick % this.#buckets;
    this.#spanTurn = span % this.#buckets;
    this.#tickStartAt = tick * this.#intervalMs;
    this.#tickEndAt = this.#tickStartAt + this.#intervalMs;
  }

  /** Whether {@linkcode ExpiryWheel.advance} or a due slot has work to do. */
  isDue(now: number): boolean {
    return now >= this.#tickEndAt || now < this.#tickStartAt || this.firstDue() >= 0;
  }

  /** The slot that has been due for the longest time, below 0 if there is none. */
  firstDue(): number {
    return this.#links.first(this.#due);
  }

  /** Hangs a due slot anew that was not dead yet. */
  rehang(slot: number): void {
    this.#links.remove(slot);
    this.#hang(slot, this.expiresAt(slot));
  }

  /**
   * Looks for a dead slot among the first `steps` that are due and the first `steps` of the present
   * bucket, which is not due as a whole. Below 0 if it finds none. What it meets that ends in a later
   * bucket is hung there, out of the way of the dead.
   */
  findDead(now: number, steps: number): number {
    this.advance(now);
    const slot = this.#findDeadIn(this.#due, now, steps);
    return slot >= 0 ? slot : this.#findDeadIn(this.#tickTurn, now, steps);
  }

  /** Makes room for `capacity` slots. */
  grow(capacity: number): void {
    const high = new Uint16Array(capacity).fill(HIGH_NEVER);
    const low = new Uint32Array(capacity);
    high.set(this.#high);
    low.set(this.#low);
    this.#high = high;
    this.#low = low;
    this.#links.grow(capacity);
  }

  #hang(slot: number, expiresAt: number): void {
    const ticks = Math.max(0, (expiresAt - this.#tickStartAt) * this.#bucketsPerMs);
    if (ticks < this.#buckets) {
      this.#links.append((this.#tickTurn + Math.trunc(ticks)) % this.#buckets, slot);
      return;
    }
    const spans = Math.min((this.#tickTurn + ticks) / this.#buckets, this.#buckets);
    const turn = (this.#spanTurn + Math.trunc(spans)) % this.#buckets;
    this.#links.append(this.#buckets + turn, slot);
  }

  #findDeadIn(list: number, now: number, steps: number): number {
    let slot = this.#links.first(list);
    for (let step = 0; step < steps && slot >= 0; step++) {
      if (this.isDead(slot, now)) return slot;
      const next = this.#links.after(slot);
      if (this.expiresAt(slot) >= this.#tickEndAt) this.rehang(slot);
      slot = next;
    }
    return -1;
  }
}
