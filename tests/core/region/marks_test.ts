import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { makeRegion, type Region, type RegionOptions } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

describe("marks in a store", () => {
  function processes(options: RegionOptions = {}): {
    clock: ManualClock;
    store: ModelStore<Entry>;
    make: (own?: RegionOptions) => Region;
  } {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    return {
      clock,
      store,
      make: (own = {}) => makeRegion({ clock, backend: store, near: {}, ...options, ...own }),
    };
  }

  it("DX-12: an invalidation here is seen there within marksMaxAgeMs, near copies included", async () => {
    for (const what of [{}, { tags: ["t"] }]) {
      const { clock, make } = processes({ marksMaxAgeMs: 500 });
      const [here, there] = [make(), make()];
      await here.set("key", 1, { tags: ["t"] });
      equal(await there.get("key"), 1);
      await here.invalidate(what);
      equal(await here.get("key"), undefined);
      await clock.advance(499);
      equal(await there.get("key"), 1);
      await clock.advance(1);
      equal(await there.get("key"), undefined);
      equal(await there.getOrCreate("key", () => 2), 2);
    }
  });

  it("are asked for every time, if told so", async () => {
    const { make } = processes({ marksMaxAgeMs: 0 });
    const [here, there] = [make(), make()];
    await here.set("key", 1);
    equal(await there.get("key"), 1);
    await here.invalidate();
    equal(await there.get("key"), undefined);
  });

  it("are asked for again where the clock has stepped back, and not trusted for so much longer", async () => {
    const { clock, make } = processes({ marksMaxAgeMs: 500 });
    const [here, there] = [make(), make({ near: false })];
    await here.set("key", 1);
    equal(await there.get("key"), 1);
    clock.set(clock.now() - 3_600_000);
    await here.invalidate();
    equal(await there.get("key"), undefined);
  });

  it("near hits trust their marks and their age no longer where the clock has stepped back", async () => {
    const { clock, make } = processes({ marksMaxAgeMs: 500, nearMaxAgeMs: 2_000 });
    const [here, there] = [make(), make()];
    await here.set("invalidated", 1);
    await here.set("replaced", 1);
    deepEqual(await there.getMulti(["invalidated", "replaced"]), [1, 1]);
    clock.set(clock.now() - 3_600_000);
    await here.set("replaced", 2);
    equal(await there.getOrCreate("replaced", () => "x"), 2);
    await here.invalidate();
    equal(await there.getOrCreate("invalidated", () => "new"), 1);
    await clock.advance(500);
    equal(await there.getOrCreate("invalidated", () => "new"), "new");
  });

  it("many first creations at once make one mark, and all are stamped with it", async () => {
    const { store, make } = processes();
    const region = make();
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
    await Promise.all(keys.map((key) => region.getOrCreate(key, () => key)));
    equal(store.keys.filter((key) => key.startsWith("cairn-mark:")).length, 2);
    const [first] = await store.get(["key 0"]);
    for (const entry of await store.get(keys)) deepEqual(entry?.marks, first?.marks);
    deepEqual(await make().getMulti(keys), keys);
  });

  it("DX-12: clocks that differ do not matter", async () => {
    for (const skewMs of [-3_600_000, -2_000, 2_000, 3_600_000]) {
      const { clock, store } = processes();
      const skewed = { now: () => clock.now() + skewMs, sleep: clock.sleep.bind(clock) };
      const [here, there] = [
        makeRegion({ clock, backend: store }),
        makeRegion({ clock: skewed, backend: store }),
      ];
      await there.set("key", "there");
      await here.invalidate();
      await clock.advance(1_000);
      equal(await there.get("key"), undefined, `${skewMs}`);
      await there.set("key", "again");
      equal(await here.get("key"), "again", `${skewMs}`);
    }
  });

  it("a mark that the store has lost invalidates, and a new one is made", async () => {
    const { clock, store, make } = processes();
    const region = make();
    await region.set("key", 1);
    await store.delete(store.keys.filter((key) => key.startsWith("cairn-mark:")));
    await clock.advance(1_000);
    equal(await region.get("key"), undefined);
    await region.set("key", 2);
    equal(await region.get("key"), 2);
    equal(await make().get("key"), 2);
  });

  it("regions of different names in one store have marks of their own, those of one name share", async () => {
    const { make } = processes({ marksMaxAgeMs: 0 });
    const [a, b, alsoA] = [make({ name: "a" }), make({ name: "b" }), make({ name: "a" })];
    await a.set("of a", 1);
    await b.set("of b", 2);
    await alsoA.invalidate();
    deepEqual([await a.get("of a"), await b.get("of b")], [undefined, 2]);
  });

  it("processes that use a region first at the same moment agree on its marks", async () => {
    const { make } = processes();
    const regions = Array.from({ length: 10 }, () => make());
    await Promise.all(regions.map((region, i) => region.set(`key ${i}`, i)));
    for (const region of regions) {
      deepEqual(await region.getMulti(regions.map((_, i) => `key ${i}`)), regions.map((_, i) => i));
    }
  });

  it("DX-12: cost one write, however many entries there are, and stay as few as tags", async () => {
    const { store, make } = processes();
    const region = make();
    await region.setMulti(Array.from({ length: 100 }, (_, i) => [`key ${i}`, i] as const), {
      tags: ["t"],
    });
    const size = store.keys.length;
    const before = store.trips;
    for (let i = 0; i < 50; i++) await region.invalidate({ tags: ["t"] });
    equal(store.trips - before, 50);
    equal(store.keys.length, size);
  });

  it("five tags on a warm hit cost no trip", async () => {
    const { store, make } = processes();
    const region = make();
    const tags = ["a", "b", "c", "d", "e"];
    await region.getOrCreate("key", () => 1, { tags });
    const before = store.trips;
    for (let i = 0; i < 100; i++) equal(await region.getOrCreate("key", () => 2, { tags }), 1);
    equal(store.trips, before);
  });

  it("are read once for all who ask at the same moment", async () => {
    const { clock, store, make } = processes();
    const region = make();
    await region.setMulti(Array.from({ length: 100 }, (_, i) => [`key ${i}`, i] as const));
    await clock.advance(1_000);
    const before = store.trips;
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => region.getOrCreate(`key ${i}`, () => -1)),
    );
    equal(store.trips - before, 1);
  });

  it("an entry without marks is judged by time, as dogpile.cache does", async () => {
    const { clock, store, make } = processes({ marksMaxAgeMs: 0 });
    const region = make({ near: false });
    await region.set("first use", 1);
    const foreign = (createdAt: number): Entry => ({
      payload: createdAt,
      createdAt,
      creationMs: 0,
      softExpiresAt: NEVER,
      hardExpiresAt: NEVER,
      tags: [],
      marks: [],
    });
    const t0 = clock.now();
    await store.set([{ key: "old", value: foreign(t0), expiresAt: NEVER }]);
    equal(await region.get("old"), t0);
    await clock.advance(10);
    await region.invalidate({ hard: false });
    deepEqual([await region.get("old"), await region.get("old", { allowStale: true })], [
      undefined,
      t0,
    ]);
    await clock.advance(10);
    await region.invalidate();
    equal(await region.get("old", { allowStale: true }), undefined);
    await store.set([{ key: "new", value: foreign(clock.now()), expiresAt: NEVER }]);
    equal(await region.get("new"), clock.now());
  });

  it("an entry whose marks do not fit its tags is missing", async () => {
    const { store, make } = processes();
    const region = make({ near: false });
    await region.set("key", 1, { tags: ["t"] });
    const [entry] = await store.get(["key"]);
    const torn = { ...entry as Entry, marks: (entry as Entry).marks.slice(0, 1) };
    await store.set([{ key: "key", value: torn, expiresAt: NEVER }]);
    equal(await region.get("key"), undefined);
  });

  it("a near copy is served no longer than nearMaxAgeMs without asking the backend", async () => {
    const { clock, make } = processes({ nearMaxAgeMs: 100 });
    const [here, there] = [make(), make()];
    await here.set("key", "old");
    equal(await there.get("key"), "old");
    await here.set("key", "new");
    await clock.advance(99);
    equal(await there.getOrCreate("key", () => "x"), "old");
    await clock.advance(1);
    equal(await there.getOrCreate("key", () => "x"), "new");
  });

  it("an invalidation is not undone by a read of the mark that was under way", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    let gate: Promise<void> | undefined;
    const backend = {
      name: "slow",
      limits: store.limits,
      set: store.set.bind(store),
      delete: store.delete.bind(store),
      async get(keys: readonly string[]) {
        const found = await store.get(keys);
        await gate;
        return found;
      },
    };
    const region = makeRegion({ clock, backend, near: {} });
    await region.set("key", 1);
    await clock.advance(1_000);
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const reading = region.get("key");
    await settled();
    await region.invalidate();
    gate = undefined;
    opened.resolve();
    await reading;
    equal(await region.get("key"), undefined);
  });

  it("a read under way when its key is set or deleted does not put the old value on the shelf", async () => {
    for (const verb of ["set", "delete"] as const) {
      const clock = new ManualClock();
      const store = new ModelStore<Entry>(clock);
      let gate: Promise<void> | undefined;
      const backend = {
        name: "slow",
        limits: store.limits,
        set: store.set.bind(store),
        delete: store.delete.bind(store),
        async get(keys: readonly string[]) {
          const found = await store.get(keys);
          await gate;
          return found;
        },
      };
      const other = makeRegion({ clock, backend: store });
      await other.set("key", "old");
      const region = makeRegion({ clock, backend, near: {} });
      const opened = Promise.withResolvers<void>();
      gate = opened.promise;
      const reading = region.get("key");
      await settled();
      gate = undefined;
      if (verb === "set") await region.set("key", "new");
      else await region.delete("key");
      opened.resolve();
      equal(await reading, "old");
      equal(await region.get("key"), verb === "set" ? "new" : undefined);
    }
  });
});
