/** A region used for the first time, by many at the same moment. */

import { equal } from "node:assert/strict";
import { it } from "node:test";
import type { Entry } from "../../../src/contracts/entry.ts";
import type { Locks } from "../../../src/contracts/locks.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

it("the one that waits takes the value of the one that creates, under marks made meanwhile", async () => {
  const clock = new ManualClock();
  const backend = memoryBackend<Entry>({ clock });
  const atomics = memoryBackend<Uint8Array>({ clock });
  const regionOf = () =>
    makeRegion({ clock, backend, locks: atomicLocks(atomics, backend, { clock }) });
  const created = Promise.withResolvers<string>();
  let creations = 0;
  const creator = () => {
    creations++;
    return created.promise;
  };
  const one = regionOf().getOrCreate("key", creator);
  const other = regionOf().getOrCreate("key", creator);
  await settled();
  created.resolve("value");
  await clock.advance(5_000);
  equal(await one, "value");
  equal(await other, "value");
  equal(creations, 1);
});

/** A store with its local locks, which counts what is locked under marks, and holds up one half. */
function watchedMarks(held: "hard" | "soft" = "hard") {
  const clock = new ManualClock();
  const store = new ModelStore<Entry>(clock);
  const local = localLocks<Entry>(store, { clock });
  const gate = Promise.withResolvers<void>();
  const watched = { acquired: 0, gate };
  const locks: Locks<Entry> = {
    name: local.name,
    revoke: (keys) => local.revoke(keys),
    acquire: async (key, options) => {
      if (key.startsWith("cairn-mark:")) watched.acquired++;
      const acquired = await local.acquire(key, options);
      if (key.startsWith(`cairn-mark:${held}:`)) await gate.promise;
      return acquired;
    },
  };
  return { clock, store, local, watched, region: makeRegion({ clock, backend: store, locks }) };
}

it("simultaneous first uses of a mark in one process take its locks once", async () => {
  const { watched, region } = watchedMarks();
  watched.gate.resolve();
  const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
  await Promise.all(keys.map((key) => region.getOrCreate(key, () => key)));
  equal(watched.acquired, 2);
});

it("an invalidation while a mark is made for the first time is not lost", async () => {
  const { watched, region } = watchedMarks();
  let made = 0;
  const creating = region.getOrCreate("key", () => ++made);
  await settled();
  equal(watched.acquired, 2);
  await region.invalidate();
  await region.invalidate({ hard: false });
  watched.gate.resolve();
  equal(await creating, 1);
  // It was made after the invalidation, under marks that stand.
  equal(await region.get("key"), 1);
  await region.set("another", 1);
  equal(await region.get("another"), 1);
});

it("an invalidation while the lost half of a mark is made again is not lost", async () => {
  const { clock, store, watched, region } = watchedMarks("soft");
  const old = makeRegion({ clock, backend: store });
  await old.set("old", 1);
  await store.delete(["cairn-mark:soft:region"]);
  const creating = region.getOrCreate("key", () => 1);
  await settled();
  equal(watched.acquired, 1);
  await region.invalidate();
  watched.gate.resolve();
  equal(await creating, 1);
  equal(await region.get("old", { allowStale: true }), undefined);
});

it("who waits for a mark goes on when it is there, whoever holds its lock", async () => {
  const clock = new ManualClock();
  const backend = memoryBackend<Entry>({ clock });
  const atomics = memoryBackend<Uint8Array>({ clock });
  const locks = atomicLocks<Entry>(atomics, backend, { clock });
  const region = makeRegion({ clock, backend, locks });
  await locks.acquire("cairn-mark:hard:region", {
    leaseMs: 60_000,
    waitMs: 0,
    enough: () => false,
  });
  const creating = region.getOrCreate("key", () => 1);
  await settled();
  await makeRegion({ clock, backend, locks }).invalidate();
  await clock.advance(500);
  equal(await creating, 1);
  equal(await region.get("key"), 1);
});
