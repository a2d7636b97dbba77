/**
 * The cache of live values in one process.
 *
 * Everything is synchronous. A hit is one map lookup, one clock read if the entry has a deadline,
 * and one byte written; it allocates nothing. The mechanisms have a file each: `shelf.ts` puts them
 * together, `expiry_wheel.ts` knows what has expired, `s3_fifo.ts` who leaves when there is no room.
 */

import type { CountOptions, StoreOptions, SyncCache } from "../contracts/cache.ts";
import { type Clock, NEVER } from "../contracts/clock.ts";
import { deadlineOf, isTimed } from "./deadline.ts";
import type { PolicyFactory } from "./eviction_policy.ts";
import type { Removal, RemovalCause } from "./removals.ts";
import { type Place, Shelf, type ShelfShape, type Terms } from "./shelf.ts";
import { shapeOf } from "./shelf_shape.ts";

/** How a {@linkcode MemoryCache} is bounded and timed. */
export interface MemoryCacheOptions<V = unknown> {
  /** Where the time comes from. A coarser clock makes hits faster. Default: the platform's. */
  readonly clock?: Clock | undefined;
  /** How many expiry buckets there are in each of the two rings, 2 to 65,536. Default: 60. */
  readonly buckets?: number | undefined;
  /** How much time a bucket covers, in milliseconds, at least 1. Default: 15,000. */
  readonly bucketIntervalMs?: number | undefined;
  /** How many entries are held at most. Default: 16,777,215, the most that a `Map` takes. */
  readonly maxEntries?: number | undefined;
  /** How much the entries weigh at most; goes with `weigh`. Default: no limit. */
  readonly maxWeight?: number | undefined;
  /**
   * The weight of an entry, finite and 0 or more. One of weight 0 is pinned: it leaves only when it expires or
   * is removed. One heavier than a quarter of `maxWeight` is refused. Default: all weigh 1.
   */
  readonly weigh?: ((value: V, key: string) => number) | undefined;
  /** Who leaves when there is no room. Default: `"s3fifo"`. */
  readonly policy?: "s3fifo" | "lru" | "fifo" | PolicyFactory | undefined;
  /** Hears of every entry that left without having been deleted or replaced. Default: nobody. */
  readonly onRemoval?: ((removal: Removal<V>) => void) | undefined;
}

/** What a {@linkcode MemoryCache} has done so far. */
export interface MemoryCacheStats {
  /** Entries held, with dead ones that were not buried yet. */
  readonly size: number;
  /** Their weight; their number where nothing is weighed. */
  readonly weight: number;
  /** Reads that found a live entry. */
  readonly hits: number;
  /** Reads that found none. */
  readonly misses: number;
  /** Entries that left without having been deleted or replaced, by cause. */
  readonly removals: Readonly<Record<RemovalCause, number>>;
}

const NO_OPTIONS: StoreOptions = Object.freeze({});

/** The shelf inside a cache, for tests. */
export let shelfOf: <V>(cache: MemoryCache<V>) => Shelf<V>;

/**
 * An in-process cache with wheezy.caching's operations, namespaces, deadlines to the millisecond
 * and a bound. Values are held by reference; see `copied` for the other way.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { MemoryCache } from "@cairn/cache";
 *
 * const cache = new MemoryCache<number>({ maxEntries: 1_000 });
 * cache.set("hits", 1, { ttlMs: 60_000 });
 * equal(cache.get("hits"), 1);
 * equal(cache.add("hits", 9), false);
 * equal(cache.incr("hits"), 2);
 * equal(cache.get("hits", "another namespace"), undefined);
 * ```
 */
export class MemoryCache<V = unknown> implements SyncCache<V> {
  static {
    shelfOf = (cache) => cache.#shelf;
  }

  readonly #clock: Clock;
  readonly #shape: ShelfShape<V>;
  #shelf: Shelf<V>;
  /** The terms of the last store. The shelf reads them at once, so that one object serves all. */
  readonly #terms: { -readonly [T in keyof Terms]: Terms[T] };
  #hits = 0;
  #misses = 0;

  /** Throws a `RangeError` or `TypeError` naming the option that is wrong. */
  constructor(options: MemoryCacheOptions<V> = {}) {
    this.#shape = shapeOf(options);
    this.#clock = this.#shape.clock;
    this.#shelf = new Shelf(this.#shape);
    this.#terms = { namespace: "", now: NaN, expiresAt: NEVER };
  }

  /** How many entries are held, with dead ones that were not buried yet. */
  get size(): number {
    return this.#shelf.size;
  }

  /** How much the entries weigh; their number where nothing is weighed. */
  get weight(): number {
    return this.#shelf.weight;
  }

  /** The live value of `key`, or `undefined`. */
  get(key: string, namespace?: string): V | undefined {
    const slot = this.#shelf.find(key, namespace);
    if (slot < 0) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    return this.#shelf.value(slot);
  }

  /** Whether `key` has a live value. Does not count as a read. */
  has(key: string, namespace: string = ""): boolean {
    return this.#shelf.peek(key, { namespace, now: NaN }) >= 0;
  }

  /** When the live value of `key` ends, or `NEVER`; `undefined` where there is none. */
  expiresAt(key: string, namespace: string = ""): number | undefined {
    const slot = this.#shelf.peek(key, { namespace, now: NaN });
    return slot < 0 ? undefined : this.#shelf.expiresAt(slot);
  }

  /** The live values found, by key. The clock is read once at most. */
  getMulti(keys: Iterable<string>, namespace: string = ""): Map<string, V> {
    const present = { namespace, now: this.#shelf.present() };
    const found = new Map<string, V>();
    for (const key of keys) {
      const slot = this.#shelf.peek(key, present);
      if (slot < 0) {
        this.#misses++;
        continue;
      }
      this.#hits++;
      this.#shelf.touch(slot);
      found.set(key, this.#shelf.value(slot));
    }
    return found;
  }

  /**
   * Stores a value, whatever was there. Answers `false` where it was refused: it was too heavy, or
   * everything else is pinned; the key is then missing.
   */
  set(key: string, value: V, options: StoreOptions = NO_OPTIONS): boolean {
    return this.#shelf.put(key, value, this.#fillTerms(options));
  }

  /** Stores many values under one deadline; answers the keys that were refused. */
  setMulti(
    entries: Iterable<readonly [string, V]>,
    options: StoreOptions = NO_OPTIONS,
  ): string[] {
    const shared = this.#sharedTerms(options);
    return failed(entries, ([key, value]) => this.#shelf.put(key, value, shared));
  }

  /** Stores the value if the key is absent; answers whether it did. */
  add(key: string, value: V, options: StoreOptions = NO_OPTIONS): boolean {
    return this.#add(key, value, this.#sharedTerms(options));
  }

  /** Stores the values of absent keys; answers the keys that were present or refused. */
  addMulti(
    entries: Iterable<readonly [string, V]>,
    options: StoreOptions = NO_OPTIONS,
  ): string[] {
    const shared = this.#sharedTerms(options);
    return failed(entries, ([key, value]) => this.#add(key, value, shared));
  }

  /** Stores the value if the key is present; answers whether it did. */
  replace(key: string, value: V, options: StoreOptions = NO_OPTIONS): boolean {
    return this.#replace(key, value, this.#sharedTerms(options));
  }

  /** Stores the values of present keys; answers the keys that were absent or refused. */
  replaceMulti(
    entries: Iterable<readonly [string, V]>,
    options: StoreOptions = NO_OPTIONS,
  ): string[] {
    const shared = this.#sharedTerms(options);
    return failed(entries, ([key, value]) => this.#replace(key, value, shared));
  }

  /** Gives a live value a new deadline; answers whether there was one. */
  touch(key: string, options: StoreOptions = NO_OPTIONS): boolean {
    const { expiresAt, namespace, now } = this.#sharedTerms(options);
    const slot = this.#shelf.peek(key, { namespace, now });
    if (slot < 0) return false;
    this.#shelf.reschedule(slot, expiresAt, now);
    return true;
  }

  /** Removes `key`; answers whether it had a live value. */
  delete(key: string, namespace: string = ""): boolean {
    return this.#delete(key, { namespace, now: NaN });
  }

  /** Removes `keys`; answers `true`, also where there was nothing to remove. */
  deleteMulti(keys: Iterable<string>, namespace: string = ""): boolean {
    const present = { namespace, now: this.#shelf.present() };
    for (const key of keys) this.#delete(key, present);
    return true;
  }

  /**
   * Adds `delta` to the number at `key`, keeping its deadline, and answers the sum. An absent
   * number starts from `options.initialValue`, or stays absent and the answer is `undefined`.
   * Throws a `TypeError` where the value is not a number, and leaves it as it is.
   */
  incr(key: string, delta: number = 1, options: CountOptions = NO_OPTIONS): number | undefined {
    checkNumber(delta, "delta");
    const { namespace = "", initialValue } = options;
    const slot = this.#shelf.peek(key, { namespace, now: NaN });
    if (slot >= 0) return this.#count(slot, { key, delta, namespace });
    if (initialValue === undefined) return undefined;
    checkNumber(initialValue, "initialValue");
    const first = initialValue + delta;
    return this.#shelf.put(key, first as V, this.#fillTerms(options)) ? first : undefined;
  }

  /** Subtracts `delta` as {@linkcode MemoryCache.incr} adds it; there is no floor. */
  decr(key: string, delta: number = 1, options: CountOptions = NO_OPTIONS): number | undefined {
    checkNumber(delta, "delta");
    return this.incr(key, -delta, options);
  }

  /** The live keys of a namespace, in the order they were first stored. */
  keys(namespace: string = ""): IterableIterator<string> {
    return this.#shelf.keys(namespace);
  }

  /** Removes everything, in all namespaces; answers `true`. */
  flushAll(): boolean {
    this.#shelf = new Shelf(this.#shape);
    return true;
  }

  /**
   * Buries dead entries, looking at up to `steps` that are due. Every store does so by itself, 16 at
   * a time; call it where a quiet cache should give its memory back.
   */
  sweep(steps: number = 1_000): void {
    this.#shelf.sweep(this.#clock.now(), steps);
    this.#shape.removals.tell();
  }

  /** What was done so far. */
  stats(): MemoryCacheStats {
    return {
      size: this.#shelf.size,
      weight: this.#shelf.weight,
      hits: this.#hits,
      misses: this.#misses,
      removals: { ...this.#shape.removals.counts },
    };
  }

  /** What the writes of one call have in common; others may store between them. */
  #sharedTerms(options: StoreOptions): Terms {
    return { ...this.#fillTerms(options) };
  }

  #fillTerms(options: StoreOptions): Terms {
    const now = isTimed(options) ? this.#clock.now() : NaN;
    this.#terms.expiresAt = deadlineOf(options, now);
    this.#terms.namespace = options.namespace ?? "";
    this.#terms.now = now;
    return this.#terms;
  }

  #add(key: string, value: V, terms: Terms): boolean {
    return this.#shelf.peek(key, terms) < 0 && this.#shelf.put(key, value, terms);
  }

  #replace(key: string, value: V, terms: Terms): boolean {
    return this.#shelf.peek(key, terms) >= 0 && this.#shelf.put(key, value, terms);
  }

  #delete(key: string, place: Place): boolean {
    const slot = this.#shelf.peek(key, place);
    if (slot < 0) return false;
    this.#shelf.remove(slot);
    return true;
  }

  #count(
    slot: number,
    step: { key: string; delta: number; namespace: string },
  ): number | undefined {
    const value = this.#shelf.value(slot);
    if (typeof value !== "number") {
      throw new TypeError(`Cannot count "${step.key}": its value is not a number`);
    }
    const sum = value + step.delta;
    const expiresAt = this.#shelf.expiresAt(slot);
    const { key, namespace } = step;
    const isKept = this.#shelf.put(key, sum as V, { namespace, expiresAt, now: NaN });
    return isKept ? sum : undefined;
  }
}

function checkNumber(value: unknown, name: string): void {
  if (typeof value === "number" && Number.isFinite(value)) return;
  throw new TypeError(`Cannot count: ${name} is ${String(value)}, not a finite number`);
}

function failed<T>(
  entries: Iterable<readonly [string, T]>,
  store: (entry: readonly [string, T]) => boolean,
): string[] {
  const keys: string[] = [];
  for (const entry of entries) if (!store(entry)) keys.push(entry[0]);
  return keys;
}
