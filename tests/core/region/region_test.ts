import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import {
  RegionAlreadyConfiguredError,
  RegionNotConfiguredError,
} from "../../../src/contracts/errors.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`a region of ${shape}`, () => {
    it("D-065 D-007: set then get returns the value", async () => {
      const { region } = regionBench(shape);
      await region.set("some key", "some value");
      equal(await region.get("some key"), "some value");
    });

    it("D-067 D-018: getOrCreate of a missing key answers the creator's value", async () => {
      const { region } = regionBench(shape);
      equal(await region.getOrCreate("key", () => "made"), "made");
      equal(await region.get("key"), "made");
    });

    it("creates once while the value is fresh, anew when it is stale", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000 });
      const make = counter();
      equal(await region.getOrCreate("key", make), 1);
      await clock.advance(999);
      equal(await region.getOrCreate("key", make), 1);
      await clock.advance(1);
      equal(await region.getOrCreate("key", make), 2);
      equal(await region.get("key"), 2);
    });

    it("keeps any value, undefined and null too, and tells them from a miss", async () => {
      const { region } = regionBench(shape);
      const make = counter();
      for (const value of [undefined, null, 0, "", false, Number.NaN]) {
        const key = String(value);
        await region.set(key, value);
        deepEqual(await region.get(key), value);
        ok(await region.getEntry(key) !== undefined);
        deepEqual(await region.getOrCreate<unknown>(key, make), value);
      }
      equal(await region.getEntry("missing"), undefined);
      equal(make(), 1);
    });

    it("D-070 D-021: deleting twice is safe, and then there is nothing", async () => {
      const { region } = regionBench(shape);
      await region.set("key", 1);
      await region.delete("key");
      await region.delete("key");
      equal(await region.get("key"), undefined);
    });

    it("1,000 callers of a missing key are one creation", async () => {
      const { region } = regionBench(shape);
      const make = counter();
      const gate = Promise.withResolvers<void>();
      const slow = async (): Promise<number> => {
        await gate.promise;
        return make();
      };
      const callers = Array.from({ length: 1_000 }, () => region.getOrCreate("key", slow));
      await settled();
      gate.resolve();
      deepEqual(new Set(await Promise.all(callers)), new Set([1]));
      equal(make(), 2);
    });

    it("DX-04: a failing creation is shared by those who wait for it, as the same error", async () => {
      const { region } = regionBench(shape);
      const make = counter();
      const failure = new Error("no");
      const gate = Promise.withResolvers<void>();
      const fail = async (): Promise<number> => {
        make();
        await gate.promise;
        throw failure;
      };
      const callers = Array.from({ length: 100 }, () => region.getOrCreate("key", fail));
      await settled();
      gate.resolve();
      for (const outcome of await Promise.allSettled(callers)) {
        equal(outcome.status === "rejected" && outcome.reason, failure);
      }
      equal(make(), 2);
      equal(await region.getOrCreate("key", () => "well"), "well");
    });

    it("answers the stale value to all but the one who recreates", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000 });
      await region.getOrCreate("key", () => "old");
      await clock.advance(1_000);
      const gate = Promise.withResolvers<string>();
      const leader = region.getOrCreate("key", () => gate.promise);
      await settled();
      equal(await region.getOrCreate("key", () => "never"), "old");
      gate.resolve("new");
      equal(await leader, "new");
      equal(await region.getOrCreate("key", () => "never"), "new");
    });

    it("overrides the lives for one call, also by functions of the value", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 10, hardTtlMs: 20 });
      await region.getOrCreate("long", () => 5, {
        softTtlMs: (value) => value * 100,
        hardTtlMs: NEVER,
      });
      const entry = await region.getEntry("long");
      equal(entry?.softExpiresAt, clock.now() + 500);
      equal(entry?.hardExpiresAt, NEVER);
      await region.set("short", 1, { hardTtlMs: 5 });
      await clock.advance(5);
      equal(await region.get("short", { ignoreExpiration: true }), undefined);
    });

    it("answers the stale value where its recreation fails, if the policy says so", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000, hardTtlMs: 60_000 });
      const make = counter();
      const fail = (): number => {
        make();
        throw new Error("down");
      };
      await region.set("key", "old");
      await clock.advance(1_000);
      const options = { staleOnError: { throttleMs: 500 } };
      equal(await region.getOrCreate<unknown>("key", fail, options), "old");
      equal(await region.getOrCreate<unknown>("key", fail, options), "old");
      equal(make(), 2);
      await clock.advance(500);
      equal(await region.getOrCreate<unknown>("key", fail, options), "old");
      equal(make(), 4);
      await clock.advance(58_500);
      await rejects(region.getOrCreate<unknown>("key", fail, options), { message: "down" });
    });

    it("DX-10: a delete during a creation wins over its value", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const creating = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.delete("key");
      const second = region.getOrCreate("key", () => "new");
      await settled();
      gate.resolve("obsolete");
      equal(await creating, "obsolete");
      equal(await second, "new");
      equal(await region.get("key"), "new");
    });

    for (const hard of [true, false]) {
      it(`DX-10: a ${hard ? "hard" : "soft"} invalidation during a creation wins over its value`, async () => {
        const { region } = regionBench(shape);
        const gate = Promise.withResolvers<string>();
        const creating = region.getOrCreate("key", () => gate.promise);
        await settled();
        await region.invalidate({ hard });
        gate.resolve("obsolete");
        equal(await creating, "obsolete");
        equal(await region.get("key"), undefined);
        equal(await region.get("key", { allowStale: true }), hard ? undefined : "obsolete");
        equal(await region.getOrCreate("key", () => "new"), "new");
      });
    }

    it("a set during a creation wins over its value", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const creating = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.set("key", "set");
      gate.resolve("obsolete");
      equal(await creating, "obsolete");
      equal(await region.get("key"), "set");
    });

    it("mangles every key once, before shelf and store", async () => {
      const { region, store } = regionBench(shape, { keyMangler: (key) => `HI!${key}` });
      await region.set("key", 1);
      equal(await region.get("key"), 1);
      equal(await region.getOrCreate("key", () => 2), 1);
      ok(store.keys.every((key) => key.startsWith("HI!")), store.keys.join());
      equal(store.keys.includes("HI!key"), shape !== "near");
      await region.delete("key");
      equal(await region.get("key"), undefined);
    });

    it("refuses a key that is no text", async () => {
      const { region } = regionBench(shape);
      await rejects(region.set(5 as unknown as string, 1), TypeError);
      await rejects(region.getOrCreate(5 as unknown as string, () => 1), TypeError);
    });
  });
}

describe("configuring a region", () => {
  it("D-051: its name is visible", () => {
    equal(makeRegion({ name: "my-name" }).name, "my-name");
    equal(makeRegion().name, "region");
  });

  it("D-060: configuring twice is refused, and it stays configured", () => {
    const { region, store } = regionBench("backend");
    throws(() => region.configure({ backend: store }), RegionAlreadyConfiguredError);
    throws(() => region.configure({}), /this region is already configured/);
    equal(region.isConfigured, true);
  });

  it("D-063: without a backend, reading it is refused", () => {
    const region = makeRegion();
    throws(() => region.backend, RegionNotConfiguredError);
    throws(() => region.backend, /no backend is configured on this region/);
    equal(region.isConfigured, false);
  });

  it("is a near shelf until it is configured", async () => {
    const { clock, store } = regionBench("backend");
    const region = makeRegion({ clock });
    await region.set("key", "early");
    equal(await region.get("key"), "early");
    equal(region.configure({ backend: store }), region);
    equal(await region.get("key"), undefined);
    equal(region.backend, store);
    equal(region.isConfigured, true);
  });

  it("without shelf and backend, every verb is refused by name", async () => {
    const region = makeRegion({ near: false });
    await rejects(region.get("key"), RegionNotConfiguredError);
    await rejects(region.set("key", 1), RegionNotConfiguredError);
    await rejects(region.delete("key"), RegionNotConfiguredError);
    await rejects(region.getOrCreate("key", () => 1), RegionNotConfiguredError);
  });

  it("DX-28: settings that are refused change nothing", async () => {
    const clock = new ManualClock();
    const region = makeRegion({ clock });
    const wrong = { backend: new ModelStore<Entry>(clock), softTtlMs: -1 };
    throws(() => region.configure(wrong), RangeError);
    equal(region.isConfigured, false);
    throws(() => region.backend, RegionNotConfiguredError);
    await region.set("key", 1);
    equal(await region.get("key"), 1);
  });
});
