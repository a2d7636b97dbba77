/** What a shelf is built like, from what a caller asked for: checked, with every default filled in. */

import { systemClock } from "../contracts/clock.ts";
import type { PolicyFactory } from "./eviction_policy.ts";
import { fifo } from "./fifo.ts";
import { lru } from "./lru.ts";
import type { MemoryCacheOptions } from "./memory_cache.ts";
import { Removals } from "./removals.ts";
import { s3fifo } from "./s3_fifo.ts";
import type { ShelfShape } from "./shelf.ts";

const MAP_ENTRIES_MOST = 2 ** 24 - 1;
const BUCKETS_MOST = 65_536;
const POLICIES = Object.freeze({ s3fifo, lru, fifo });

/** Throws a `RangeError` or `TypeError` naming the option that is wrong. */
export function shapeOf<V>(options: MemoryCacheOptions<V>): ShelfShape<V> {
  const { buckets = 60, bucketIntervalMs = 15_000, maxEntries = MAP_ENTRIES_MOST } = options;
  const { clock = systemClock, maxWeight = Infinity, policy = "s3fifo" } = options;
  checkRange("buckets", buckets, { least: 2, most: BUCKETS_MOST, isWhole: true });
  checkRange("bucketIntervalMs", bucketIntervalMs, { least: 1, most: Number.MAX_SAFE_INTEGER });
  checkRange("maxEntries", maxEntries, { least: 1, most: MAP_ENTRIES_MOST, isWhole: true });
  checkRange("maxWeight", maxWeight, { least: 0, most: Infinity });
  if (options.maxWeight !== undefined && options.weigh === undefined) {
    throw new TypeError("Cannot make a MemoryCache: maxWeight is given without weigh");
  }
  return Object.freeze({
    clock,
    wheel: { buckets, intervalMs: bucketIntervalMs },
    maxEntries,
    maxWeight,
    weigh: options.weigh,
    policy: policyOf(policy),
    removals: new Removals(options.onRemoval),
  });
}

function policyOf(policy: string | PolicyFactory): PolicyFactory {
  if (typeof policy === "function") return policy;
  if (Object.hasOwn(POLICIES, policy)) return POLICIES[policy as keyof typeof POLICIES];
  throw new TypeError(`Cannot make a MemoryCache: there is no policy "${String(policy)}"`);
}

function checkRange(
  option: string,
  value: number,
  range: { least: number; most: number; isWhole?: boolean },
): void {
  const { least, most, isWhole = false } = range;
  const isInside = typeof value === "number" && value >= least && value <= most;
  if (isInside && (!isWhole || Number.isInteger(value))) return;
  const kind = isWhole ? "a whole number" : "a number";
  throw new RangeError(
    `Cannot make a MemoryCache: ${option} is ${
      String(value)
    }, not ${kind} from ${least} to ${most}`,
  );
}
