import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { UNLIMITED } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { adviser } from "../../../src/region/adviser.ts";
import { cacheStatus } from "../../../src/region/cache_status.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import type { RegionEvent } from "../../../src/region/observer.ts";
import { measured } from "../../../src/region/opentelemetry.ts";
import { makeRegion, type RegionOptions } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench } from "../../testing/region_bench.ts";

describe("cacheStatus", () => {
  async function statusOf(
    prepare: (bench: ReturnType<typeof regionBench>) => unknown,
    create: () => unknown,
    options: RegionOptions = {},
  ): Promise<string> {
    const bench = regionBench("near and backend", { softTtlMs: 100_000, ...options });
    await prepare(bench);
    const events: RegionEvent[] = [];
    const onEvent = (event: RegionEvent) => events.push(event);
    await bench.region.getOrCreate("a key", create, { onEvent }).catch(() => {});
    return cacheStatus("cairn", events);
  }

  it("tells hits, misses, stale values and failures as RFC 9211 has them", async () => {
    const expire = async ({ region, clock }: ReturnType<typeof regionBench>) => {
      await region.set("a key", 1);
      await clock.advance(100_000);
    };
    const fail = () => Promise.reject(new Error());
    equal(await statusOf(() => {}, () => 1), "cairn; fwd=uri-miss; stored");
    equal(await statusOf(({ region }) => region.set("a key", 1), () => 2), "cairn; hit");
    equal(await statusOf(expire, () => 2), "cairn; fwd=stale; stored");
    equal(await statusOf(expire, fail), "cairn; fwd=stale");
    equal(
      await statusOf(expire, fail, { staleOnError: true }),
      "cairn; fwd=stale; detail=stale-on-error",
    );
    equal(await statusOf(expire, () => 1, { creation: { softTimeoutMs: 0 } }), "cairn; hit");
    equal(await statusOf(() => {}, fail), "cairn; fwd=uri-miss");
  });

  it("tells callers who joined another's creation", async () => {
    const { region } = regionBench("near");
    const gate = Promise.withResolvers<number>();
    const leader = region.getOrCreate("key", () => gate.promise);
    await settled();
    const events: RegionEvent[] = [];
    const joined = region.getOrCreate("key", () => 1, { onEvent: (event) => events.push(event) });
    gate.resolve(1);
    await Promise.all([leader, joined]);
    equal(cacheStatus("cairn", events), "cairn; fwd=uri-miss; collapsed");
  });

  it("tells the time to live, negative for stale ones, and the key if asked", async () => {
    const { region, clock } = regionBench("near", { softTtlMs: 90_500 });
    const events: RegionEvent[] = [];
    await region.set('k"é', 1);
    await region.getOrCreate('k"é', () => 2, { onEvent: (event) => events.push(event) });
    const entry = await region.getEntry('k"é');
    const now = clock.now();
    equal(
      cacheStatus("my cache", events, { entry, now, hasKey: true }),
      '"my cache"; hit; ttl=90; key="k\\"%C3%A9"',
    );
    equal(cacheStatus("c", events, { entry, now: now + 100_000 }), "c; hit; ttl=-10");
  });
});

describe("measured", () => {
  it("counts every event and measures creations in seconds, until it is stopped", async () => {
    const counted: unknown[] = [];
    const timed: unknown[] = [];
    const meter = {
      createCounter: () => ({ add: (...args: unknown[]) => void counted.push(args) }),
      createHistogram: () => ({ record: (...args: unknown[]) => void timed.push(args) }),
    };
    const { region, clock } = regionBench("near", { name: "r" });
    const stop = measured(region, meter);
    const creating = region.getOrCreate("key", () => clock.sleep(2_500).then(() => 1));
    await clock.advance(2_500);
    await creating;
    await region.getOrCreate("bad", () => Promise.reject(new Error())).catch(() => {});
    stop();
    await region.get("key");
    deepEqual(
      counted,
      ["miss", "create", "miss", "createError"].map((event) => [1, { event, region: "r" }]),
    );
    deepEqual(timed, [[2.5, { outcome: "value", region: "r" }], [0, {
      outcome: "error",
      region: "r",
    }]]);
  });
});

describe("advice", () => {
  function adviceFor(options: RegionOptions): string[] {
    const advice: string[] = [];
    makeRegion({ adviser: adviser((text) => void advice.push(text)), ...options });
    return advice;
  }

  const clock = new ManualClock();
  const store = new ModelStore<Entry>(clock);
  const kv = new ModelStore<Entry>(clock, {
    limits: { ...UNLIMITED, ttlMinMs: 60_000, consistency: "eventual" },
  });

  it("is silent for sensible settings", () => {
    deepEqual(adviceFor({}), []);
    deepEqual(adviceFor({ backend: store }), []);
    deepEqual(adviceFor({ backend: store, near: {}, softTtlMs: 1_000, staleOnError: true }), []);
    deepEqual(adviceFor({ backend: kv, locks: localLocks(kv), hardTtlMs: NEVER }), []);
  });

  it("names options that cannot do what they say, and the region", () => {
    const cases: [RegionOptions, RegExp][] = [
      [{ hardTtlMs: 5, staleOnError: true }, /^Region "region": staleOnError has nothing/],
      [
        { name: "mine", softTtlMs: 5, hardTtlMs: 5, creation: { softTimeoutMs: 5 } },
        /^Region "mine": creation.softTimeoutMs/,
      ],
      [{ earlyRefresh: { beta: 1 } }, /earlyRefresh never comes/],
      [
        { lock: { waitMs: 5, leaseMs: 6, onTimeout: "throw" } },
        /lock.waitMs is shorter than lock.leaseMs/,
      ],
      [
        { backend: kv, locks: localLocks(kv), hardTtlMs: 5 },
        /hardTtlMs 5 is less than the store keeps anything, 60000/,
      ],
      [{ backend: kv }, /locks exclude nobody outside this process/],
    ];
    for (const [options, pattern] of cases) {
      const advice = adviceFor(options);
      deepEqual(advice.map((text) => pattern.test(text)), [true], advice.join());
    }
  });
});
