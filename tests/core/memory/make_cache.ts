import { MemoryCache, type MemoryCacheOptions } from "../../../src/memory/memory_cache.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

/** A cache on a clock that the test moves. */
export function makeCache<V = unknown>(
  options: MemoryCacheOptions<V> = {},
): { clock: ManualClock; cache: MemoryCache<V> } {
  const clock = new ManualClock();
  return { clock, cache: new MemoryCache<V>({ clock, ...options }) };
}

/** A time to live that outlasts most tests. */
export const TEN_SECONDS = Object.freeze({ ttlMs: 10_000 });
