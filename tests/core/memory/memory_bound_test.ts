import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Removal } from "../../../src/memory/removals.ts";
import { makeCache } from "./make_cache.ts";

describe("MemoryCache and its bound", () => {
  for (const policy of ["s3fifo", "lru", "fifo"] as const) {
    it(`holds no more than maxEntries with ${policy}`, () => {
      const { cache } = makeCache({ maxEntries: 100, policy });
      for (let n = 0; n < 10_000; n++) {
        cache.set(`k${n}`, n);
        ok(cache.size <= 100);
        equal(cache.get(`k${n}`), n);
      }
      equal(cache.size, 100);
      equal(cache.stats().removals.entries, 9_900);
    });
  }

  it("drops the oldest with fifo, the least recently used with lru", () => {
    for (const [policy, left] of [["fifo", "a"], ["lru", "b"]] as const) {
      const { cache } = makeCache({ maxEntries: 3, policy });
      cache.setMulti([["a", 1], ["b", 1], ["c", 1]]);
      cache.get("a");
      cache.set("d", 1);
      deepEqual(["a", "b", "c", "d"].filter((key) => !cache.has(key)), [left]);
    }
  });

  it("keeps what was read through a scan with s3fifo", () => {
    const { cache } = makeCache({ maxEntries: 1_000 });
    const hot = Array.from({ length: 300 }, (_, n) => `hot${n}`);
    cache.setMulti(hot.map((key) => [key, 1]));
    cache.getMulti(hot);
    cache.getMulti(hot);
    for (let n = 0; n < 20_000; n++) cache.set(`scan${n}`, 1);
    const left = cache.getMulti(hot).size;
    ok(left >= 295, `${left} of 300 are left; the ghost takes few new keys for old ones`);
  });

  it("lets the dead leave before the living", async () => {
    const { cache, clock } = makeCache({ maxEntries: 3, policy: "fifo" });
    cache.set("oldest", 1);
    cache.set("dead", 1, { ttlMs: 1_000 });
    cache.set("young", 1);
    await clock.advance(1_000);
    cache.set("new", 1);
    deepEqual([...cache.keys()], ["oldest", "young", "new"]);
  });

  it("tells what left, where from and why", async () => {
    const told: Removal[] = [];
    const { cache, clock } = makeCache({
      maxEntries: 2,
      policy: "fifo",
      onRemoval: (removal) => void told.push(removal),
    });
    cache.set("a", 1, { namespace: "ns" });
    cache.set("b", 2, { ttlMs: 10 });
    cache.set("b", 3, { ttlMs: 10 });
    cache.set("c", 4);
    await clock.advance(10);
    cache.get("b");
    cache.delete("c");
    cache.flushAll();
    deepEqual(told, [
      { key: "a", namespace: "ns", value: 1, cause: "entries" },
      { key: "b", namespace: "", value: 3, cause: "expired" },
    ]);
  });

  it("is whole again before it tells, so that a listener may call it", () => {
    const { cache } = makeCache<number>({
      maxEntries: 4,
      policy: "fifo",
      onRemoval: ({ key, value }) => {
        if (value < 3) cache.set(key, value + 1);
      },
    });
    for (let n = 0; n < 50; n++) cache.set(`k${n}`, 0);
    equal(cache.size, 4);
  });

  it("passes a listener's error on, with the value stored", () => {
    const { cache } = makeCache({
      maxEntries: 1,
      onRemoval: () => {
        throw new Error("no thanks");
      },
    });
    cache.set("a", 1);
    throws(() => cache.set("b", 2), /no thanks/);
    equal(cache.get("b"), 2);
  });

  it("survives a listener that removes the entry being read", async () => {
    const { cache, clock } = makeCache<string>({
      onRemoval: () => void cache.delete("k"),
    });
    cache.set("dead", "old", { ttlMs: 1_000 });
    cache.set("k", "value", { ttlMs: 100_000 });
    await clock.advance(20_000);
    equal(cache.get("k"), undefined);
    equal(cache.size, 0);
  });
});

describe("MemoryCache and weights", () => {
  const weigh = (value: number) => value;

  it("holds no more than maxWeight", () => {
    for (const policy of ["s3fifo", "lru", "fifo"] as const) {
      const { cache } = makeCache<number>({ maxWeight: 100, weigh, policy });
      for (let n = 0; n < 1_000; n++) {
        equal(cache.set(`k${n % 70}`, 1 + n % 25), true);
        ok(cache.weight <= 100);
        equal(cache.get(`k${n % 70}`), 1 + n % 25);
      }
      ok(cache.stats().removals.weight > 0);
    }
  });

  it("refuses and reports one entry over a quarter of the whole", () => {
    const told: Removal<number>[] = [];
    const { cache } = makeCache<number>({
      maxWeight: 100,
      weigh,
      onRemoval: (removal) => void told.push(removal),
    });
    equal(cache.set("k", 25), true);
    equal(cache.set("k", 26), false);
    equal(cache.get("k"), undefined);
    deepEqual(cache.setMulti([["a", 1], ["b", 30]]), ["b"]);
    deepEqual(told.map(({ key, value, cause }) => ({ key, value, cause })), [
      { key: "k", value: 26, cause: "refused" },
      { key: "b", value: 30, cause: "refused" },
    ]);
  });

  it("pins what weighs nothing, and refuses when all is pinned", async () => {
    const { cache, clock } = makeCache<number>({ maxWeight: 100, maxEntries: 3, weigh });
    cache.set("pinned", 0);
    for (let n = 0; n < 100; n++) cache.set(`k${n}`, 20);
    equal(cache.get("pinned"), 0);
    cache.flushAll();
    cache.setMulti([["a", 0], ["b", 0], ["c", 0]], { ttlMs: 1_000 });
    equal(cache.set("d", 1), false);
    equal(cache.set("a", 5), true);
    equal(cache.set("d", 1), true);
    equal(cache.get("a"), undefined);
    await clock.advance(1_000);
    deepEqual(cache.setMulti([["e", 1], ["f", 1]]), []);
  });

  it("follows an entry that changes its weight", () => {
    const { cache } = makeCache<number>({ maxWeight: 100, weigh, policy: "fifo" });
    cache.setMulti([["a", 25], ["b", 25], ["c", 25], ["d", 5]]);
    equal(cache.weight, 80);
    equal(cache.set("a", 10), true);
    equal(cache.weight, 65);
    equal(cache.incr("d", 20), 25);
    equal(cache.weight, 85);
    equal(cache.set("a", 25), true);
    equal(cache.weight, 100);
    deepEqual([...cache.keys()].sort(), ["a", "b", "c", "d"]);
    equal(cache.set("e", 1), true);
    equal(cache.get("e"), 1);
  });

  it("refuses a weight that is none, and leaves everything as it was", () => {
    const { cache } = makeCache<number>({ maxWeight: 100, weigh });
    cache.set("k", 1);
    throws(() => cache.set("k", NaN), RangeError);
    throws(() => cache.set("k", -1), RangeError);
    throws(() => cache.set("k", Infinity), RangeError);
    equal(cache.get("k"), 1);
  });
});
