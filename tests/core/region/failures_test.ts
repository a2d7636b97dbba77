/** What fails leaves nothing behind: no lock, no error for those after it. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { json } from "../../../src/compose/json_codec.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { serializedLocks } from "../../../src/compose/serialized_locks.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import type { Locks } from "../../../src/contracts/locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench } from "../../testing/region_bench.ts";
import { ScriptedBackend } from "../../testing/scripted_backend.ts";

describe("failures", () => {
  it("a shouldCache that throws rejects and leaves no lock", async () => {
    const { region } = regionBench("backend");
    const shouldCache = (): boolean => {
      throw new Error("mine");
    };
    await rejects(region.getOrCreate("key", () => 1, { shouldCache }), { message: "mine" });
    equal(await region.keyIsLocked("key"), false);
  });

  it("a value that cannot be written is answered and leaves no lock", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Uint8Array>(clock);
    const locks = serializedLocks(json, localLocks(store, { clock })) as Locks<Entry>;
    const backend = serialized(json, store) as unknown as ModelStore<Entry>;
    const region = makeRegion({ clock, backend, locks });
    const unwritable = () => 1;
    equal(await region.getOrCreate<unknown>("key", () => unwritable), unwritable);
    equal(region.stats().storeError, 1);
    equal(await region.keyIsLocked("key"), false);
  });

  it("a touch whose marks cannot be read leaves no lock", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    let isDown = false;
    const backend = new ScriptedBackend(store, ({ keys }) => {
      return isDown && keys.some((key) => key.startsWith("cairn-mark:")) ? "before" : "none";
    });
    const region = makeRegion({ clock, backend });
    await region.set("key", 1);
    const other = makeRegion({ clock, backend: store });
    const locks = localLocks<Entry>(store, { clock });
    const tagging = makeRegion({
      clock,
      backend,
      locks: {
        name: locks.name,
        revoke: (keys) => locks.revoke(keys),
        acquire: async (key, options) => {
          // The value that is read with the lock bears a tag that this process has not met.
          await other.set("key", 2, { tags: ["unknown"] });
          isDown = true;
          return await locks.acquire(key, options);
        },
      },
    });
    await rejects(tagging.touch("key"), { name: "BackendError" });
    isDown = false;
    const { lease } = await locks.acquire("key", { leaseMs: 1, waitMs: 0, enough: () => false });
    equal(lease === undefined, false);
  });

  it("a lost lease is no error for those who come after", async () => {
    const { region, clock, store } = regionBench("backend", {
      negative: { errorTtlMs: 10_000 },
      lock: { leaseMs: 300 },
    });
    const other = makeRegion({ clock, backend: store });
    const creating = region.getOrCreate("key", () => clock.sleep(1_000).then(() => "mine"));
    await settled();
    await other.delete("key");
    await other.set("key", "other");
    await clock.advance(1_000);
    equal(await creating, "other");
    equal(await region.getOrCreate("key", () => "unneeded"), "other");
  });

  it("leases that are lost again and again end a creation after three tries", async () => {
    const { region, clock, store } = regionBench("backend", { lock: { leaseMs: 300 } });
    const other = makeRegion({ clock, backend: store });
    let tries = 0;
    const creating = region.getOrCreate("key", async () => {
      tries++;
      await other.delete("key");
      await clock.sleep(1_000);
    });
    const failing = rejects(creating, { name: "LeaseLostError" });
    await clock.advance(10_000);
    await failing;
    equal(tries, 3);
  });

  it("a success makes forget the failure of a creation from before an invalidation", async () => {
    const { region, clock } = regionBench("backend", { negative: { errorTtlMs: 10_000 } });
    const gate = Promise.withResolvers<string>();
    const first = region.getOrCreate("key", () => gate.promise);
    await settled();
    await region.invalidate();
    const second = region.getOrCreate("key", () => "made");
    await settled();
    gate.reject(new Error("down"));
    await rejects(first, { message: "down" });
    await clock.advance(100);
    equal(await second, "made");
    equal(await region.getOrCreate("key", () => "unneeded"), "made");
  });

  it("after a soft invalidation a value that stands in does so for its moment", async () => {
    const { region, clock } = regionBench("backend", { staleOnError: { throttleMs: 1_000 } });
    await region.set("key", "old");
    await region.invalidate({ hard: false });
    let tries = 0;
    const failing = () => Promise.reject(new Error(`try ${++tries}`));
    for (let i = 0; i < 3; i++) equal(await region.getOrCreate<string>("key", failing), "old");
    equal(tries, 1);
    await clock.advance(1_000);
    equal(await region.getOrCreate<string>("key", failing), "old");
    equal(tries, 2);
  });

  it("a clock that steps back during a creation makes it no shorter than nothing", async () => {
    const { region, clock } = regionBench("near");
    await region.getOrCreate("key", () => {
      clock.set(clock.now() - 3_600_000);
      return 1;
    });
    equal((await region.getEntry("key"))?.creationMs, 0);
  });

  it("a thousand errors are remembered, and the oldest is forgotten first", async () => {
    const { region } = regionBench("near", { negative: { errorTtlMs: 1_000 } });
    const failing = () => Promise.reject(new Error("down"));
    const ask = (i: number) =>
      rejects(region.getOrCreate(`key ${i}`, failing), { message: "down" });
    for (let i = 0; i <= 1_000; i++) await ask(i);
    equal(await region.getOrCreate("key 0", () => "made"), "made");
    await rejects(region.getOrCreate("key 1", () => "unneeded"), { message: "down" });
  });

  it("a remembered error lasts no longer where the clock steps back", async () => {
    const { region, clock } = regionBench("near", { negative: { errorTtlMs: 1_000 } });
    await rejects(region.getOrCreate("key", () => Promise.reject(new Error("down"))));
    await rejects(region.getOrCreate("key", () => 1), { message: "down" });
    clock.set(clock.now() - 3_600_000);
    equal(await region.getOrCreate("key", () => 1), 1);
  });

  it("near copies stand in for a store that is down also when their marks are too old", async () => {
    const { clock, store, region } = regionBench("near and backend", {
      softTtlMs: 100,
      hardTtlMs: NEVER,
      marksMaxAgeMs: 1_000,
      staleOnError: true,
    });
    await region.setMulti([["a", 1], ["b", 2]]);
    await clock.advance(2_000);
    store.isBroken = true;
    equal(await region.getOrCreate("a", () => 3), 1);
    deepEqual(await region.getOrCreateMulti(["a", "b"], () => [3, 4]), [1, 2]);
    equal(region.stats().storeError > 0, true);
    store.isBroken = false;
    equal(await region.getOrCreate("a", () => 3), 3);
  });
});
