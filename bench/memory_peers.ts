/** The caches that are measured: cairn's, and its peers as their users would set them up. */

import { CacheableMemory } from "@cacheable/memory";
import { TTLCache } from "@isaacs/ttlcache";
import { SieveCache } from "@neophi/sieve-cache";
import { LRUCache } from "lru-cache";
import { LRUMap } from "mnemonist";
import NodeCache from "node-cache";
import QuickLRU from "quick-lru";
import { MemoryCache } from "../src/memory/memory_cache.ts";
import { coarseClock } from "./coarse_clock.ts";
import type { Subject } from "./memory_loops.ts";

/** A cache under a name, and how many entries it holds. */
export interface Peer extends Subject {
  readonly size: () => number;
}

/** Makes a cache for at most `capacity` entries. */
export type MakePeer = (capacity: number) => Peer;

/** Caches by name; the first is cairn's. */
export type Peers = Readonly<Record<string, MakePeer>>;

const HOUR_MS = 3_600_000;
const FOR_AN_HOUR = Object.freeze({ ttlMs: HOUR_MS });

/** The caches with a time to live of an hour, each reading its clock for each call. */
export const timedPeers: Peers = {
  "cairn, ttl": (capacity) => timed(new MemoryCache({ maxEntries: capacity })),
  "Map + clock": () => mapAndClock(new Map()),
  "lru-cache, ttl": (max) => lru(new LRUCache({ max, ttl: HOUR_MS, ttlResolution: 0 })),
  "@isaacs/ttlcache, by timers": (max) => lru(new TTLCache<string, object>({ max, ttl: HOUR_MS })),
  "quick-lru, maxAge": (maxSize) => lru(new QuickLRU<string, object>({ maxSize, maxAge: HOUR_MS })),
  "node-cache": () => nodeCache(),
  "@cacheable/memory": (lruSize) => cacheable(lruSize),
};

/** Those that take microseconds where others take nanoseconds. */
export const slowPeers: readonly string[] = ["@isaacs/ttlcache, by timers", "@cacheable/memory"];

/** The caches with a time to live and a clock of one millisecond's resolution. */
export const coarselyTimedPeers: Peers = {
  "cairn, ttl, coarse clock": (maxEntries) =>
    timed(new MemoryCache({ maxEntries, clock: coarseClock })),
  "lru-cache, ttl, coarse clock": (max) =>
    lru(new LRUCache({ max, ttl: HOUR_MS, ttlResolution: 1 })),
};

/** The caches without times to live. */
export const untimedPeers: Peers = {
  "cairn": (maxEntries) => untimed(new MemoryCache({ maxEntries })),
  "Map": () => lru(new Map<string, object>()),
  "lru-cache": (max) => lru(new LRUCache({ max })),
  "quick-lru": (maxSize) => lru(new QuickLRU<string, object>({ maxSize })),
  "mnemonist LRUMap": (capacity) => lru(new LRUMap<string, object>(capacity)),
  "sieve-cache": (capacity) => lru(new SieveCache<string, object>(capacity)),
};

function timed(cache: MemoryCache): Peer {
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value, FOR_AN_HOUR),
    size: () => cache.size,
  };
}

function untimed(cache: MemoryCache): Peer {
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    size: () => cache.size,
  };
}

function lru<C extends { get(key: string): unknown; set(key: string, value: object): unknown }>(
  cache: C & { readonly size: number },
): Peer {
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value as object),
    size: () => cache.size,
  };
}

function mapAndClock(map: Map<string, unknown>): Peer {
  return {
    get: (key) => Date.now() > 0 ? map.get(key) : undefined,
    set: (key, value) => void map.set(key, Date.now() > 0 ? value : undefined),
    size: () => map.size,
  };
}

function nodeCache(): Peer {
  const cache = new NodeCache({ stdTTL: HOUR_MS / 1_000, useClones: false, checkperiod: 0 });
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    size: () => cache.keys().length,
  };
}

function cacheable(lruSize: number): Peer {
  const cache = new CacheableMemory({ ttl: HOUR_MS, lruSize, useClone: false, checkInterval: 0 });
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    size: () => cache.size,
  };
}
