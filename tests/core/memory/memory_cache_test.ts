import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryCache, type MemoryCacheOptions } from "../../../src/memory/memory_cache.ts";
import { makeCache, TEN_SECONDS } from "./make_cache.ts";

/** Runs wheezy's shared cases with ASCII and with other keys, in the default and a named namespace. */
const CASES = [
  { title: "default namespace", key: "k", namespace: undefined },
  { title: "named namespace", key: "k", namespace: "other" },
  { title: "Unicode keys", key: "ключ-鍵-🔑-", namespace: undefined },
];

for (const { title, key, namespace } of CASES) {
  const options = { ...TEN_SECONDS, namespace };
  const pairs: [string, number][] = [[`${key}1`, 1], [`${key}2`, 2]];
  const keys = pairs.map(([k]) => k);

  describe(`MemoryCache keeps wheezy's contract, ${title}`, () => {
    it("W-001 W-003: unknown keys are misses", () => {
      const { cache } = makeCache();
      equal(cache.get(key, namespace), undefined);
      deepEqual(cache.getMulti(keys, namespace), new Map());
    });

    it("W-002: getMulti leaves an unknown key out", () => {
      const { cache } = makeCache();
      cache.set(keys[0]!, 1, options);
      deepEqual(cache.getMulti(keys, namespace), new Map([[keys[0]!, 1]]));
    });

    it("W-004 W-005 W-006: set answers true and get the same string or integer", () => {
      const { cache } = makeCache();
      equal(cache.set(key, "value", options), true);
      equal(cache.get(key, namespace), "value");
      equal(cache.set(key, 7, options), true);
      equal(cache.get(key, namespace), 7);
    });

    it("W-007 W-008: setMulti answers [] and getMulti every value", () => {
      const { cache } = makeCache();
      deepEqual(cache.setMulti(pairs, options), []);
      deepEqual(cache.getMulti(keys, namespace), new Map(pairs));
    });

    it("W-009: add stores on a free key and not on a taken one", () => {
      const { cache } = makeCache();
      equal(cache.add(key, "first", options), true);
      equal(cache.get(key, namespace), "first");
      equal(cache.add(key, "second", options), false);
      equal(cache.get(key, namespace), "first");
    });

    it("W-010 W-011: addMulti answers the taken keys", () => {
      const { cache } = makeCache();
      deepEqual(cache.addMulti(pairs, options), []);
      deepEqual(cache.getMulti(keys, namespace), new Map(pairs));
      deepEqual(cache.addMulti(pairs, options), keys);
    });

    it("W-012 W-013: replace stores on a taken key and not on a free one", () => {
      const { cache } = makeCache();
      equal(cache.replace(key, 1, options), false);
      equal(cache.get(key, namespace), undefined);
      cache.set(key, 1, options);
      equal(cache.replace(key, 2, options), true);
      equal(cache.get(key, namespace), 2);
    });

    it("W-014 W-015: replaceMulti answers the free keys", () => {
      const { cache } = makeCache();
      deepEqual(cache.replaceMulti(pairs, options), keys);
      cache.setMulti(keys.map((k) => [k, 0]), options);
      deepEqual(cache.replaceMulti(pairs, options), []);
      deepEqual(cache.getMulti(keys, namespace), new Map(pairs));
    });

    it("W-016 W-017: delete answers whether there was a value", () => {
      const { cache } = makeCache();
      equal(cache.delete(key, namespace), false);
      cache.set(key, 1, options);
      equal(cache.delete(key, namespace), true);
      equal(cache.get(key, namespace), undefined);
    });

    it("W-018 W-019: deleteMulti answers true with or without values", () => {
      const { cache } = makeCache();
      equal(cache.deleteMulti(keys, namespace), true);
      cache.setMulti(pairs, options);
      equal(cache.deleteMulti(keys, namespace), true);
      deepEqual(cache.getMulti(keys, namespace), new Map());
    });

    it("W-020 W-021 W-022: incr starts from its initial value and counts on", () => {
      const { cache } = makeCache();
      equal(cache.incr(key, 1, { namespace }), undefined);
      equal(cache.incr(key, 1, { namespace, initialValue: 0 }), 1);
      equal(cache.get(key, namespace), 1);
      equal(cache.incr(key, 1, { namespace, initialValue: 0 }), 2);
      equal(cache.get(key, namespace), 2);
    });

    it("W-023 W-024: decr starts from its initial value and counts on", () => {
      const { cache } = makeCache();
      equal(cache.decr(key, 1, { namespace }), undefined);
      equal(cache.decr(key, 1, { namespace, initialValue: 10 }), 9);
      equal(cache.get(key, namespace), 9);
      equal(cache.decr(key, 1, { namespace, initialValue: 10 }), 8);
      equal(cache.get(key, namespace), 8);
    });

    it("W-025 W-042: flushAll answers true and leaves nothing", () => {
      const { cache } = makeCache();
      equal(cache.flushAll(), true);
      cache.setMulti(pairs, options);
      equal(cache.flushAll(), true);
      deepEqual(cache.getMulti(keys, namespace), new Map());
      equal(cache.size, 0);
    });
  });
}

describe("MemoryCache and namespaces", () => {
  it("isolates them in every operation", () => {
    const { cache } = makeCache();
    cache.set("k", "default");
    cache.set("k", "a", { namespace: "a" });
    equal(cache.add("k", "b", { namespace: "b" }), true);
    equal(cache.get("k"), "default");
    equal(cache.get("k", ""), "default");
    equal(cache.get("k", "a"), "a");
    equal(cache.delete("k", "a"), true);
    equal(cache.get("k", "a"), undefined);
    equal(cache.get("k", "b"), "b");
    equal(cache.replace("k", 1, { namespace: "a" }), false);
    deepEqual([...cache.keys()], ["k"]);
    deepEqual([...cache.keys("b")], ["k"]);
    equal(cache.size, 2);
  });

  it("forgets namespaces without entries", () => {
    const { cache } = makeCache({ maxEntries: 4 });
    for (let n = 0; n < 100; n++) cache.set("k", n, { namespace: `ns${n}` });
    equal(cache.size, 4);
    equal(cache.get("k", "ns0"), undefined);
    equal(cache.get("k", "ns99"), 99);
  });

  it("takes prototype-like keys and namespaces for what they are", () => {
    const { cache } = makeCache();
    for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty", ""]) {
      equal(cache.get(key), undefined);
      equal(cache.set(key, key), true);
      equal(cache.get(key), key);
      equal(cache.get(key, "__proto__"), undefined);
      deepEqual(cache.getMulti([key]), new Map([[key, key]]));
    }
  });
});

describe("MemoryCache and bad input", () => {
  it("refuses times to live that are none", () => {
    const { cache } = makeCache();
    for (const ttlMs of [NaN, -1, -Infinity, "10", null, {}] as number[]) {
      throws(() => cache.set("k", 1, { ttlMs }), RangeError);
      throws(() => cache.addMulti([["k", 1]], { ttlMs }), RangeError);
      throws(() => cache.incr("k", 1, { initialValue: 0, ttlMs }), RangeError);
    }
    for (const expiresAt of [NaN, "10", null] as number[]) {
      throws(() => cache.set("k", 1, { expiresAt }), RangeError);
    }
    throws(() => cache.set("k", 1, { ttlMs: 1, expiresAt: 1 }), RangeError);
    equal(cache.size, 0);
  });

  it("refuses to count what is no number, and leaves it as it was", () => {
    const { cache } = makeCache();
    cache.set("k", "text");
    throws(() => cache.incr("k"), { name: "TypeError", message: /"k"/ });
    throws(() => cache.decr("k"), TypeError);
    equal(cache.get("k"), "text");
    cache.set("n", 1);
    for (const delta of [NaN, Infinity, "1", null] as number[]) {
      throws(() => cache.incr("n", delta), TypeError);
      throws(() => cache.decr("n", delta), TypeError);
    }
    equal(cache.get("n"), 1);
  });

  it("refuses options that contradict themselves, by name", () => {
    const wrong: [MemoryCacheOptions, RegExp][] = [
      [{ maxEntries: 0 }, /maxEntries/],
      [{ maxEntries: 1.5 }, /maxEntries/],
      [{ maxEntries: 2 ** 24 }, /maxEntries/],
      [{ maxWeight: -1, weigh: () => 1 }, /maxWeight/],
      [{ maxWeight: 10 }, /weigh/],
      [{ buckets: 1 }, /buckets/],
      [{ bucketIntervalMs: 0 }, /bucketIntervalMs/],
      [{ bucketIntervalMs: NaN }, /bucketIntervalMs/],
      [{ policy: "toString" as "lru" }, /policy/],
    ];
    for (const [options, message] of wrong) throws(() => new MemoryCache(options), message);
  });

  it("holds undefined and null as values", () => {
    const { cache } = makeCache();
    cache.set("k", undefined);
    equal(cache.has("k"), true);
    equal(cache.add("k", 1), false);
    equal(cache.getMulti(["k"]).has("k"), true);
    cache.set("k", null);
    equal(cache.get("k"), null);
    notEqual(cache.get("k"), undefined);
  });

  it("counts hits, misses and removals", () => {
    const { cache } = makeCache({ maxEntries: 10 });
    cache.set("a", 1);
    cache.get("a");
    cache.get("b");
    cache.getMulti(["a", "b", "c"]);
    deepEqual(cache.stats(), {
      size: 1,
      weight: 1,
      hits: 2,
      misses: 3,
      removals: { expired: 0, entries: 0, weight: 0, refused: 0 },
    });
  });
});
