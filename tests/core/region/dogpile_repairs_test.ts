/** What dogpile.cache lacks or does wrong around errors, lives and waiting, and regions do right. */

import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import { makeRegion, type RegionOptions } from "../../../src/region/region.ts";
import { settled } from "../../testing/manual_clock.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`what dogpile lacks, in a region of ${shape}`, () => {
    for (const place of ["region", "call"] as const) {
      const split = (policy: RegionOptions) =>
        place === "region" ? { ofRegion: policy, ofCall: {} } : { ofRegion: {}, ofCall: policy };
      const fail = (next: () => number) => (): string => {
        throw new Error(`failure ${next()}`);
      };

      it(`DX-05: a stale value in place of an error, for a while, by the ${place}`, async () => {
        const { ofRegion, ofCall } = split({ staleOnError: { throttleMs: 200 } });
        const { region, clock } = regionBench(shape, { softTtlMs: 100, ...ofRegion });
        const next = counter();
        await region.set("key", "old");
        await clock.advance(100);
        equal(await region.getOrCreate("key", fail(next), ofCall), "old");
        await clock.advance(199);
        equal(await region.getOrCreate("key", fail(next), ofCall), "old");
        equal(next(), 2);
      });

      it(`DX-05: an error is not provoked again too soon, by the ${place}`, async () => {
        const { ofRegion, ofCall } = split({ negative: { errorTtlMs: 100 } });
        const { region, clock } = regionBench(shape, ofRegion);
        const get = fail(counter());
        await rejects(region.getOrCreate("key", get, ofCall), { message: "failure 1" });
        await clock.advance(99);
        await rejects(region.getOrCreate("key", get, ofCall), { message: "failure 1" });
        await clock.advance(1);
        await rejects(region.getOrCreate("key", get, ofCall), { message: "failure 2" });
      });

      it(`DX-05: a value is made anew before it ends, by the ${place}`, async () => {
        const { ofRegion, ofCall } = split({ earlyRefresh: { share: 0.5 } });
        const { region, clock } = regionBench(shape, { softTtlMs: 100, ...ofRegion });
        const next = counter();
        equal(await region.getOrCreate("key", next, ofCall), 1);
        await clock.advance(50);
        equal(await region.getOrCreate("key", next, ofCall), 1);
        await settled();
        equal(await region.get("key"), 2);
      });

      it(`DX-05: lives are shortened by chance, by the ${place}`, async () => {
        const { ofRegion, ofCall } = split({ jitter: 0.4 });
        let chance = 0;
        const random = (): number => chance;
        const { region, clock } = regionBench(shape, { softTtlMs: 1_000, random, ...ofRegion });
        for (const [drawn, lifeMs] of [[0, 1_000], [0.5, 800], [0.75, 700]] as const) {
          chance = drawn;
          await region.set("key", 1, ofCall);
          equal((await region.getEntry("key"))?.softExpiresAt, clock.now() + lifeMs);
        }
      });
    }

    it("DX-15: below 0 is refused by every verb, naming NEVER", async () => {
      const { region } = regionBench(shape);
      const refused = /Ms -1: it is negative; for ever is spelled NEVER/;
      for (const softTtlMs of [-1, () => -1]) {
        await rejects(region.set("key", 1, { softTtlMs }), refused);
        await rejects(region.setMulti([["key", 1]], { softTtlMs }), refused);
        await rejects(region.getOrCreate("key", () => 1, { softTtlMs }), refused);
        await rejects(region.getOrCreateMulti(["key"], () => [1], { softTtlMs }), refused);
        await rejects(region.cacheOnArguments({ softTtlMs })(function f() {})(), refused);
      }
      await region.set("key", 1);
      await rejects(region.touch("key", { hardTtlMs: -1 }), refused);
      const options = { maxAgeMs: -1 };
      await rejects(region.get("key", options), refused);
      await rejects(region.getEntry("key", options), refused);
      await rejects(region.getMulti(["key"], options), refused);
      await rejects(region.getOrCreate("key", () => 1, options), refused);
      await rejects(region.get("key", { maxAgeMs: Number.NaN }), RangeError);
      await rejects(region.get("key", { maxAgeMs: "5" as unknown as number }), TypeError);
      throws(() => makeRegion({ softTtlMs: -1 }), refused);
      equal(await region.get("key"), 1);
    });

    it("DX-15: NEVER is for ever and 0 is over, for every verb alike", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      const next = counter();
      for (const key of ["set", "made"]) {
        if (key === "set") await region.set(key, 0, { softTtlMs: NEVER });
        else await region.getOrCreate(key, () => 0, { softTtlMs: NEVER });
      }
      await clock.advance(2 ** 45);
      deepEqual(await region.getMulti(["set", "made"]), [0, 0]);
      equal(await region.get("set", { maxAgeMs: NEVER }), 0);
      equal(await region.getOrCreate("made", next, { maxAgeMs: NEVER }), 0);
      equal(await region.get("set", { maxAgeMs: 0 }), undefined);
      equal(await region.getOrCreate("made", next, { maxAgeMs: 0 }), 1);
      await region.set("set", 5, { softTtlMs: 0 });
      equal(await region.get("set"), undefined);
      equal(await region.getOrCreate("set", next, { softTtlMs: 0 }), 2);
      equal(await region.get("set"), undefined);
    });

    it("DX-27: creations of different keys do not wait for each other", async () => {
      const { region, clock } = regionBench(shape);
      const create = () => clock.sleep(200).then(() => "made");
      const startedAt = clock.now();
      let endedAt = 0;
      const all = Promise.all(["a", "b", "c", "d"].map((key) => region.getOrCreate(key, create)))
        .then(() => endedAt = clock.now());
      await clock.advance(1_000);
      await all;
      equal(endedAt - startedAt, 200);
    });

    it("DX-31: stale values of a batch at once, all made anew in one call behind it", async () => {
      const works: Promise<unknown>[] = [];
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 0 },
        background: (work) => void works.push(work),
      });
      await region.setMulti([["a", "old"], ["b", "old"]]);
      await clock.advance(100);
      const asked: (readonly string[])[] = [];
      const create = async (keys: readonly string[]): Promise<string[]> => {
        asked.push(keys);
        await clock.sleep(50);
        return keys.map(() => "new");
      };
      deepEqual(await region.getOrCreateMulti(["b", "a"], create), ["old", "old"]);
      deepEqual(await region.getOrCreateMulti(["b", "a"], create), ["old", "old"]);
      equal(await region.keyIsLocked("a"), true);
      await clock.advance(50);
      await Promise.all(works);
      deepEqual(asked, [["a", "b"]]);
      deepEqual(await region.getMulti(["a", "b"]), ["new", "new"]);
      equal(await region.keyIsLocked("a"), false);
    });

    it("DX-31: behind the caller shouldCache is asked, errors are told, locks given back", async () => {
      const works: Promise<unknown>[] = [];
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 0 },
        background: (work) => void works.push(work),
      });
      await region.set("key", "old");
      await clock.advance(100);
      const shouldCache = (): boolean => false;
      equal(await region.getOrCreate("key", () => "refused", { shouldCache }), "old");
      await Promise.all(works);
      equal(await region.get("key", { allowStale: true }), "old");
      equal(await region.keyIsLocked("key"), false);
      const errors: unknown[] = [];
      region.on("createError", ({ error }) => errors.push((error as Error).message));
      const fail = (): Promise<string> => Promise.reject(new Error("down"));
      equal(await region.getOrCreate("key", fail), "old");
      await Promise.all(works);
      deepEqual(errors, ["down"]);
      equal(await region.keyIsLocked("key"), false);
      equal(await region.getOrCreate("key", () => "new"), "old");
      await Promise.all(works);
      equal(await region.get("key"), "new");
    });

    it("DX-28: keyMangler false is refused, for it would not disable anything", () => {
      const keyMangler = false as unknown as () => string;
      throws(() => regionBench(shape, { keyMangler }), /keyMangler is no function/);
    });
  });
}
