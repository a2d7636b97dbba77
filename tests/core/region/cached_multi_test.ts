import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { makeRegion } from "../../../src/region/region.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

/** Answers `id, n` where n counts the values made, and notes what it was asked for. */
function generator(): { asked: number[][]; generate: (...ids: number[]) => string[] } {
  const next = counter();
  const asked: number[][] = [];
  return {
    asked,
    generate: function generate(...ids: number[]): string[] {
      asked.push(ids);
      return ids.map((id) => `${id} ${next()}`);
    },
  };
}

function dictionary(absent: readonly number[] = []): {
  asked: number[][];
  generate: (...ids: number[]) => Map<number, string>;
} {
  const { asked, generate } = generator();
  return {
    asked,
    generate: function generateMap(...ids: number[]): Map<number, string> {
      const values = generate(...ids);
      return new Map(
        ids.map((id, i) => [id, values[i] as string] as const)
          .filter(([id]) => !absent.includes(id)),
      );
    },
  };
}

for (const shape of SHAPES) {
  describe(`cacheMultiOnArguments in a region of ${shape}`, () => {
    it("D-155: computes in the order of the sorted keys, answers in call order", async () => {
      const { region } = regionBench(shape);
      const { asked, generate } = generator();
      const fn = region.cacheMultiOnArguments()(generate);
      deepEqual(await fn(2, 8, 10), ["2 2", "8 3", "10 1"]);
      deepEqual(asked, [[10, 2, 8]]);
    });

    it("D-156: a second call with one new key calls the function for that key only", async () => {
      const { region } = regionBench(shape);
      const { asked, generate } = generator();
      const fn = region.cacheMultiOnArguments()(generate);
      await fn(2, 8, 10);
      deepEqual(await fn(2, 9, 10), ["2 2", "9 4", "10 1"]);
      deepEqual(asked[1], [9]);
    });

    it("D-157: invalidated and new keys are computed together, set values are served", async () => {
      const { region } = regionBench(shape);
      const { asked, generate } = generator();
      const fn = region.cacheMultiOnArguments()(generate);
      await fn(2, 8, 10);
      await fn.invalidate(2);
      deepEqual(await fn(2, 7, 10), ["2 4", "7 5", "10 1"]);
      deepEqual(asked[1], [2, 7]);
      await fn.set([[7, "set 7"], [10, "set 10"]]);
      deepEqual(await fn(2, 7, 10), ["2 4", "set 7", "set 10"]);
    });

    it("D-133: get is aligned, with undefined for what is unknown", async () => {
      const { region } = regionBench(shape);
      const fn = region.cacheMultiOnArguments()(generator().generate);
      deepEqual(await fn.get(1, 2), [undefined, undefined]);
      await fn(1);
      deepEqual(await fn.get(2, 1), [undefined, "1 1"]);
    });

    it("D-134: set overrides values", async () => {
      const { region } = regionBench(shape);
      const fn = region.cacheMultiOnArguments()(generator().generate);
      await fn(1, 2);
      await fn.set(new Map([[1, "one"], [2, "two"]]));
      deepEqual(await fn(1, 2), ["one", "two"]);
    });

    it("D-136: refresh recomputes all given keys", async () => {
      const { region } = regionBench(shape);
      const fn = region.cacheMultiOnArguments()(generator().generate);
      deepEqual(await fn(1, 2), ["1 1", "2 2"]);
      deepEqual(await fn.refresh(2, 1), ["2 3", "1 4"]);
      deepEqual(await fn(1, 2), ["1 4", "2 3"]);
    });

    it("D-158: maps for values, with partial recomputation, invalidate, set and refresh", async () => {
      const { region } = regionBench(shape);
      const { asked, generate } = dictionary();
      const fn = region.cacheMultiOnArguments()(generate);
      deepEqual(await fn(2, 8, 10), ["2 2", "8 3", "10 1"]);
      deepEqual(await fn(2, 9, 10), ["2 2", "9 4", "10 1"]);
      await fn.invalidate(2);
      deepEqual(await fn(2, 7, 10), ["2 5", "7 6", "10 1"]);
      await fn.set([[7, "set"]]);
      deepEqual(await fn(7, 2), ["set", "2 5"]);
      deepEqual(await fn.refresh(7), ["7 7"]);
      deepEqual(await fn(7), ["7 7"]);
      deepEqual(asked, [[10, 2, 8], [9], [2, 7], [7]]);
    });

    it("D-159 D-160: what the map leaves out is not kept and asked for again, unless set", async () => {
      const { region } = regionBench(shape);
      const { asked, generate } = dictionary([8]);
      const fn = region.cacheMultiOnArguments()(generate);
      deepEqual(await fn(2, 8), ["2 1", undefined]);
      deepEqual(await fn(2, 8), ["2 1", undefined]);
      deepEqual(asked, [[2, 8], [8]]);
      deepEqual(await fn.refresh(8), [undefined]);
      await fn.set([[8, "set"]]);
      deepEqual(await fn(2, 8), ["2 1", "set"]);
    });

    it("D-161: shouldCache refuses some values of a map, which are made on every call", async () => {
      const { region } = regionBench(shape);
      const { asked, generate } = dictionary([3]);
      const shouldCache = (value: string): boolean => !value.startsWith("8 ");
      const fn = region.cacheMultiOnArguments({ shouldCache })(generate);
      deepEqual(await fn(2, 3, 8), ["2 1", undefined, "8 3"]);
      deepEqual(await fn(2, 8), ["2 1", "8 4"]);
      deepEqual(asked[1], [8]);
    });

    it("D-138: a generator of reversed keys is followed by every verb", async () => {
      const { region } = regionBench(shape);
      const reversed = () => (...ids: readonly unknown[]) => ids.map((id) => `key ${id}`).reverse();
      const fn = region.cacheMultiOnArguments({ functionMultiKeyGenerator: reversed })(
        (...ids: number[]) => ids.map((id) => `value ${id}`),
      );
      const values = await fn(1, 2);
      deepEqual(await region.getMulti(["key 2", "key 1"]), values);
      deepEqual(await fn.get(1, 2), values);
      deepEqual(await fn(1, 2), values);
    });
  });
}

describe("cacheMultiOnArguments", () => {
  it("D-162: stored keys are name, namespace and argument", async () => {
    const { region, store } = regionBench("backend");
    const { generate } = generator();
    const fn = region.cacheMultiOnArguments({ namespace: "foo" })(generate);
    await fn(10, 2, 8, 9);
    const kept = store.keys.filter((key) => !key.startsWith("cairn-mark:"));
    deepEqual(kept, ["generate|foo|10", "generate|foo|2", "generate|foo|8", "generate|foo|9"]);
  });

  it("D-164 DX-20: keeps name and length, and has the original", () => {
    const generate = (a: number, b: number, ...rest: number[]): number[] => [a, b, ...rest];
    const fn = makeRegion().cacheMultiOnArguments()(generate);
    deepEqual([fn.name, fn.length, fn.original], ["generate", 2, generate]);
  });

  it("DX-20: on methods, values are matched to their arguments", async () => {
    class Service {
      readonly factor = 3;
      load(...ids: number[]): Promise<number[]> {
        return Promise.resolve(ids.map((id) => id * this.factor));
      }
    }
    const cached = makeRegion().cacheMultiOnArguments()(Service.prototype.load, { name: "load" });
    const service = new Service();
    deepEqual(await cached.call(service, 3, 20, 1), [9, 60, 3]);
    deepEqual(await cached.call(service, 1, 3), [3, 9]);
    deepEqual(await cached.refresh.call(service, 7), [21]);
  });

  it("refuses a list that does not answer for every key", async () => {
    const lazy = (..._ids: number[]): number[] => [1];
    const fn = makeRegion().cacheMultiOnArguments()(lazy);
    await rejects(fn(1, 2), /answered 1 values for 2 keys/);
    deepEqual(await fn.get(1, 2), [undefined, undefined]);
    equal((await fn(1))[0], 1);
  });
});
