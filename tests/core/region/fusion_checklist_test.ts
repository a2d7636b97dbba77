/** What FusionCache's tests ask for, as far as it applies and no other file here asks it. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { json } from "../../../src/compose/json_codec.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import type { CreationContext } from "../../../src/region/creation.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`FusionCache's fail-safe in a region of ${shape}`, () => {
    it("ThrowsWhenFactoryThrowsWithoutFailSafe: a stale value stands in only where the policy says so", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      await region.set("key", "old");
      await clock.advance(100);
      const fail = (): Promise<string> => Promise.reject(new Error("down"));
      await rejects(region.getOrCreate("key", fail), { message: "down" });
      equal(await region.get("key", { allowStale: true }), "old");
      equal(await region.getOrCreate("key", fail, { staleOnError: true }), "old");
    });

    it("ReturnsStaleDataWithoutSavingItWhenNoFactory: reading a stale value gives it no new life", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100, staleOnError: true });
      await region.set("key", "old");
      await clock.advance(100);
      const before = await region.getEntry("key", { allowStale: true });
      equal(await region.get("key", { allowStale: true }), "old");
      equal(await region.get("key", { ignoreExpiration: true }), "old");
      equal(await region.get("key"), undefined);
      deepEqual(await region.getEntry("key", { allowStale: true }), before);
    });

    it("JitteringIsNotUsedWhenActivatingFailSafe: the throttle is what was stated", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        jitter: 1,
        random: () => 0.5,
        staleOnError: { throttleMs: 200 },
      });
      await region.set("key", "old");
      await clock.advance(50);
      const fail = (): Promise<string> => Promise.reject(new Error("down"));
      equal(await region.getOrCreate("key", fail), "old");
      equal((await region.getEntry("key"))?.softExpiresAt, clock.now() + 200);
    });

    it("FailSafeMaxDurationIsRespected: a throttle does not carry a value past its hard end", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        hardTtlMs: 150,
        staleOnError: { throttleMs: 10_000 },
      });
      await region.set("key", "old");
      await clock.advance(100);
      const fail = (): Promise<string> => Promise.reject(new Error("down"));
      equal(await region.getOrCreate("key", fail), "old");
      equal((await region.getEntry("key"))?.softExpiresAt, clock.now() + 50);
      await clock.advance(50);
      await rejects(region.getOrCreate("key", fail), { message: "down" });
    });
  });

  describe(`FusionCache's timeouts in a region of ${shape}`, () => {
    it("DoesNotSoftTimeoutWithoutStaleData: who has nothing waits for the creation", async () => {
      const { region, clock } = regionBench(shape, { creation: { softTimeoutMs: 10 } });
      let answer: unknown;
      const create = () => clock.sleep(1_000).then(() => "made");
      const creating = region.getOrCreate("key", create).then((value) => answer = value);
      await clock.advance(999);
      equal(answer, undefined);
      await clock.advance(1);
      equal(await creating, "made");
      equal(region.stats().softTimeout, 0);
    });

    it("SoftTimeoutDoesNotBreakStampedeProtection: what goes on behind is still the only creation", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 10 },
      });
      await region.set("key", "old");
      await clock.advance(100);
      const next = counter();
      const create = () => {
        const made = `new ${next()}`;
        return clock.sleep(500).then(() => made);
      };
      const early = Array.from({ length: 20 }, () => region.getOrCreate("key", create));
      await clock.advance(10);
      const late = Array.from({ length: 20 }, () => region.getOrCreate("key", create));
      await clock.advance(10);
      deepEqual(new Set(await Promise.all([...early, ...late])), new Set(["old"]));
      await clock.advance(500);
      equal(await region.getOrCreate("key", create), "new 1");
      equal(next(), 2);
    });

    it("AdaptiveCachingWithBackgroundFactoryCompletion: the value made behind decides on its life", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 0 },
      });
      await region.set("key", 1);
      await clock.advance(100);
      const options = { softTtlMs: (value: number) => value * 1_000 };
      equal(await region.getOrCreate<number>("key", () => 7, options), 1);
      await settled();
      const entry = await region.getEntry("key");
      deepEqual([entry?.payload, entry?.softExpiresAt], [7, clock.now() + 7_000]);
    });
  });

  describe(`FusionCache's eager refresh in a region of ${shape}`, () => {
    const early = { softTtlMs: 1_000, earlyRefresh: { share: 0.5 } };

    it("CanEagerRefreshWithInfiniteDuration: what never ends is never made anew early", async () => {
      const { region, clock } = regionBench(shape, { ...early, softTtlMs: NEVER });
      await region.set("key", "kept");
      await clock.advance(2 ** 40);
      equal(await region.getOrCreate("key", () => "new"), "kept");
      await settled();
      equal(await region.get("key"), "kept");
      equal(region.stats().earlyRefresh, 0);
    });

    it("CanEagerRefreshNoCancellation: a caller who leaves does not end the refresh behind", async () => {
      const { region, clock } = regionBench(shape, early);
      await region.set("key", "old");
      await clock.advance(500);
      const caller = new AbortController();
      const { signal } = caller;
      const contexts: CreationContext[] = [];
      const create = (context: CreationContext): Promise<string> => {
        contexts.push(context);
        return clock.sleep(10).then(() => "new");
      };
      equal(await region.getOrCreate("key", create, { signal }), "old");
      caller.abort(new Error("left"));
      await clock.advance(10);
      equal(contexts[0]?.signal.aborted, false);
      equal(await region.get("key"), "new");
    });

    it("NormalFactoryExecutionWaitsForInFlightEagerRefresh: who finds nothing any more joins it", async () => {
      const { region, clock } = regionBench(shape, { ...early, hardTtlMs: 1_000 });
      await region.set("key", "old");
      await clock.advance(900);
      const next = counter();
      const create = () => {
        const made = `new ${next()}`;
        return clock.sleep(500).then(() => made);
      };
      equal(await region.getOrCreate("key", create), "old");
      await clock.advance(200);
      const callers = [1, 2, 3].map(() => region.getOrCreate("key", create));
      await clock.advance(300);
      for (const answer of await Promise.all(callers)) ok(["old", "new 1"].includes(answer));
      equal(await region.getOrCreate("key", create), "new 1");
      equal(next(), 2);
    });

    it("CanHandleEagerRefreshWithTags: what was made early bears the tags of the call", async () => {
      const { region, clock } = regionBench(shape, early);
      const options = { tags: ["t"] };
      await region.getOrCreate("key", () => "old", options);
      await clock.advance(500);
      await region.getOrCreate("key", () => "new", options);
      await settled();
      equal(await region.get("key"), "new");
      await region.invalidate({ tags: ["t"] });
      equal(await region.get("key"), undefined);
    });
  });

  describe(`FusionCache's expiry and tags in a region of ${shape}`, () => {
    it("CanExpire: a key is made stale by giving it a soft life of 0 and a hard one", async () => {
      const { region } = regionBench(shape, { softTtlMs: 1_000 });
      await region.set("key", "old");
      equal(await region.touch("key", { softTtlMs: 0, hardTtlMs: 60_000 }), true);
      equal(await region.get("key"), undefined);
      equal(await region.get("key", { allowStale: true }), "old");
      equal(await region.getOrCreate("key", () => "new"), "new");
      equal(await region.get("key"), "new");
    });

    it("CanRemoveByTagWithChangingTags: only the tags it bears now concern a value", async () => {
      const { region } = regionBench(shape);
      await region.set("key", 1, { tags: ["a", "b"] });
      await region.set("key", 2, { tags: ["b", "c"] });
      await region.invalidate({ tags: ["a"] });
      equal(await region.get("key"), 2);
      await region.invalidate({ tags: ["c"] });
      equal(await region.get("key"), undefined);
      await region.set("key", 3);
      await region.invalidate({ tags: ["a", "b", "c"] });
      equal(await region.get("key"), 3);
    });

    it("GetOrDefaultDoesNotSet: reading stores nothing", async () => {
      const { region, store } = regionBench(shape, { marksMaxAgeMs: NEVER });
      equal(await region.get("key"), undefined);
      deepEqual(await region.getMulti(["key", "other"]), [undefined, undefined]);
      equal(await region.getEntry("key"), undefined);
      deepEqual(store.keys, []);
    });
  });
}

describe("FusionCache's levels in regions over one store", () => {
  function processes(options: { earlyShare?: number } = {}) {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    const { earlyShare } = options;
    const earlyRefresh = earlyShare === undefined ? {} : { earlyRefresh: { share: earlyShare } };
    const make = () =>
      makeRegion({ clock, backend: store, locks, near: {}, softTtlMs: 1_000, ...earlyRefresh });
    return { clock, store, locks, one: make(), two: make() };
  }

  it("MemoryExpirationAlignedWithDistributed: a near copy ends when the value does, not later", async () => {
    const { clock, one, two } = processes();
    await one.set("key", "value");
    await clock.advance(900);
    equal(await two.get("key"), "value");
    await clock.advance(99);
    equal(await two.get("key"), "value");
    await clock.advance(1);
    equal(await two.get("key"), undefined);
  });

  it("DistributedLockerWorksWithEagerRefresh: of all processes one refreshes early", async () => {
    const { clock, store, one, two } = processes({ earlyShare: 0.5 });
    await one.set("key", "old");
    await clock.advance(500);
    const next = counter();
    const create = () => {
      const made = `new ${next()}`;
      return clock.sleep(100).then(() => made);
    };
    const answers = await Promise.all(
      [one, two].map((region) => region.getOrCreate("key", create)),
    );
    deepEqual(answers, ["old", "old"]);
    await clock.advance(100);
    const [entry] = await store.get(["key"]);
    deepEqual([entry?.payload, next()], ["new 1", 2]);
  });

  it("an early refresh that finds another process was quicker takes what that one made", async () => {
    const { clock, one, two } = processes({ earlyShare: 0.5 });
    await one.set("key", "old");
    equal(await two.get("key"), "old");
    await clock.advance(500);
    equal(await one.getOrCreate("key", () => "new"), "old");
    await clock.advance(1);
    equal(await two.getOrCreate("key", () => "twice"), "old");
    await settled();
    deepEqual([await two.get("key"), two.stats().create], ["new", 0]);
  });

  it("EagerRefreshDoesNotBlock: a busy lock keeps nobody from the fresh value", async () => {
    const { clock, locks, one } = processes({ earlyShare: 0.5 });
    await one.set("key", "old");
    await locks.acquire("key", { leaseMs: 60_000, waitMs: 0, enough: () => false });
    await clock.advance(500);
    equal(await one.getOrCreate("key", () => "new"), "old");
    await settled();
    equal(one.stats().create, 0);
  });

  it("CallerCancellationWhileAcquiringDistributedLock: who leaves takes no lock and reports no error", async () => {
    const { clock, locks, one } = processes();
    const held = await locks.acquire("key", { leaseMs: 60_000, waitMs: 0, enough: () => false });
    const caller = new AbortController();
    const { signal } = caller;
    const waiting = rejects(one.getOrCreate("key", () => 1, { signal }), { message: "left" });
    await settled();
    caller.abort(new Error("left"));
    await waiting;
    await held.lease?.release();
    await clock.advance(60_000);
    const { create, createError, storeError, lockTimeout } = one.stats();
    deepEqual([create, createError, storeError, lockTimeout], [0, 0, 0, 0]);
    equal(await one.keyIsLocked("key"), false);
  });

  it("ReThrowsSerializationExceptions: of set; a value just made is answered, and the failure told", async () => {
    const clock = new ManualClock();
    const backend = serialized(json, new ModelStore<Uint8Array>(clock));
    const region = makeRegion({ clock, backend });
    const told: unknown[] = [];
    region.on("storeError", ({ error }) => told.push(error));
    const value = (): number => 1;
    await rejects(region.set("key", value), TypeError);
    equal(await region.getOrCreate("key", () => value), value);
    ok(told[0] instanceof TypeError);
    equal(await region.getEntry("key"), undefined);
    equal(await region.keyIsLocked("key"), false);
    const [made] = await region.getOrCreateMulti(["key"], () => [value]);
    equal(made, value);
  });
});
