import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { SyncCache } from "../../../src/contracts/cache.ts";
import { NullCache } from "../../../src/patterns/null_cache.ts";

describe("NullCache", () => {
  const cache: SyncCache<number> = new NullCache<number>();
  const pairs: [string, number][] = [["a", 1], ["b", 2]];

  it("W-043: single stores and removals answer true", () => {
    equal(cache.set("k", 1), true);
    equal(cache.add("k", 1), true);
    equal(cache.add("k", 1), true);
    equal(cache.replace("k", 1), true);
    equal(cache.delete("k"), true);
    equal(cache.deleteMulti(["a", "b"]), true);
    equal(cache.flushAll(), true);
  });

  it("W-044: multi stores answer that no key failed", () => {
    deepEqual(cache.setMulti(pairs), []);
    deepEqual(cache.addMulti(pairs), []);
    deepEqual(cache.replaceMulti(pairs), []);
  });

  it("W-045: reads are misses and nothing is counted", () => {
    cache.set("k", 1);
    equal(cache.get("k"), undefined);
    deepEqual(cache.getMulti(["k", "a"]), new Map());
    equal(cache.incr("k", 1, { initialValue: 1 }), undefined);
    equal(cache.decr("k", 1, { initialValue: 1 }), undefined);
  });
});
