import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import { MemoryCache, type MemoryCacheOptions } from "../../../src/memory/memory_cache.ts";
import type { Removal } from "../../../src/memory/removals.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

const TEN_SECONDS = { ttlMs: 10_000 };

function makeCache<V = unknown>(options: MemoryCacheOptions<V> = {}) {
  const clock = new ManualClock();
  return { clock, cache: new MemoryCache<V>({ clock, ...options }) };
}

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

describe("MemoryCache and deadlines", () => {
  it("W-033 W-034 W-035 W-036: an expired entry is absent in every operation", async () => {
    const { cache, clock } = makeCache();
    cache.setMulti(["a", "b", "c", "d"].map((key) => [key, 1]), { ttlMs: 1_000 });
    await clock.advance(1_000);
    equal(cache.get("a"), undefined);
    deepEqual(cache.getMulti(["a", "b"]), new Map());
    equal(cache.delete("c"), false);
    equal(cache.incr("d"), undefined);
    equal(cache.has("d"), false);
    equal(cache.touch("d"), false);
  });

  it("W-031 W-032 W-039 W-040 W-041: the operations of wheezy's own examples", () => {
    const { cache } = makeCache();
    deepEqual(cache.getMulti(["k", "k1", "k2"]), new Map());
    equal(cache.set("k", "v", TEN_SECONDS), true);
    equal(cache.add("k2", "v", TEN_SECONDS), true);
    equal(cache.add("k2", "v", TEN_SECONDS), false);
    deepEqual(cache.addMulti([["k2", "v"]], TEN_SECONDS), ["k2"]);
    deepEqual(cache.getMulti(["k", "k2"]), new Map([["k", "v"], ["k2", "v"]]));
    equal(cache.replace("k3", "v"), false);
    equal(cache.replace("k", "w"), true);
    deepEqual(cache.replaceMulti([["k", "x"], ["k3", "x"]]), ["k3"]);
    equal(cache.delete("k3"), false);
    equal(cache.delete("k"), true);
    equal(cache.deleteMulti(["k", "k2"]), true);
    equal(cache.deleteMulti(["k", "k2"]), true);
    deepEqual([cache.incr("n"), cache.incr("n", 1, { initialValue: 0 }), cache.incr("n")], [
      undefined,
      1,
      2,
    ]);
    deepEqual([cache.decr("m"), cache.decr("m", 1, { initialValue: 10 }), cache.decr("m")], [
      undefined,
      9,
      8,
    ]);
  });

  it("W-037: storing over an expired entry succeeds", async () => {
    const { cache, clock } = makeCache();
    cache.setMulti([["a", 1], ["b", 1], ["c", 1], ["d", 1]], { ttlMs: 1 });
    await clock.advance(1);
    equal(cache.set("a", 2, TEN_SECONDS), true);
    equal(cache.add("b", 2, TEN_SECONDS), true);
    deepEqual(cache.setMulti([["c", 2]], TEN_SECONDS), []);
    deepEqual(cache.addMulti([["d", 2]], TEN_SECONDS), []);
    deepEqual([...cache.getMulti(["a", "b", "c", "d"]).values()], [2, 2, 2, 2]);
  });

  it("W-038: storing buries the dead of a bucket whose time has come", async () => {
    for (const multi of [false, true]) {
      const { cache, clock } = makeCache();
      cache.set("dead", 1, { ttlMs: 1_000 });
      await clock.advance(20_000);
      equal(cache.size, 1);
      if (multi) deepEqual(cache.setMulti([["new", 1]], TEN_SECONDS), []);
      else equal(cache.set("new", 1, TEN_SECONDS), true);
      equal(cache.size, 1);
      deepEqual(cache.stats().removals.expired, 1);
    }
  });

  it("ends to the millisecond, at the deadline itself", async () => {
    const { cache, clock } = makeCache();
    cache.set("k", 1, { ttlMs: 250 });
    await clock.advance(249);
    equal(cache.get("k"), 1);
    await clock.advance(1);
    equal(cache.get("k"), undefined);
  });

  it("takes an absolute deadline, and stores nothing under one that has passed", () => {
    const { cache, clock } = makeCache();
    equal(cache.set("k", 1, { expiresAt: clock.now() + 5 }), true);
    equal(cache.expiresAt("k"), clock.now() + 5);
    equal(cache.set("k", 2, { expiresAt: clock.now() }), true);
    equal(cache.get("k"), undefined);
    equal(cache.set("k", 3, { ttlMs: 0 }), true);
    equal(cache.get("k"), undefined);
    equal(cache.set("k", 3, { expiresAt: -Infinity }), true);
    equal(cache.get("k"), undefined);
    equal(cache.set("k", 4, { expiresAt: NEVER }), true);
    equal(cache.expiresAt("k"), NEVER);
  });

  it("WX-01: an entry stored again outlives its first bucket", async () => {
    const { cache, clock } = makeCache();
    cache.set("longer", 1, { ttlMs: 10_000 });
    cache.set("for ever", 1, { ttlMs: 10_000 });
    await clock.advance(20_000);
    cache.set("longer", 2, { ttlMs: 5_000_000 });
    cache.delete("for ever");
    cache.set("for ever", 2);
    for (let step = 0; step < 400; step++) {
      await clock.advance(12_000);
      cache.set("other", step, { ttlMs: 1_000 });
    }
    deepEqual(cache.getMulti(["longer", "for ever"]), new Map([["longer", 2], ["for ever", 2]]));
    await clock.advance(200_000);
    equal(cache.get("longer"), undefined);
    equal(cache.get("for ever"), 2);
  });

  it("WX-02: stores at multiples of the whole ring's length sweep all the same", async () => {
    const { cache, clock } = makeCache();
    for (let round = 0; round < 20; round++) {
      cache.set(`k${round}`, 1, { ttlMs: 1_000 });
      ok(cache.size <= 1, `${cache.size} entries are held`);
      await clock.advance(900_000);
    }
  });

  it("WX-03: an entry without deadline stays past the year 2038, and so does one with", () => {
    const clock = new ManualClock(Date.UTC(2101, 0));
    const cache = new MemoryCache({ clock });
    cache.set("for ever", 1);
    cache.set("an hour", 1, { ttlMs: 3_600_000 });
    equal(cache.get("for ever"), 1);
    equal(cache.get("an hour"), 1);
    clock.set(Date.UTC(9000, 0));
    equal(cache.get("for ever"), 1);
    equal(cache.get("an hour"), undefined);
  });

  it("WX-04: times to live are milliseconds, fractions of a second and years included", async () => {
    const { cache, clock } = makeCache();
    cache.set("short", 1, { ttlMs: 999 });
    cache.set("long", 1, { ttlMs: 10 * 365 * 86_400_000 });
    cache.set("thirty days", 1, { ttlMs: 2_592_000_000 });
    await clock.advance(998);
    equal(cache.get("short"), 1);
    await clock.advance(1);
    equal(cache.get("short"), undefined);
    equal(cache.get("thirty days"), 1);
    equal(cache.get("long"), 1);
  });

  it("WX-05: replacing an expired key finds nothing to replace", async () => {
    const { cache, clock } = makeCache();
    cache.setMulti([["a", 1], ["b", 1]], { ttlMs: 10 });
    await clock.advance(10);
    equal(cache.replace("a", 2), false);
    deepEqual(cache.replaceMulti([["b", 2]]), ["b"]);
    equal(cache.get("a"), undefined);
    equal(cache.get("b"), undefined);
  });

  it("WX-06: a clock step changes no deadline and drops nothing that is alive", () => {
    const { cache, clock } = makeCache();
    const start = clock.now();
    cache.set("k", 1, { ttlMs: 60_000 });
    for (const step of [-3_600_000, 59_999, -86_400_000, 30_000, 0]) {
      clock.set(start + step);
      cache.set("other", step, { ttlMs: 1_000 });
      equal(cache.get("k"), 1);
      equal(cache.expiresAt("k"), start + 60_000);
    }
    clock.set(start + 60_000);
    equal(cache.get("k"), undefined);
  });

  it("gives memory back after hours of standstill, in bounded steps", async () => {
    const { cache, clock } = makeCache();
    for (let n = 0; n < 1_000; n++) cache.set(`k${n}`, n, { ttlMs: 1_000 + n * 60_000 });
    await clock.advance(100 * 3_600_000);
    cache.set("k", 1, TEN_SECONDS);
    ok(cache.size >= 980, "one store buries a few");
    for (let n = 0; n < 70; n++) cache.set("k", 1, TEN_SECONDS);
    equal(cache.size, 1);
  });

  it("buries the dead also when all later stores have no deadline", async () => {
    const { cache, clock } = makeCache();
    for (let n = 0; n < 100; n++) cache.set(`dead${n}`, n, { ttlMs: 1_000 });
    await clock.advance(60_000);
    for (let n = 0; n < 1_000; n++) cache.set("k", n);
    equal(cache.size, 1);
  });

  it("sweeps on demand", async () => {
    const { cache, clock } = makeCache();
    for (let n = 0; n < 100; n++) cache.set(`dead${n}`, n, { ttlMs: 1_000 });
    await clock.advance(60_000);
    cache.sweep(40);
    equal(cache.size, 60);
    cache.sweep();
    equal(cache.size, 0);
  });

  it("reads no clock for what never expires", () => {
    let reads = 0;
    const clock = { now: () => ++reads, sleep: () => Promise.resolve() };
    const cache = new MemoryCache({ clock });
    cache.set("k", 1);
    cache.get("k");
    cache.add("k", 2);
    cache.replace("k", 2);
    cache.delete("k");
    equal(reads, 0);
    cache.getMulti(["a", "b", "c"]);
    equal(reads, 1);
    cache.setMulti([["a", 1], ["b", 1], ["c", 1]], { ttlMs: 1_000 });
    equal(reads, 2);
    cache.get("a");
    equal(reads, 3);
  });

  it("keeps a counter's deadline while it counts, and gives a new one its own", async () => {
    const { cache, clock } = makeCache();
    cache.incr("n", 1, { initialValue: 0, ttlMs: 1_000 });
    await clock.advance(999);
    equal(cache.incr("n", 1, { initialValue: 0, ttlMs: 1_000 }), 2);
    await clock.advance(1);
    equal(cache.incr("n"), undefined);
  });

  it("gives a live entry a new deadline by touch", async () => {
    const { cache, clock } = makeCache();
    cache.set("k", 1, { ttlMs: 1_000 });
    equal(cache.touch("k", { ttlMs: 5_000 }), true);
    await clock.advance(4_999);
    equal(cache.get("k"), 1);
    equal(cache.touch("k"), true);
    await clock.advance(10_000_000);
    equal(cache.get("k"), 1);
    equal(cache.touch("k", { ttlMs: 0 }), true);
    equal(cache.get("k"), undefined);
  });
});

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
    equal(cache.get("k"), 1);
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
