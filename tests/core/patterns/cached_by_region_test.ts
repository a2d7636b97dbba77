/** What wheezy's `Cached` does, done by a region: one way to create values, proven by its items. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { makeRegion } from "../../../src/region/region.ts";
import { settled } from "../../testing/manual_clock.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

const TEN_SECONDS = { hardTtlMs: 10_000 };

function never(): never {
  throw new Error("The creator was called");
}

for (const shape of SHAPES) {
  describe(`wheezy's Cached by a region of ${shape}`, () => {
    it("W-095 W-106: a hit answers the value, and no creator is called, directly or decorated", async () => {
      const { region } = regionBench(shape, TEN_SECONDS);
      await region.set("key", "value");
      equal(await region.getOrCreate("key", never), "value");
      const decorated = region.cacheOnArguments()(function one(_id: number): string {
        return never();
      });
      await decorated.set("value", 1);
      equal(await decorated(1), "value");
      const functionKeyGenerator = () => (...args: readonly unknown[]) => `key${String(args[0])}`;
      const byOwnKey = region.cacheOnArguments({ functionKeyGenerator })(
        function two(_id: number): string {
          return never();
        },
      );
      await region.set("key2", "value");
      equal(await byOwnKey(2), "value");
    });

    it("W-096: a creator that answers nothing stores nothing", async () => {
      const { region } = regionBench(shape);
      const shouldCache = (value: unknown) => value !== null;
      equal(await region.getOrCreate("key", () => null, { shouldCache }), null);
      equal(await region.getEntry("key"), undefined);
    });

    it("what is created is stored for as long as the policy says", async () => {
      const { region, clock } = regionBench(shape, TEN_SECONDS);
      equal(await region.getOrCreate("key", () => "x"), "x");
      await clock.advance(9_999);
      equal(await region.get("key"), "x");
      await clock.advance(1);
      equal(await region.get("key"), undefined);
    });

    it("W-105 WX-15: who waits gets what the owner made, and creates nothing", async () => {
      const { region } = regionBench(shape, TEN_SECONDS);
      const gate = Promise.withResolvers<string>();
      const owner = region.getOrCreate("key", () => gate.promise);
      await settled();
      const waiter = region.getOrCreate("key", never);
      await settled();
      gate.resolve("made");
      deepEqual(await Promise.all([owner, waiter]), ["made", "made"]);
      equal(await region.getOrCreate("key", never), "made");
    });

    it("W-108: all present: answers by argument, and no creator is called", async () => {
      const { region } = regionBench(shape);
      const many = region.cacheMultiOnArguments<string>()(
        function letters(..._ids: number[]): string[] {
          return never();
        },
      );
      await many.set([[1, "a"], [2, "b"]]);
      deepEqual(await many(1, 2), ["a", "b"]);
    });

    it("W-109: all missing: one creation of both, both stored, answers by argument", async () => {
      const { region } = regionBench(shape);
      const asked: number[][] = [];
      const many = region.cacheMultiOnArguments<string>()(function letters(...ids: number[]) {
        asked.push(ids);
        return ids.map((id) => `letter ${id}`);
      });
      deepEqual(await many(1, 2), ["letter 1", "letter 2"]);
      deepEqual(await many(1, 2), ["letter 1", "letter 2"]);
      deepEqual(asked, [[1, 2]]);
    });

    it("W-110: one missing: it alone is created and stored for its time, and joins the other", async () => {
      const { region, clock } = regionBench(shape, TEN_SECONDS);
      const asked: number[][] = [];
      const many = region.cacheMultiOnArguments<string>()(function letters(...ids: number[]) {
        asked.push(ids);
        return ids.map((id) => `letter ${id}`);
      });
      await many.set([[2, "b"]]);
      deepEqual(await many(1, 2), ["letter 1", "b"]);
      deepEqual(asked, [[1]]);
      await clock.advance(9_999);
      deepEqual(await many.get(1), ["letter 1"]);
      await clock.advance(1);
      deepEqual(await many.get(1), [undefined]);
    });

    it("W-111: one missing and not to be made: only the one that is there", async () => {
      const { region } = regionBench(shape);
      const many = region.cacheMultiOnArguments<string>()(function none(..._ids: number[]) {
        return new Map<number, string>();
      });
      await many.set([[2, "b"]]);
      deepEqual(await many(1, 2), [undefined, "b"]);
      deepEqual(await many.get(1), [undefined]);
    });

    it("WX-17: stale values are served during a refresh, early refreshes happen, errors are kept", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 1_000,
        hardTtlMs: 100_000,
        earlyRefresh: { share: 0.5 },
        creation: { softTimeoutMs: 0 },
      });
      const make = counter();
      equal(await region.getOrCreate("key", make), 1);
      await clock.advance(600);
      equal(await region.getOrCreate("key", make), 1);
      await settled();
      equal(await region.getOrCreate("key", make), 2);
      await clock.advance(1_000);
      equal(await region.getOrCreate("key", make), 2);
      await settled();
      equal(await region.getOrCreate("key", make), 3);
      const failing = counter();
      const fail = (): Promise<number> => Promise.reject(new Error(`failure ${failing()}`));
      const keep = { negative: { errorTtlMs: 5_000 } };
      await rejects(() => region.getOrCreate("bad", fail, keep), /failure 1/);
      await rejects(() => region.getOrCreate("bad", fail, keep), /failure 1/);
      await clock.advance(5_000);
      await rejects(() => region.getOrCreate("bad", fail, keep), /failure 2/);
    });
  });
}

describe("wheezy's one_pass_create by two regions over one store", () => {
  it("WX-16: waiters are woken at once, and build or go on with what is stale when the wait is over", async () => {
    const { region, store, clock } = regionBench("backend", { softTtlMs: 1_000 });
    const lock = { waitMs: 500, leaseMs: 60_000 };
    const other = makeRegion({ clock, backend: store, softTtlMs: 1_000, lock });
    const gate = Promise.withResolvers<string>();
    const owner = region.getOrCreate("key", () => gate.promise, { lock: { leaseMs: 60_000 } });
    await settled();
    const woken = other.getOrCreate("key", never);
    await settled();
    gate.resolve("made");
    deepEqual(await Promise.all([owner, woken]), ["made", "made"]);

    const slow = Promise.withResolvers<string>();
    const held = region.getOrCreate("slow", () => slow.promise, { lock: { leaseMs: 60_000 } });
    await settled();
    const built = other.getOrCreate("slow", () => "built meanwhile");
    await clock.advance(500);
    equal(await built, "built meanwhile");
    slow.resolve("late");
    equal(await held, "late");

    await clock.advance(500);
    const recreated = Promise.withResolvers<string>();
    const recreation = region.getOrCreate("key", () => recreated.promise, {
      lock: { leaseMs: 60_000 },
    });
    await settled();
    equal(await other.getOrCreate("key", never), "made");
    recreated.resolve("made anew");
    equal(await recreation, "made anew");
  });
});
