/** The synchronous cache that keeps nothing: for switching a cache off without touching callers. */

import type { CountOptions, StoreOptions, SyncCache } from "../contracts/cache.ts";

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
  get(_key: string, _namespace?: string): undefined {
    return undefined;
  }

  /** Finds nothing. */
  getMulti(_keys: Iterable<string>, _namespace?: string): Map<string, V> {
    return new Map();
  }

  /** Answers `true`. */
  set(_key: string, _value: V, _options?: StoreOptions): boolean {
    return true;
  }

  /** Answers that no key failed. */
  setMulti(_entries: Iterable<readonly [string, V]>, _options?: StoreOptions): string[] {
    return [];
  }

  /** Answers `true`, each time. */
  add(_key: string, _value: V, _options?: StoreOptions): boolean {
    return true;
  }

  /** Answers that no key failed. */
  addMulti(_entries: Iterable<readonly [string, V]>, _options?: StoreOptions): string[] {
    return [];
  }

  /** Answers `true`. */
  replace(_key: string, _value: V, _options?: StoreOptions): boolean {
    return true;
  }

  /** Answers that no key failed. */
  replaceMulti(_entries: Iterable<readonly [string, V]>, _options?: StoreOptions): string[] {
    return [];
  }

  /** Answers `true`. */
  delete(_key: string, _namespace?: string): boolean {
    return true;
  }

  /** Answers `true`. */
  deleteMulti(_keys: Iterable<string>, _namespace?: string): boolean {
    return true;
  }

  /** Counts nothing, also from an initial value. */
  incr(_key: string, _delta?: number, _options?: CountOptions): undefined {
    return undefined;
  }

  /** Counts nothing, also from an initial value. */
  decr(_key: string, _delta?: number, _options?: CountOptions): undefined {
    return undefined;
  }

  /** Answers `true`. */
  flushAll(): boolean {
    return true;
  }
}
