/** What a caller waits for who is not alone, and what becomes of that when they go on. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../../src/contracts/entry.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench, SHAPES } from "../../testing/region_bench.ts";
import { type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";

for (const shape of SHAPES) {
  describe(`callers of a region of ${shape}`, () => {
    it("one who was answered at the soft timeout no longer ends the creation by leaving", async () => {
      const creation = { softTimeoutMs: 10 };
      const { region, clock } = regionBench(shape, { softTtlMs: 100, creation });
      await region.set("key", "old");
      await clock.advance(100);
      const left = new AbortController();
      const create = () => clock.sleep(50).then(() => "new");
      const asking = region.getOrCreate("key", create, { signal: left.signal });
      await clock.advance(10);
      equal(await asking, "old");
      left.abort();
      await clock.advance(50);
      equal(await region.get("key"), "new");
    });

    it("one without a value waits for the one who creates, whatever those with a stale one do", async () => {
      const lock = { staleWaitMs: 10, onTimeout: "throw" } as const;
      const { region, clock } = regionBench(shape, { lock });
      const first = region.getOrCreate("key", () => clock.sleep(100).then(() => "new"));
      await settled();
      const second = region.getOrCreate("key", () => "unneeded");
      await clock.advance(100);
      deepEqual([await first, await second], ["new", "new"]);
      equal(region.stats().lockTimeout, 0);
    });

    it("one who joins is not answered a value beyond its hard end", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100, hardTtlMs: 200 });
      await region.set("key", "old");
      await clock.advance(150);
      const first = region.getOrCreate("key", () => clock.sleep(1_000).then(() => "new"));
      await clock.advance(49);
      const inTime = region.getOrCreate("key", () => "unneeded");
      await settled();
      equal(await inTime, "old");
      await clock.advance(1);
      const late = region.getOrCreate("key", () => "unneeded");
      await clock.advance(1_000);
      deepEqual([await first, await late], ["new", "new"]);
    });

    it("a creator who asks for its own key is freed by the hard timeout", async () => {
      const { region, clock } = regionBench(shape, { creation: { hardTimeoutMs: 100 } });
      const asking = region.getOrCreate<number>("key", () => region.getOrCreate("key", () => 1));
      const failing = rejects(asking, { name: "CreationTimeoutError" });
      await clock.advance(100);
      await failing;
      equal(await region.keyIsLocked("key"), false);
      equal(await region.getOrCreate("key", () => 2), 2);
    });
  });
}

describe("callers of a region over a store", () => {
  it("one who wants nothing old does not take what another's look at the store finds", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const gate = Promise.withResolvers<void>();
    let isGated = false;
    const backend = new ScriptedBackend(store, async ({ verb }): Promise<Fault> => {
      if (isGated && verb === "get") await gate.promise;
      return "none";
    });
    const region = makeRegion({ clock, backend });
    await region.set("key", "old");
    await clock.advance(500);
    isGated = true;
    const plain = region.getOrCreate("key", () => "unneeded");
    await settled();
    const strict = region.getOrCreate("key", () => "new", { maxAgeMs: 100 });
    const left = new AbortController();
    const impatient = region.getOrCreate("key", () => "new", {
      maxAgeMs: 100,
      signal: left.signal,
    });
    left.abort(new Error("gone"));
    await rejects(impatient, { message: "gone" });
    gate.resolve();
    deepEqual([await plain, await strict], ["old", "new"]);
  });

  it("a batch whose callers have all left while its locks were tried begins nothing", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const gate = Promise.withResolvers<void>();
    const locks = localLocks<Entry>(store, { clock });
    const region = makeRegion({
      clock,
      backend: store,
      locks: {
        name: locks.name,
        revoke: (keys) => locks.revoke(keys),
        acquire: async (key, options) => {
          if (key === "b") await gate.promise;
          return await locks.acquire(key, options);
        },
      },
    });
    const left = new AbortController();
    let calls = 0;
    const create = (keys: readonly string[]): number[] => keys.map(() => ++calls);
    const asking = region.getOrCreateMulti(["a", "b"], create, { signal: left.signal });
    await settled();
    left.abort(new Error("gone"));
    await rejects(asking, { message: "gone" });
    gate.resolve();
    await settled();
    equal(calls, 0);
    deepEqual([await region.keyIsLocked("a"), await region.keyIsLocked("b")], [false, false]);
  });
});
