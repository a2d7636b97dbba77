/** The copies of marks that a process keeps: how many, how old, and by which way they come. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { ProxyBackend } from "../../../src/compose/proxy.ts";
import type { Write } from "../../../src/contracts/backend.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import type { RegionInvalidationStrategy } from "../../../src/region/invalidation.ts";
import { Marks } from "../../../src/region/marks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { mapsWith } from "../../testing/maps_with.ts";
import { regionBench } from "../../testing/region_bench.ts";

/** More tags than a process keeps copies of. */
const MANY = 10_001;

describe("copies of marks", () => {
  it("a near shelf may have any number of tags, and invalidating one concerns no other", async () => {
    const region = makeRegion({ near: { maxEntries: 2 * MANY } });
    const keys = Array.from({ length: MANY }, (_, i) => `key ${i}`);
    for (const key of keys) await region.set(key, key, { tags: [key] });
    await region.invalidate({ tags: ["key 5"] });
    deepEqual(await region.getMulti(keys), keys.map((key) => key === "key 5" ? undefined : key));
  });

  it("more invalidated tags than are remembered invalidate too much, never too little", async () => {
    const region = makeRegion();
    await region.set("untagged", 1);
    await region.set("first", 1, { tags: ["tag 0"] });
    for (let i = 0; i <= MANY; i++) await region.invalidate({ tags: [`tag ${i}`] });
    equal(await region.get("first"), undefined);
    equal(await region.get("untagged"), 1);
    await region.set("again", 1, { tags: ["tag 0"] });
    equal(await region.get("again"), 1);
  });

  it("one batch may bear more tags than are remembered", async () => {
    const { region, clock, store } = regionBench("backend");
    const keys = Array.from({ length: MANY }, (_, i) => `key ${i}`);
    for (const key of keys) await region.set(key, key, { tags: [key] });
    const other = makeRegion({ clock, backend: store });
    deepEqual(await other.getMulti(keys), keys);
    deepEqual(await other.getMulti(keys), keys);
  });

  it("a read of a mark that a later one has overtaken is ignored", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    const make = () =>
      new Marks({
        region: "r",
        store: { actual: store, backend: store, locks },
        mangle: (key) => key,
        maxAgeMs: 1_000,
        clock,
      });
    const [here, there] = [make(), make()];
    const [old] = await here.stamp([]);
    await clock.advance(1_000);
    const early = here.query([]);
    const answer = await store.get(early!.keys);
    await there.invalidate({ hard: true, tags: undefined });
    const late = here.query([]);
    late!.learn(await store.get(late!.keys));
    const [known] = await here.stamp([]);
    early!.learn(answer);
    ok(known?.hard !== old?.hard);
    deepEqual(await here.stamp([]), [known]);
  });

  it("asked for every time, they still come with the value, in one trip", async () => {
    const { region, store } = regionBench("backend", { marksMaxAgeMs: 0 });
    await region.set("key", 1);
    store.trips = 0;
    equal(await region.get("key"), 1);
    equal(store.trips, 1);
  });

  it("are trusted while others are learned, and read again when there were too many", async () => {
    const { clock, store, region } = regionBench("near and backend");
    await region.set("a", 1, { tags: ["a"] });
    await region.set("b", 1, { tags: ["b"] });
    store.trips = 0;
    await region.set("c", 1, { tags: ["a", "b"] });
    equal(store.trips, 1);
    const writer = makeRegion({ clock, backend: store });
    const keys = Array.from({ length: MANY }, (_, i) => `key ${i}`);
    for (const key of keys) await writer.set(key, key, { tags: [key] });
    await region.getMulti(keys);
    // Its copies are gone now, and what it invalidates itself it sees at once all the same.
    await region.invalidate({ tags: ["a"] });
    for (const [key, value] of [["a", 2], ["b", 1], ["c", 2]] as const) {
      equal(await region.getOrCreate(key, () => 2), value, key);
    }
  });

  it("are no more than ten thousand and those of one trip", async () => {
    const { region } = regionBench("backend");
    const maps = await mapsWith(":tag0", () => region.set("key", 0, { tags: ["tag0"] }));
    ok(maps.some(({ size }) => size > 0));
    let most = 0;
    for (let i = 1; i < 2 * MANY; i++) {
      await region.set("key", i, { tags: [`tag${i}`] });
      most = Math.max(most, ...maps.map(({ size }) => size));
    }
    ok(most <= MANY + 1, `${most} copies`);
  });

  it("an invalidation elsewhere that one read has told of ends the joining of older creations", async () => {
    for (const hard of [true, false]) {
      const { clock, store, region } = regionBench("backend");
      const other = makeRegion({ clock, backend: store });
      const first = region.getOrCreate("key", () => clock.sleep(2_000).then(() => "before"));
      await clock.advance(500);
      await other.invalidate({ hard });
      await clock.advance(500);
      // The copies of the mark are too old now, and are read with this key.
      await region.get("unknown");
      const second = region.getOrCreate("key", () => "after");
      await clock.advance(2_000);
      equal(await first, "before");
      equal(await second, "after");
      equal(region.stats().join, 0);
    }
  });

  it("go through a proxy that is put around the store later, as values do", async () => {
    class Renaming extends ProxyBackend {
      override get(keys: readonly string[]): Promise<(Entry | undefined)[]> {
        return super.get(keys.map((key) => `x:${key}`));
      }
      override set(writes: readonly Write<Entry>[]): Promise<void> {
        return super.set(writes.map((write) => ({ ...write, key: `x:${write.key}` })));
      }
    }
    const { region, clock, store } = regionBench("near and backend");
    await region.set("key", "without");
    region.wrap(Renaming);
    equal(await region.get("key"), undefined);
    await store.delete(store.keys);
    await region.set("key", 1);
    equal(store.keys.length, 3);
    ok(store.keys.every((key) => key.startsWith("x:")), `${store.keys}`);
    await clock.advance(1_000);
    equal(await region.get("key"), 1);
  });
});

it("a strategy's invalidation during a creation wins over it", async () => {
  const clock = new ManualClock();
  let at = 0;
  const byTime: RegionInvalidationStrategy = {
    invalidate: () => void (at = clock.now()),
    isHardInvalidated: ({ createdAt }) => createdAt < at,
    isSoftInvalidated: () => false,
  };
  const region = makeRegion({ clock, regionInvalidator: byTime });
  const gate = Promise.withResolvers<string>();
  const first = region.getOrCreate("key", () => gate.promise);
  await clock.advance(1);
  await region.invalidate();
  const second = region.getOrCreate("key", () => "new");
  await settled();
  gate.resolve("old");
  deepEqual([await first, await second], ["old", "new"]);
  equal(await region.get("key"), "new");
});
