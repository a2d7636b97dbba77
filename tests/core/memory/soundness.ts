/** Whether the parts of a memory cache fit together: what must hold after every operation. */

import { equal, ok } from "node:assert/strict";
import { positionOf } from "../../../src/memory/expiry_wheel.ts";
import { type MemoryCache, shelfOf } from "../../../src/memory/memory_cache.ts";
import { partsOf, type ShelfParts } from "../../../src/memory/shelf.ts";

/** The bounds and buckets that a cache was made with. */
export interface Bounds {
  readonly maxEntries: number;
  readonly maxWeight: number;
  readonly buckets: number;
  readonly bucketIntervalMs: number;
}

/** Fails if anything in the cache does not fit. */
export function assertSound(cache: MemoryCache<number>, bounds: Bounds): void {
  const shelf = shelfOf(cache);
  const parts = partsOf(shelf);
  const taken = takenSlots(parts);
  equal(taken.size, cache.size, "size");
  ok(cache.size <= bounds.maxEntries, "more entries than allowed");
  ok(cache.weight <= bounds.maxWeight, "more weight than allowed");
  let weight = 0;
  for (const slot of taken) weight += parts.slots.weight(slot);
  equal(weight, cache.weight, "weight");
  assertWheel(parts, taken, bounds);
}

/** Fails unless the policy knows exactly the entries that can be evicted. It is spent afterwards. */
export function assertPolicyHolds(cache: MemoryCache<number>): void {
  const parts = partsOf(shelfOf(cache));
  const evictable = [...takenSlots(parts)].filter((slot) => parts.slots.weight(slot) > 0);
  const named: number[] = [];
  for (let slot = parts.policy.victim(); slot >= 0; slot = parts.policy.victim()) {
    named.push(slot);
    parts.policy.forget(slot);
    ok(named.length <= evictable.length, "the policy names entries that are not there");
  }
  equal(named.sort(ascending).join(), evictable.sort(ascending).join());
}

function ascending(a: number, b: number): number {
  return a - b;
}

function takenSlots({ slots, spaces }: ShelfParts<number>): Set<number> {
  const taken = new Set<number>();
  for (const space of spaces.all()) {
    ok(space.slots.size > 0 || space === spaces.home, "an empty namespace was kept");
    for (const [key, slot] of space.slots) {
      ok(!taken.has(slot), "two keys share a slot");
      taken.add(slot);
      equal(slots.key(slot), key, "key");
      equal(spaces.at(slots.spaceId(slot)), space, "namespace");
    }
  }
  return taken;
}

function assertWheel(parts: ShelfParts<number>, taken: Set<number>, bounds: Bounds): void {
  const { wheel } = parts;
  const { links } = positionOf(wheel);
  let hanging = 0;
  for (let list = 0; list <= 2 * bounds.buckets; list++) {
    for (let slot = links.first(list); slot >= 0; slot = links.after(slot)) {
      hanging++;
      ok(hanging <= wheel.scheduled, "more slots hang in the wheel than have deadlines");
      ok(taken.has(slot) && wheel.has(slot), "a free slot, or one that never ends, hangs in it");
      ok(visitedAt(parts, list, bounds) <= wheel.expiresAt(slot), "a slot hangs too late");
    }
  }
  equal(hanging, wheel.scheduled, "slots with deadlines");
}

/** The beginning of the bucket in whose turn a list is looked at next. */
function visitedAt(parts: ShelfParts<number>, list: number, bounds: Bounds): number {
  const { buckets, bucketIntervalMs } = bounds;
  const { tick, span } = positionOf(parts.wheel);
  if (list === 2 * buckets) return -Infinity;
  if (list < buckets) {
    const turn = tick + (list - tick % buckets + buckets) % buckets;
    return turn === tick ? -Infinity : turn * bucketIntervalMs;
  }
  const wanted = list - buckets;
  const turn = span + 1 + (wanted - (span + 1) % buckets + buckets) % buckets;
  return turn * buckets * bucketIntervalMs;
}
