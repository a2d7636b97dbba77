/** The synchronous cache that keeps nothing: for switching a cache off without touching callers. */

import type { SyncCache } from "../contracts/cache.ts";

/**
 * A cache in which every read is a miss and every store succeeds.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { NullCache } from "@cairn/cache";
 *
 * const cache = new NullCache<string>();
 * equal(cache.set("k", "v"), true);
 * equal(cache.get("k"), undefined);
 * ```
 */
export class NullCache<V = unknown> implements SyncCache<V> {
  /** Always a miss. */
  get(): undefined {
    return undefined;
  }

  /** Finds nothing. */
  getMulti(): Map<string, V> {
    return new Map();
  }

  /** Answers `true`. */
  set(): boolean {
    return true;
  }

  /** Answers that no key failed. */
  setMulti(): string[] {
    return [];
  }

  /** Answers `true`, each time. */
  add(): boolean {
    return true;
  }

  /** Answers that no key failed. */
  addMulti(): string[] {
    return [];
  }

  /** Answers `true`. */
  replace(): boolean {
    return true;
  }

  /** Answers that no key failed. */
  replaceMulti(): string[] {
    return [];
  }

  /** Answers `true`. */
  delete(): boolean {
    return true;
  }

  /** Answers `true`. */
  deleteMulti(): boolean {
    return true;
  }

  /** Counts nothing, also from an initial value. */
  incr(): undefined {
    return undefined;
  }

  /** Counts nothing, also from an initial value. */
  decr(): undefined {
    return undefined;
  }

  /** Answers `true`. */
  flushAll(): boolean {
    return true;
  }
}
