import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import { MemoryCache } from "../../../src/memory/memory_cache.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { makeCache, TEN_SECONDS } from "./make_cache.ts";

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
    cache.deleteMulti(["a", "b", "c"]);
    equal(reads, 0);
    cache.setMulti([["a", 1], ["b", 1], ["c", 1]], { ttlMs: 1_000 });
    equal(reads, 1);
    cache.getMulti(["a", "b", "c"]);
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

  it("keeps every store to its own terms, whoever else stores while it is at work", async () => {
    const strangers = new Set<string>();
    const store = (by: string): void => {
      if (strangers.has(by)) return;
      strangers.add(by);
      cache.set(`stored by ${by}`, 1, { ttlMs: 70, namespace: "elsewhere" });
    };
    const { cache, clock }: ReturnType<typeof makeCache> = makeCache({
      weigh: (_value, key) => (key === "weighed" && store("weigh"), 1),
      onRemoval: () => store("listener"),
    });
    const inMs = (key: string) => cache.expiresAt(key)! - clock.now();
    function* entries(): Generator<[string, number]> {
      yield ["first", 1];
      store("iterable");
      yield ["second", 1];
    }
    cache.set("old", 1, { ttlMs: 1 });
    await clock.advance(1);
    cache.add("old", 2, { ttlMs: 1_000 });
    cache.set("weighed", 1, { ttlMs: 2_000 });
    cache.setMulti(entries(), { ttlMs: 3_000 });
    deepEqual(["old", "weighed", "first", "second"].map(inMs), [1_000, 2_000, 3_000, 3_000]);
    deepEqual([...strangers], ["listener", "weigh", "iterable"]);
    equal([...cache.keys("elsewhere")].length, 3);
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
