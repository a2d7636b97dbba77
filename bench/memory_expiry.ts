/** What expiry costs: to schedule, and when 100,000 keys come due within one second. */

import { LRUCache } from "lru-cache";
import { TTLCache } from "@isaacs/ttlcache";
import { ExpiryWheel } from "../src/memory/expiry_wheel.ts";
import { MemoryCache } from "../src/memory/memory_cache.ts";
import { median, type Outcome } from "./harness.ts";

const KEYS = 100_000;
const SECOND_MS = 1_000;
const ROUNDS = 9;
const STORMS = 9;

/** Measures and prints. */
export async function measureExpiry(): Promise<Outcome> {
  const keys = Array.from({ length: KEYS }, (_, n) => `key:${n}`);
  const { scheduleNs, rescheduleNs } = measureSchedule();
  const pause = (name: string): string => `longest pause while ${KEYS} keys expire, ${name}`;
  const storms = Array.from({ length: STORMS }, () => longestCallOfStorm(keys));
  const nanoseconds: Readonly<Record<string, number>> = {
    "schedule a deadline (goal 30 ns)": scheduleNs,
    "change a deadline": rescheduleNs,
    // Every storm does the same work; what differs is how often others had the processor meanwhile.
    [`${pause("cairn")} (goal 1 ms)`]: Math.min(...storms) * 1e6,
    [`${pause("cairn")}, worst of ${STORMS}`]: Math.max(...storms) * 1e6,
    [pause("lru-cache, ttlAutopurge")]: 1e6 * await longestStall(() => {
      const cache = new LRUCache({ max: KEYS, ttl: SECOND_MS, ttlAutopurge: true });
      for (const key of keys) cache.set(key, keys);
    }),
    [pause("@isaacs/ttlcache")]: 1e6 * await longestStall(() => {
      const cache = new TTLCache<string, unknown>({ max: KEYS, ttl: SECOND_MS });
      for (const key of keys) cache.set(key, keys);
    }),
  };
  console.log("\nexpiry");
  for (const [name, time] of Object.entries(nanoseconds)) {
    const shown = time < 1e4 ? `${time.toFixed(1)} ns` : `${(time / 1e6).toFixed(3)} ms`;
    console.log(`  ${name.padEnd(64)}${shown.padStart(12)}`);
  }
  const lines = Object.entries(nanoseconds).map(([name, time]) => ({
    name,
    nanoseconds: time,
    ratio: 1,
  }));
  return { title: "expiry", rounds: STORMS, lines };
}

function measureSchedule(): { scheduleNs: number; rescheduleNs: number } {
  const now = Date.now();
  const deadlines = Float64Array.from({ length: KEYS }, (_, n) => now + (n * 7919) % 7_200_000);
  const schedule: number[] = [];
  const reschedule: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const wheel = new ExpiryWheel({ buckets: 60, intervalMs: 15_000 }, KEYS);
    wheel.advance(now);
    const run = () => {
      for (let slot = 0; slot < KEYS; slot++) wheel.schedule(slot, deadlines[slot]!);
      return KEYS;
    };
    schedule.push(timeOf(run));
    reschedule.push(timeOf(run));
  }
  return { scheduleNs: median(schedule), rescheduleNs: median(reschedule) };
}

function timeOf(run: () => number): number {
  const startedAt = performance.now();
  const operations = run();
  return (performance.now() - startedAt) * 1e6 / operations;
}

/** All keys end within a second; then a caller reads and stores until they are gone. */
function longestCallOfStorm(keys: readonly string[]): number {
  let now = 1_700_000_000_000;
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  const cache = new MemoryCache<unknown>({ maxEntries: 2 * KEYS, clock });
  keys.forEach((key, n) => cache.set(key, keys, { ttlMs: SECOND_MS + n % SECOND_MS }));
  now += 60_000;
  let longestMs = 0;
  for (let call = 0; cache.size > 1; call++) {
    const startedAt = performance.now();
    if (call % 2 === 0) cache.set("caller", call, { ttlMs: 60_000 });
    else cache.get("caller");
    longestMs = Math.max(longestMs, performance.now() - startedAt);
  }
  return longestMs;
}

/** For caches with timers of their own: how long the event loop stands still at the worst. */
async function longestStall(fill: () => void): Promise<number> {
  fill();
  const endsAt = performance.now() + 2 * SECOND_MS;
  let longestMs = 0;
  for (let before = performance.now(); before < endsAt;) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const after = performance.now();
    longestMs = Math.max(longestMs, after - before);
    before = after;
  }
  return longestMs;
}
