import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type {
  Candidate,
  Invalidation,
  RegionInvalidationStrategy,
} from "../../../src/region/invalidation.ts";
import { makeRegion, type RegionOptions } from "../../../src/region/region.ts";
import { type ManualClock, settled } from "../../testing/manual_clock.ts";
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

      it(ids("D-086: hard invalidation makes all of a batch anew, once"), async () => {
        const { region, clock } = bench();
        const next = counter();
        const create = (keys: readonly string[]) => keys.map(() => next());
        for (const expected of [[1, 2], [3, 4], [5, 6]]) {
          deepEqual(await region.getOrCreateMulti(["k1", "k2"], create), expected);
          deepEqual(await region.getOrCreateMulti(["k1", "k2"], create), expected);
          await clock.advance(1);
          await region.invalidate();
          await clock.advance(1);
        }
      });

      it(ids("D-089: soft invalidation makes a batch anew in one call"), async () => {
        const { region, clock } = bench({ softTtlMs: 1_000 });
        const next = counter();
        const asked: (readonly string[])[] = [];
        const create = (keys: readonly string[]) => {
          asked.push(keys);
          return keys.map(() => next());
        };
        deepEqual(await region.getOrCreateMulti(["1", "2"], create), [1, 2]);
        await region.invalidate({ hard: false });
        await clock.advance(1);
        deepEqual(await region.getOrCreateMulti(["1", "2"], create), [3, 4]);
        deepEqual(asked, [["1", "2"], ["1", "2"]]);
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
