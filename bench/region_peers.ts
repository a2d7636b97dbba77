/** What is raced against a region: each peer with a memory store, made to get or to create. */

import { cachified } from "@epic-web/cachified";
import { createCache } from "async-cache-dedupe";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache as createManaged } from "cache-manager";
import { Cacheable } from "cacheable";
import Keyv from "keyv";
import { LRUCache } from "lru-cache";
import { defineCachedFunction } from "ocache";
import { makeRegion } from "../src/region/region.ts";

/** Gets the value of a key or creates it. */
export type GetOrCreate = (key: string, create: () => Promise<number>) => Promise<number>;

/** A maker of a fresh cache that keeps its values for an hour. */
export type MakeCache = () => GetOrCreate;

const HOUR_MS = 3_600_000;
const ENTRIES = 10_000;

/** Regions. */
export const ours: Readonly<Record<string, MakeCache>> = {
  "cairn": () => {
    const region = makeRegion({ near: { maxEntries: ENTRIES }, softTtlMs: HOUR_MS });
    return (key, create) => region.getOrCreate(key, create);
  },
  "cairn, no deadline": () => {
    const region = makeRegion({ near: { maxEntries: ENTRIES } });
    return (key, create) => region.getOrCreate(key, create);
  },
};

/** Peers that can put a second tier beneath the first. */
export const tieredPeers: Readonly<Record<string, MakeCache>> = {
  "bentocache": () => {
    const l1 = memoryDriver({ maxItems: ENTRIES, serialize: false });
    const bento = new BentoCache({ default: "own", stores: { own: bentostore().useL1Layer(l1) } });
    return (key, create) => bento.getOrSet({ key, factory: create, ttl: HOUR_MS });
  },
  "cacheable": () => {
    const cache = new Cacheable({ ttl: HOUR_MS });
    return async (key, create) => await cache.getOrSet(key, create, { ttl: HOUR_MS }) as number;
  },
  "cache-manager": () => {
    const cache = createManaged({ ttl: HOUR_MS });
    return (key, create) => cache.wrap(key, create);
  },
  "ocache": () => {
    const creators = new Map<string, () => Promise<number>>();
    const load = defineCachedFunction(
      (key: string) => (creators.get(key) as () => Promise<number>)(),
      {
        maxAge: HOUR_MS / 1_000,
        getKey: (key) => key,
      },
    );
    return (key, create) => {
      creators.set(key, create);
      return load(key) as Promise<number>;
    };
  },
};

/** Peers with one tier. */
export const singlePeers: Readonly<Record<string, MakeCache>> = {
  "lru-cache fetch": () => {
    const cache = new LRUCache<string, number, () => Promise<number>>({
      max: ENTRIES,
      ttl: HOUR_MS,
      fetchMethod: (_key, _stale, { context }) => context(),
    });
    return async (key, create) => await cache.fetch(key, { context: create }) as number;
  },
  "async-cache-dedupe": () => {
    const creators = new Map<string, () => Promise<number>>();
    const cache = createCache({
      ttl: HOUR_MS / 1_000,
      storage: { type: "memory", options: { size: ENTRIES } },
    })
      .define("load", (key: string) => (creators.get(key) as () => Promise<number>)());
    return (key, create) => {
      creators.set(key, create);
      return cache.load(key);
    };
  },
  "cachified": () => {
    const cache = new LRUCache<string, never>({ max: ENTRIES });
    return (key, create) =>
      cachified({ key, cache: cache as never, getFreshValue: create, ttl: HOUR_MS });
  },
  "keyv, get then set": () => {
    const cache = new Keyv({ ttl: HOUR_MS });
    return async (key, create) => {
      const known = await cache.get<number>(key);
      if (known !== undefined) return known;
      const made = await create();
      await cache.set(key, made);
      return made;
    };
  },
};
