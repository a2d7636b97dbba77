import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import type {
  Candidate,
  Invalidation,
  RegionInvalidationStrategy,
} from "../../../src/region/invalidation.ts";
import { makeRegion, type Region, type RegionOptions } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

/** dogpile's own idea: two instants, each call clearing the other mode's. */
class ByTime implements RegionInvalidationStrategy {
  readonly #clock: ManualClock;
  #hardAt = -Infinity;
  #softAt = -Infinity;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  invalidate({ hard }: Invalidation): void {
    this.#hardAt = hard ? this.#clock.now() : -Infinity;
    this.#softAt = hard ? -Infinity : this.#clock.now();
  }

  isHardInvalidated({ createdAt }: Candidate): boolean {
    return createdAt <= this.#hardAt;
  }

  isSoftInvalidated({ createdAt }: Candidate): boolean {
    return createdAt <= this.#softAt;
  }
}

for (const shape of SHAPES) {
  for (const isCustom of [false, true]) {
    const title = `invalidation in a region of ${shape}, ${
      isCustom ? "by a strategy" : "by marks"
    }`;
    const bench = (options: RegionOptions = {}) => {
      const made = regionBench(shape, options);
      if (!isCustom) return made;
      const { clock, store } = made;
      const backend = shape === "near" ? {} : { backend: store };
      const near = shape === "backend" ? {} : { near: {} };
      const regionInvalidator = new ByTime(clock);
      return {
        clock,
        store,
        region: makeRegion({ clock, ...backend, ...near, regionInvalidator, ...options }),
      };
    };
    const ids = (id: string): string => isCustom ? `D-105 ${id}` : id;

    describe(title, () => {
      it(ids("D-084: after a hard one get finds nothing"), async () => {
        const { region } = bench();
        await region.set("key", 1);
        await region.invalidate();
        equal(await region.get("key"), undefined);
        equal(await region.get("key", { allowStale: true }), undefined);
      });

      it(ids("D-085: after a hard one getOrCreate makes anew, once"), async () => {
        const { region, clock } = bench();
        const next = counter();
        for (const expected of [1, 2, 3]) {
          equal(await region.getOrCreate("key", next), expected);
          equal(await region.getOrCreate("key", next), expected);
          await clock.advance(1);
          await region.invalidate();
          await clock.advance(1);
        }
      });

      it(ids("D-087: after a soft one get finds nothing"), async () => {
        const { region } = bench({ softTtlMs: 1_000 });
        await region.set("key", 1);
        await region.invalidate({ hard: false });
        equal(await region.get("key"), undefined);
        equal(await region.get("key", { allowStale: true }), 1);
      });

      it(ids("D-088: after a soft one getOrCreate makes anew"), async () => {
        const { region, clock } = bench({ softTtlMs: 1_000 });
        const next = counter();
        equal(await region.getOrCreate("key", next), 1);
        await region.invalidate({ hard: false });
        await clock.advance(1);
        equal(await region.getOrCreate("key", next), 2);
        equal(await region.getOrCreate("key", next), 2);
      });

      it("a soft one lets others go on with the stale value; a hard one makes them wait", async () => {
        for (const hard of [false, true]) {
          const { region, clock } = bench();
          await region.set("key", "old");
          await clock.advance(1);
          await region.invalidate({ hard });
          await clock.advance(1);
          const gate = Promise.withResolvers<string>();
          const leader = region.getOrCreate("key", () => gate.promise);
          await settled();
          let answer: unknown;
          const other = region.getOrCreate("key", () => "never").then((value) => answer = value);
          await settled();
          equal(answer, hard ? undefined : "old");
          gate.resolve("new");
          deepEqual([await leader, await other], ["new", hard ? "new" : "old"]);
        }
      });

      it(ids("D-066: get of a key never set finds nothing, before and after"), async () => {
        const { region } = bench();
        equal(await region.get("key"), undefined);
        equal(await region.get("key", { maxAgeMs: 1 }), undefined);
        await region.invalidate();
        equal(await region.get("key"), undefined);
      });
    });
  }

  describe(`marks in a region of ${shape}`, () => {
    it("DX-11: a soft invalidation after a hard one revives nothing", async () => {
      const { region } = regionBench(shape, { softTtlMs: 1_000 });
      await region.set("key", "dead");
      await region.invalidate();
      await region.invalidate({ hard: false });
      equal(await region.get("key", { allowStale: true }), undefined);
      const gate = Promise.withResolvers<string>();
      const leader = region.getOrCreate("key", () => gate.promise);
      await settled();
      let isAnswered = false;
      const other = region.getOrCreate("key", () => "x").finally(() => isAnswered = true);
      await settled();
      equal(isAnswered, false);
      gate.resolve("new");
      deepEqual([await leader, await other], ["new", "new"]);
    });

    it("a soft invalidation needs no expiration to be served stale", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      equal(await region.getOrCreate("never cached", next), 1);
      await region.invalidate({ hard: false });
      equal(await region.getOrCreate("never cached", next), 2);
      deepEqual(await region.getOrCreateMulti(["a", "b"], (keys) => keys), ["a", "b"]);
      await region.invalidate({ hard: false });
      deepEqual(await region.getOrCreateMulti(["a", "b"], (keys) => keys.map(() => 5)), [5, 5]);
    });

    it("tags are invalidated apart, hard and soft, and the region above them", async () => {
      const { region } = regionBench(shape);
      await region.set("a", 1, { tags: ["red"] });
      await region.set("b", 2, { tags: ["red", "big"] });
      await region.set("c", 3);
      const found = () => region.getMulti(["a", "b", "c"], { allowStale: true });
      deepEqual(await found(), [1, 2, 3]);
      await region.invalidate({ tags: ["big"], hard: false });
      deepEqual(await found(), [1, 2, 3]);
      deepEqual(await region.getMulti(["a", "b", "c"]), [1, undefined, 3]);
      await region.invalidate({ tags: ["red", "unknown"] });
      deepEqual(await found(), [undefined, undefined, 3]);
      await region.set("a", 4, { tags: ["red"] });
      deepEqual(await found(), [4, undefined, 3]);
      await region.invalidate();
      deepEqual(await found(), [undefined, undefined, undefined]);
    });

    it("a creator may add tags; they count from then on", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const creating = region.getOrCreate("key", async ({ addTags }) => {
        await addTags("late", "first");
        return await gate.promise;
      }, { tags: ["first"] });
      await settled();
      gate.resolve("value");
      await creating;
      deepEqual((await region.getEntry("key"))?.tags, ["first", "late"]);
      await region.invalidate({ tags: ["late"] });
      equal(await region.get("key"), undefined);
    });

    it("an invalidation of a tag during a creation under it wins", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<string>();
      const creating = region.getOrCreate("key", () => gate.promise, { tags: ["t"] });
      await settled();
      await region.invalidate({ tags: ["t"] });
      gate.resolve("obsolete");
      equal(await creating, "obsolete");
      equal(await region.get("key"), undefined);
    });

    it("a failed creation does not revive what was invalidated meanwhile", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100, staleOnError: true });
      await region.set("key", "dead");
      await clock.advance(100);
      const gate = Promise.withResolvers<string>();
      const creating = region.getOrCreate("key", () => gate.promise);
      await settled();
      await region.invalidate();
      gate.reject(new Error("down"));
      await rejects(creating, { message: "down" });
      equal(await region.get("key", { allowStale: true }), undefined);
    });
  });
}

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

describe("a custom RegionInvalidationStrategy", () => {
  it("sees key, age and tags of every candidate", async () => {
    const asked: Candidate[] = [];
    const strategy: RegionInvalidationStrategy = {
      invalidate: () => {},
      isHardInvalidated: (candidate) => {
        asked.push(candidate);
        return candidate.key.startsWith("tmp ");
      },
      isSoftInvalidated: ({ tags }) => tags.includes("old"),
    };
    const { region, clock } = regionBench("near and backend", {
      regionInvalidator: strategy,
      keyMangler: (key) => `m ${key}`,
    });
    await region.set("tmp key", 1);
    await region.set("key", 2, { tags: ["old"] });
    await region.set("other", 3);
    const keys = ["tmp key", "key", "other"];
    deepEqual(await region.getMulti(keys), [undefined, undefined, 3]);
    deepEqual(await region.getMulti(keys, { allowStale: true }), [undefined, 2, 3]);
    ok(
      asked.some((one) =>
        one.key === "key" && one.createdAt === clock.now() && one.tags[0] === "old"
      ),
    );
  });

  it("is told what is invalidated, and may take its time", async () => {
    const told: Invalidation[] = [];
    const strategy: RegionInvalidationStrategy = {
      invalidate: async (what) => {
        await settled();
        told.push(what);
      },
      isHardInvalidated: () => false,
      isSoftInvalidated: () => false,
    };
    const { region, store } = regionBench("backend", { regionInvalidator: strategy });
    await region.invalidate({ hard: false, tags: ["t"] });
    await region.invalidate();
    deepEqual(told, [{ hard: false, tags: ["t"] }, { hard: true, tags: undefined }]);
    await region.set("key", 1);
    deepEqual(store.keys, ["key"]);
    notEqual(await region.get("key"), undefined);
  });
});
