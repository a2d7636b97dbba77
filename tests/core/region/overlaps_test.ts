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
import { type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";

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

    it("a deletion ends a creation from before an invalidation also when a later one has ended", async () => {
      const { region, clock } = regionBench(shape, { lock: { waitMs: 100 } });
      const gate = Promise.withResolvers<string>();
      const first = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.invalidate({ hard: false });
      const second = region.getOrCreate("key", () => "second");
      await clock.advance(100);
      equal(await second, "second");
      await region.delete("key");
      gate.resolve("first");
      equal(await first, "first");
      equal(await region.getEntry("key", { ignoreExpiration: true }), undefined);
    });

    it("a touch overtaken by a set or deletion changes nothing any more", async () => {
      for (const verb of ["set", "delete"] as const) {
        for (let microtasks = 0; microtasks < 30; microtasks++) {
          const { region } = regionBench(shape);
          await region.set("key", 1);
          const touching = region.touch("key");
          for (let i = 0; i < microtasks; i++) await undefined;
          await (verb === "set" ? region.set("key", 2) : region.delete("key"));
          await touching;
          const expected = verb === "set" ? 2 : undefined;
          equal(await region.get("key"), expected, `${verb} after ${microtasks} microtasks`);
          equal(await region.keyIsLocked("key"), false);
        }
      }
    });
  });
}

describe("overlaps on a near shelf", () => {
  it("a value made before an invalidation does not replace one made after it", async () => {
    const { region } = regionBench("near");
    const gate = Promise.withResolvers<string>();
    const first = region.getOrCreate("key", () => gate.promise);
    await settled();
    await region.invalidate({ hard: false });
    equal(await region.getOrCreate("key", () => "after"), "after");
    gate.resolve("before");
    equal(await first, "before");
    equal(await region.get("key"), "after");
  });

  for (const shape of ["near", "near and backend"] as const) {
    it(`an invalidation at any moment of a near hit in a region of ${shape} is not lost`, async () => {
      for (const verb of ["get", "getOrCreate"] as const) {
        for (let microtasks = 0; microtasks < 30; microtasks++) {
          const { region } = regionBench(shape);
          await region.set("key", "before");
          // Judges near copies anew.
          await region.invalidate({ tags: ["other"] });
          const reading = region[verb]("key", (() => "after") as never);
          for (let i = 0; i < microtasks; i++) await undefined;
          await region.invalidate();
          await reading;
          const answer = await region.getOrCreate("key", () => "after");
          equal(answer, "after", `${verb}, after ${microtasks} microtasks`);
        }
      }
    });
  }

  it("an invalidation while the marks of others in a batch are read is not lost", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const gate = Promise.withResolvers<void>();
    let isGated = false;
    const backend = new ScriptedBackend(store, async ({ keys }): Promise<Fault> => {
      if (isGated && keys.some((key) => key.endsWith(":late"))) await gate.promise;
      return "none";
    });
    const region = makeRegion({ clock, backend, near: {}, marksMaxAgeMs: 1_000 });
    await region.set("b", "before", { tags: ["late"] });
    await clock.advance(500);
    await region.set("a", "before", { tags: ["early"] });
    await clock.advance(500);
    // Brings the region's mark: now only that of the late tag has to be read.
    await region.get("another");
    isGated = true;
    const reading = region.getOrCreateMulti(["a", "b"], (keys) => keys.map(() => "after"));
    await settled();
    await region.invalidate({ tags: ["early"] });
    gate.resolve();
    deepEqual(await reading, ["after", "before"]);
    equal(await region.getOrCreate("a", () => "too late"), "after");
  });
});

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

  it("a creator's read of the store overtaken by a set leaves nothing on the shelf", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const gate = Promise.withResolvers<void>();
    const backend = {
      name: store.name,
      limits: store.limits,
      get: async (keys: readonly string[]) => {
        const found = await store.get(keys);
        if (keys.includes("key")) await gate.promise;
        return found;
      },
      set: (writes: readonly Write<Entry>[]) => store.set(writes),
      delete: (keys: readonly string[]) => store.delete(keys),
    };
    const region = makeRegion({ clock, backend, near: {} });
    await makeRegion({ clock, backend: store }).set("key", "old");
    const reading = region.getOrCreate("key", () => "unneeded");
    await settled();
    await region.set("key", "new");
    gate.resolve();
    equal(await reading, "old");
    equal(await region.get("key"), "new");
  });

  it("a set follows the creation that is being stored when it comes, and so do further ones", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const gate = Promise.withResolvers<void>();
    // The first write of the key is held up on its way; later ones would overtake it.
    let writes = 0;
    const backend = new ScriptedBackend(store, async ({ verb, keys }): Promise<Fault> => {
      if (verb === "set" && keys.includes("key") && ++writes === 1) await gate.promise;
      return "none";
    });
    const region = makeRegion({ clock, backend });
    const creating = region.getOrCreate("key", () => "made");
    await settled();
    equal(writes, 1);
    const setting = [region.set("key", "set"), region.set("key", "set again")];
    await settled();
    gate.resolve();
    await Promise.all([creating, ...setting]);
    equal(await region.get("key"), "set again");
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
