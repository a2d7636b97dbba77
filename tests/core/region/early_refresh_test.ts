import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { CreationContext } from "../../../src/region/creation.ts";
import { settled } from "../../testing/manual_clock.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`early refresh in a region of ${shape}`, () => {
    it("begins in the background when its share of the life has passed, once", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 1_000,
        earlyRefresh: { share: 0.8 },
      });
      const next = counter();
      const gate = Promise.withResolvers<void>();
      const create = async (): Promise<number> => {
        const n = next();
        if (n > 1) await gate.promise;
        return n;
      };
      equal(await region.getOrCreate("key", create), 1);
      await clock.advance(799);
      equal(await region.getOrCreate("key", create), 1);
      equal(region.stats().earlyRefresh, 0);
      await clock.advance(1);
      for (let i = 0; i < 10; i++) equal(await region.getOrCreate("key", create), 1);
      equal(region.stats().earlyRefresh, 1);
      gate.resolve();
      await settled();
      equal(await region.getOrCreate("key", create), 2);
      equal(next(), 3);
    });

    it("by XFetch comes as chance has it, and sooner for slow creations", async () => {
      let chance = 0;
      const { region, clock } = regionBench(shape, {
        softTtlMs: 1_000,
        earlyRefresh: { beta: 1 },
        random: () => chance,
      });
      const next = counter();
      const create = () => clock.sleep(100).then(next);
      const first = region.getOrCreate("key", create);
      await clock.advance(100);
      equal(await first, 1);
      await clock.advance(800);
      equal(await region.getOrCreate("key", create), 1);
      await settled();
      equal(region.stats().earlyRefresh, 0);
      chance = 1 - Math.exp(-1.9);
      equal(await region.getOrCreate("key", create), 1);
      equal(region.stats().earlyRefresh, 0);
      chance = 1 - Math.exp(-2.1);
      equal(await region.getOrCreate("key", create), 1);
      equal(region.stats().earlyRefresh, 1);
      await clock.advance(100);
      equal(await region.get("key"), 2);
    });

    it("that fails is told, disturbs nobody, and is not tried again at once", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 10_000,
        earlyRefresh: { share: 0.5 },
      });
      await region.set("key", "old");
      await clock.advance(5_000);
      const fail = (): Promise<string> => Promise.reject(new Error("no"));
      for (let i = 0; i < 3; i++) {
        equal(await region.getOrCreate("key", fail), "old");
        await settled();
      }
      equal(region.stats().createError, 1);
      await clock.advance(1_000);
      equal(await region.getOrCreate("key", fail), "old");
      await settled();
      equal(region.stats().createError, 2);
      equal((await region.getEntry("key"))?.hardExpiresAt !== NEVER, true);
    });

    it("that fails leaves the value its life, also where errors are answered stale", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 1_000,
        earlyRefresh: { share: 0.5 },
        staleOnError: { throttleMs: 10 },
      });
      await region.set("key", 1);
      const ends = (await region.getEntry("key"))?.softExpiresAt;
      await clock.advance(500);
      equal(await region.getOrCreate("key", () => Promise.reject(new Error("down"))), 1);
      await settled();
      equal(region.stats().createError, 1);
      equal((await region.getEntry("key"))?.softExpiresAt, ends);
    });

    it("goes on when all who wait for it have left: it was begun for those yet to come", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 1_000,
        earlyRefresh: { share: 0.5 },
      });
      await region.set("key", "old");
      await clock.advance(500);
      const contexts: CreationContext[] = [];
      const create = (context: CreationContext): Promise<string> => {
        contexts.push(context);
        return clock.sleep(10).then(() => "new");
      };
      equal(await region.getOrCreate("key", create), "old");
      const caller = new AbortController();
      const lock = { staleWaitMs: 1_000 };
      const options = { signal: caller.signal, maxAgeMs: 100, lock };
      const waiting = region.getOrCreate("key", create, options);
      await settled();
      caller.abort(new Error("left"));
      await rejects(waiting, { message: "left" });
      await clock.advance(10);
      deepEqual(contexts.map(({ signal }) => signal.aborted), [false]);
      equal(await region.get("key"), "new");
    });

    it("asked for by one call is begun by it, whatever rule the copy was shelved under", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      const early = { earlyRefresh: { share: 0.5 } };
      await region.set("key", 1);
      equal(await region.getOrCreate("key", () => 2), 1);
      await clock.advance(60);
      equal(await region.get("key"), 1);
      equal(await region.getOrCreate("key", () => 2, early), 1);
      await settled();
      equal(await region.getOrCreate("key", () => 3), 2);
    });
  });
}
