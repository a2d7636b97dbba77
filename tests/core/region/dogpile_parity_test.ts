/** What dogpile.cache's own tests of regions assert, where no other file here proves it already. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { nullBackend } from "../../../backends/null.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`dogpile's assertions in a region of ${shape}`, () => {
    const lives = { softTtlMs: 1_000, hardTtlMs: NEVER };
    const ignored = { ignoreExpiration: true };
    const valueFrom = (next: () => number) => () => `some value ${next()}`;

    it("D-022: a second value after the first has expired; the first only where expiry is ignored", async () => {
      const { region, clock } = regionBench(shape, lives);
      const create = valueFrom(counter());
      equal(await region.getOrCreate("some key", create), "some value 1");
      await clock.advance(1_200);
      equal(await region.get("some key", ignored), "some value 1");
      equal(await region.getOrCreate("some key", create), "some value 2");
      equal(await region.get("some key"), "some value 2");
    });

    it("D-068: an idle key is not locked", async () => {
      equal(await regionBench(shape).region.keyIsLocked("some key"), false);
    });

    it("D-071 D-072: after expiry get finds nothing, unless expiry is ignored", async () => {
      const { region, clock } = regionBench(shape, lives);
      const create = valueFrom(counter());
      equal(await region.getOrCreate("some key", create), "some value 1");
      await clock.advance(2_000);
      equal(await region.get("some key"), undefined);
      equal(await region.get("some key", ignored), "some value 1");
    });

    it("D-074: after expiry getOrCreate makes the second value, and get sees it", async () => {
      const { region, clock } = regionBench(shape, lives);
      const create = valueFrom(counter());
      await region.getOrCreate("some key", create);
      await clock.advance(2_000);
      equal(await region.getOrCreate("some key", create), "some value 2");
      equal(await region.get("some key"), "some value 2");
    });

    it("D-079 D-080: a life of half a second, and expiry ignored", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 500, hardTtlMs: NEVER });
      await region.set("some key", "some value");
      equal(await region.get("some key"), "some value");
      await clock.advance(1_000);
      equal(await region.get("some key"), undefined);
      equal(await region.get("some key", ignored), "some value");
    });

    it("a reader with a limit of its own sees beyond the stored end only by asking for it", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 500, hardTtlMs: NEVER });
      await region.set("some key", "some value");
      await clock.advance(1_000);
      equal(await region.get("some key", { maxAgeMs: 5_000 }), undefined);
      equal(await region.get("some key", { allowStale: true }), "some value");
      equal(await region.get("some key", ignored), "some value");
    });

    it("D-082 D-083: a caller with a shorter limit than the region's makes the second value", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 5_000 });
      const create = valueFrom(counter());
      equal(await region.getOrCreate("some key", create, { maxAgeMs: 1_000 }), "some value 1");
      await clock.advance(2_000);
      equal(await region.get("some key"), "some value 1");
      equal(await region.getOrCreate("some key", create, { maxAgeMs: 1_000 }), "some value 2");
      equal(await region.get("some key"), "some value 2");
    });

    it("D-097: shouldCache decides on each value of a batch, in three steps", async () => {
      const { region } = regionBench(shape);
      let value = 1;
      const create = (keys: readonly string[]) => keys.map(() => value);
      const shouldCache = (made: number): boolean => made === 1 || made === 3;
      const get = () => region.getOrCreateMulti(["1", "2"], create, { shouldCache });
      const kept = () => region.getMulti(["1", "2"], ignored);
      deepEqual([await get(), await kept()], [[1, 1], [1, 1]]);
      await region.invalidate();
      value = 2;
      deepEqual([await get(), await kept()], [[2, 2], [1, 1]]);
      await region.invalidate();
      value = 3;
      deepEqual([await get(), await kept()], [[3, 3], [3, 3]]);
    });

    it("D-101 D-102 D-103 D-104: an entry tells when it was made; a limit and ignoring it decide", async () => {
      const { region, clock } = regionBench(shape);
      clock.set(100_000);
      await region.set("some key", "some value");
      clock.set(105_000);
      const entry = await region.getEntry("some key");
      deepEqual([entry?.payload, entry?.createdAt], ["some value", 100_000]);
      equal(clock.now() - (entry?.createdAt ?? 0), 5_000);
      equal(await region.getEntry("some other key"), undefined);
      equal(await region.getEntry("some key", { maxAgeMs: 4_000 }), undefined);
      const ignoring = await region.getEntry("some key", { maxAgeMs: 4_000, ...ignored });
      deepEqual([ignoring?.payload, ignoring?.createdAt], ["some value", 100_000]);
    });

    it("D-019: ten callers, five rounds each: more than two creations, never two at once", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 250 });
      let [running, most, made] = [0, 0, 0];
      const create = async (): Promise<number> => {
        most = Math.max(most, ++running);
        await clock.sleep(250);
        running--;
        return ++made;
      };
      const caller = async (): Promise<void> => {
        for (let round = 0; round < 5; round++) {
          ok(await region.getOrCreate("key", create) > 0);
          await clock.sleep(500);
        }
      };
      const callers = Promise.all(Array.from({ length: 10 }, caller));
      await clock.advance(10_000);
      await callers;
      ok(made > 2, `${made} creations`);
      equal(most, 1);
    });

    it("D-020: five callers of random keys in batches: no key is ever made twice at once", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 250 });
      const running = new Set<string>();
      let [made, turn] = [0, 7];
      const create = async (keys: readonly string[]): Promise<number[]> => {
        ok(keys.length > 0);
        for (const key of keys) {
          ok(!running.has(key), `${key} is being made already`);
          running.add(key);
        }
        await clock.sleep(500);
        for (const key of keys) running.delete(key);
        return keys.map(() => ++made);
      };
      const some = (): string[] => {
        turn = turn * 31 % 1_009;
        return Array.from({ length: 10 }, (_, i) => `key ${i}`).filter((_, i) => turn >> i & 1);
      };
      const caller = async (): Promise<void> => {
        for (let round = 0; round < 5; round++) {
          const keys = some();
          equal((await region.getOrCreateMulti(keys, create)).length, keys.length);
          await clock.sleep(300);
        }
      };
      const callers = Promise.all([
        region.getOrCreateMulti(some(), create),
        ...[1, 2, 3, 4, 5].map(caller),
      ]);
      await clock.advance(30_000);
      await callers;
      ok(made > 10, `${made} keys made`);
    });

    it("D-110: a stale value at once, made anew once in the background, and then the new one", async () => {
      const works: Promise<unknown>[] = [];
      const { region, clock } = regionBench(shape, {
        softTtlMs: 200,
        hardTtlMs: NEVER,
        creation: { softTimeoutMs: 0 },
        background: (work) => void works.push(work),
      });
      const create = valueFrom(counter());
      equal(await region.getOrCreate("some key", create), "some value 1");
      await clock.advance(500);
      equal(await region.getOrCreate("some key", create), "some value 1");
      equal(works.length, 1);
      await Promise.all(works);
      equal(await region.getOrCreate("some key", create), "some value 2");
      deepEqual(await region.getOrCreateMulti(["some key", "x"], (keys) => keys), [
        "some value 2",
        "x",
      ]);
    });

    it("D-172: a value read, expired, its lock free: the creator is asked once, and answers", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      await region.set("key", "read");
      await clock.advance(100);
      const next = counter();
      equal(await region.getOrCreate("key", valueFrom(next)), "some value 1");
      equal(next(), 2);
    });
  });
}

describe("dogpile's assertions on configuration", () => {
  it("D-025: options given are left as they were", () => {
    const near = Object.freeze({ maxEntries: 10 });
    const options = { near, softTtlMs: 5, name: "r", unknown: 1 };
    const before = JSON.stringify(options);
    makeRegion(options);
    equal(JSON.stringify(options), before);
  });

  it("D-056 D-057: a mangler given is the region's; without one it has none", () => {
    const keyMangler = (key: string): string => key;
    equal(makeRegion({ keyMangler }).keyMangler, keyMangler);
    equal(makeRegion().keyMangler, undefined);
  });

  it("D-059: with a mangler the store holds only mangled keys, and every verb goes through it", async () => {
    const { region, store } = regionBench("backend", { keyMangler: (key) => `HI!${key}` });
    await region.set("some key", "some value");
    equal(store.keys.includes("HI!some key"), true);
    ok(store.keys.every((key) => key.startsWith("HI!")));
    equal(await region.get("some key"), "some value");
    equal(await region.getOrCreate("some key", () => "other"), "some value");
    await region.delete("some key");
    equal(store.keys.includes("HI!some key"), false);
    equal(await region.get("some key"), undefined);
  });

  it("D-054: a life is in milliseconds and may be any fraction of a day", async () => {
    const { region, clock } = regionBench("near", { softTtlMs: (24 + 8) * 3_600_000 });
    await region.set("key", 1);
    equal((await region.getEntry("key"))?.softExpiresAt, clock.now() + 115_200_000);
  });
});

describe("a region over the store that keeps nothing", () => {
  function nullRegion() {
    return makeRegion({ backend: nullBackend<Entry>() });
  }

  it("D-041 D-042 D-043: get finds nothing, after set and delete, too", async () => {
    const region = nullRegion();
    equal(await region.get("some key"), undefined);
    await region.set("some key", "some value");
    equal(await region.get("some key"), undefined);
    await region.delete("some key");
    equal(await region.get("some key"), undefined);
  });

  it("D-044 D-045 D-046: so do the multi forms", async () => {
    const region = nullRegion();
    const keys = ["a", "b", "c"];
    const none = [undefined, undefined, undefined];
    deepEqual(await region.getMulti(keys), none);
    await region.setMulti(keys.map((key) => [key, 1] as const));
    deepEqual(await region.getMulti(keys), none);
    await region.deleteMulti(keys);
    deepEqual(await region.getMulti(keys), none);
  });

  it("D-047: a cached function is called every time", async () => {
    const fn = nullRegion().cacheOnArguments()(counter());
    deepEqual([await fn(), await fn(), await fn()], [1, 2, 3]);
  });
});
