import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../../src/contracts/entry.ts";
import { LockTimeoutError } from "../../../src/contracts/errors.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion, type Region } from "../../../src/region/region.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench, SHAPES } from "../../testing/region_bench.ts";

/** What keeps out the value of a refresh that it comes in the midst of. */
const WRITES: Readonly<Record<string, (region: Region) => Promise<unknown>>> = {
  "a deletion": (region) => region.delete("key"),
  "an invalidation": (region) => region.invalidate(),
  "an invalidation of its tag": (region) => region.invalidate({ tags: ["tag"] }),
  "a set": (region) => region.set("key", "set"),
};

const options = { tags: ["tag"] };

for (const shape of SHAPES) {
  describe(`refresh in a region of ${shape}`, () => {
    it("makes a value anew that is fresh, and keeps it also against shouldCache", async () => {
      const { region } = regionBench(shape);
      equal(await region.refresh("key", () => 1), 1);
      equal(await region.refresh("key", () => 2), 2);
      equal(await region.getOrCreate("key", () => 3), 2);
      const fn = region.cacheOnArguments({ shouldCache: (value) => value !== null })(
        function find(_: number): number | null {
          return null;
        },
      );
      equal(await fn.refresh(1), null);
      equal((await region.getEntry(fn.key(1)))?.payload, null);
    });

    for (const [name, write] of Object.entries(WRITES)) {
      it(`DX-10: ${name} while it runs keeps out what it makes`, async () => {
        const { region } = regionBench(shape);
        await region.set("key", "old", options);
        const gate = Promise.withResolvers<string>();
        const begun = Promise.withResolvers<void>();
        const refreshing = region.refresh("key", () => {
          begun.resolve();
          return gate.promise;
        }, options);
        await begun.promise;
        await write(region);
        gate.resolve("made of what was before");
        equal(await refreshing, "made of what was before");
        equal(await region.get("key"), name === "a set" ? "set" : undefined);
      });
    }

    it("DX-10: of many keys those deleted while it runs are kept out, by one call for all", async () => {
      const { region } = regionBench(shape);
      await region.setMulti([["a", "old"], ["b", "old"], ["c", "old"]]);
      const gate = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const asked: (readonly string[])[] = [];
      const refreshing = region.refreshMulti(["c", "a", "b", "a"], async (keys) => {
        asked.push(keys);
        begun.resolve();
        await gate.promise;
        return new Map(keys.filter((key) => key !== "c").map((key) => [key, `new ${key}`]));
      });
      await begun.promise;
      await region.delete("b");
      gate.resolve();
      deepEqual(await refreshing, [undefined, "new a", "new b", "new a"]);
      deepEqual(asked, [["a", "b", "c"]]);
      deepEqual(await region.getMulti(["a", "b", "c"]), ["new a", undefined, "old"]);
    });

    it("who asks while it runs has the old value, or waits for the new one", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const first = region.refresh("key", () => gate.promise);
      const joined = region.getOrCreate("key", () => "never");
      gate.resolve("first");
      deepEqual([await first, await joined], ["first", "first"]);
      const again = Promise.withResolvers<string>();
      const second = region.refresh("key", () => again.promise);
      equal(await region.getOrCreate("key", () => "never"), "first");
      again.resolve("second");
      equal(await second, "second");
      equal(await region.get("key"), "second");
    });

    it("wins over a creation that began before it", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      const creating = region.getOrCreate("key", () => {
        begun.resolve();
        return gate.promise;
      });
      await begun.promise;
      const refreshing = region.refresh("key", () => "newer");
      gate.resolve("older");
      deepEqual([await creating, await refreshing], ["older", "newer"]);
      equal(await region.get("key"), "newer");
    });

    it("an error comes out, also where a stale value may stand in, and leaves the old one", async () => {
      const { region } = regionBench(shape, { staleOnError: { throttleMs: 1_000 } });
      await region.set("key", "old");
      const failure = new RangeError("of the creator");
      await rejects(region.refresh("key", () => Promise.reject(failure)), (e) => e === failure);
      equal(await region.get("key"), "old");
      equal(await region.keyIsLocked("key"), false);
    });
  });
}

describe("refresh in two processes", () => {
  interface Processes {
    readonly clock: ManualClock;
    readonly one: Region;
    readonly two: Region;
  }

  function processes(onTimeout: "run" | "throw" = "run"): Processes {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    const make = (): Region => makeRegion({ clock, backend: store, locks, lock: { onTimeout } });
    return { clock, one: make(), two: make() };
  }

  it("DX-10: a deletion in the other keeps out what it makes", async () => {
    const { clock, one, two } = processes();
    await one.set("key", "old");
    const refreshing = one.refresh("key", () => clock.sleep(100).then(() => "made"));
    await clock.advance(50);
    await two.delete("key");
    await clock.advance(50);
    equal(await refreshing, "made");
    equal(await two.get("key"), undefined);
  });

  it("begins anew where a deletion ended its lease long before it is done", async () => {
    const { clock, one, two } = processes();
    let made = 0;
    const refreshing = one.refresh("key", () => {
      const number = ++made;
      return clock.sleep(9_000).then(() => number);
    });
    await clock.advance(50);
    await two.delete("key");
    await clock.advance(20_000);
    equal(await refreshing, 2);
    equal(await two.get("key"), 2);
  });

  it("waits for a creation in the other, and then makes its own", async () => {
    const { clock, one, two } = processes();
    const creating = two.getOrCreate("key", () => clock.sleep(100).then(() => "created"));
    await clock.advance(50);
    const refreshing = one.refresh("key", () => "refreshed");
    await clock.advance(1_000);
    deepEqual([await creating, await refreshing], ["created", "refreshed"]);
    equal(await two.get("key"), "refreshed");
  });

  it("of many keys makes one apart that the other is making, and keeps nobody waiting for it", async () => {
    const { clock, one, two } = processes();
    const creating = two.getOrCreate("b", () => clock.sleep(1_000).then(() => "created"));
    await clock.advance(50);
    const asked: (readonly string[])[] = [];
    const refreshing = one.refreshMulti(["a", "b", "c"], (keys) => {
      asked.push(keys);
      return keys.map((key) => `new ${key}`);
    });
    await clock.advance(50);
    deepEqual(await two.getMulti(["a", "b", "c"]), ["new a", undefined, "new c"]);
    await clock.advance(2_000);
    deepEqual([await creating, await refreshing], ["created", ["new a", "new b", "new c"]]);
    deepEqual(asked, [["a", "c"], ["b"]]);
    equal(await two.get("b"), "new b");
  });

  it("where the other does not come to an end, makes it and does not keep it, or rejects", async () => {
    for (const onTimeout of ["run", "throw"] as const) {
      const { clock, one, two } = processes(onTimeout);
      const creating = two.getOrCreate("key", () => clock.sleep(60_000).then(() => "created"));
      await clock.advance(50);
      const refreshing = one.refresh("key", () => "refreshed").catch((error) => error);
      await clock.advance(60_000);
      const answer = await refreshing;
      if (onTimeout === "run") equal(answer, "refreshed");
      else equal(answer instanceof LockTimeoutError, true);
      equal(await creating, "created");
      equal(await one.get("key"), "created");
    }
  });
});
