/** Writes, reads and creations of one key that overlap: what was written last, or deleted, stays so. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Write } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`overlaps in a region of ${shape}`, () => {
    it("a deletion during a creation that fails: the deleted value does not stand in", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100, staleOnError: true });
      await region.set("key", "deleted");
      await clock.advance(100);
      const gate = Promise.withResolvers<string>();
      const creating = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.delete("key");
      gate.reject(new Error("down"));
      await rejects(creating, { message: "down" });
      equal(await region.getEntry("key", { ignoreExpiration: true }), undefined);
    });

    it("a deletion ends every creation under way, also one from before an invalidation", async () => {
      const { region, clock } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const first = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.invalidate({ hard: false });
      const second = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.delete("key");
      gate.resolve("obsolete");
      await clock.advance(60_000);
      deepEqual([await first, await second], ["obsolete", "obsolete"]);
      equal(await region.getEntry("key", { ignoreExpiration: true }), undefined);
    });
  });
}

describe("overlaps over a store that takes its time", () => {
  /** A region whose store lets writes or deletions of the key through when the gate opens. */
  function gated(verb: "set" | "delete") {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const gate = Promise.withResolvers<void>();
    let isGated = false;
    const pass = () => isGated ? gate.promise : Promise.resolve();
    const backend = {
      name: store.name,
      limits: store.limits,
      get: (keys: readonly string[]) => store.get(keys),
      set: (writes: readonly Write<Entry>[]) =>
        (verb === "set" ? pass() : Promise.resolve()).then(() => store.set(writes)),
      delete: (keys: readonly string[]) =>
        (verb === "delete" ? pass() : Promise.resolve()).then(() => store.delete(keys)),
    };
    const region = makeRegion({ clock, backend, near: {}, locks: localLocks(store, { clock }) });
    const reader = makeRegion({ clock, backend, near: {}, locks: localLocks(backend, { clock }) });
    const close = (): void => void (isGated = true);
    return { clock, store, region, reader, gate, close };
  }

  it("a read between the beginning of a deletion and its end leaves nothing on the shelf", async () => {
    const { reader: region, gate, close } = gated("delete");
    await region.set("key", "old");
    close();
    const deleting = region.delete("key");
    await settled();
    equal(await region.get("key"), "old");
    gate.resolve();
    await deleting;
    equal(await region.get("key"), undefined);
  });

  it("a creation begun while a set travels does not overwrite it", async () => {
    const { region, gate, close } = gated("set");
    await region.getOrCreate("first use", () => 1);
    close();
    const setting = region.set("key", "set");
    await settled();
    const made = Promise.withResolvers<string>();
    const creating = region.getOrCreate("key", () => made.promise);
    await settled();
    gate.resolve();
    await setting;
    made.resolve("made of what was before");
    await creating;
    equal(await region.get("key"), "set");
    equal((await region.getEntry("key", { maxAgeMs: NEVER }))?.payload, "set");
  });

  it("a renewal that the store cannot answer does not end a creation", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    let unanswered = 0;
    const region = makeRegion({
      clock,
      backend: store,
      lock: { leaseMs: 300 },
      locks: {
        name: "deaf",
        revoke: (keys) => locks.revoke(keys),
        acquire: async (key, options) => {
          const { lease, value } = await locks.acquire(key, options);
          const renew = async (leaseMs: number): Promise<boolean> => {
            await lease?.renew(leaseMs);
            throw new Error(`no answer ${++unanswered}`);
          };
          return { lease: lease && { ...lease, renew }, value };
        },
      },
    });
    const creating = region.getOrCreate("key", () => clock.sleep(1_000).then(() => "made"));
    await clock.advance(1_000);
    equal(await creating, "made");
    equal(await region.get("key"), "made");
    equal(unanswered > 1, true);
  });
});
