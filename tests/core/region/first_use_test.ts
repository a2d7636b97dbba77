/** Two processes that use a region for the first time at the same moment. */

import { equal } from "node:assert/strict";
import { it } from "node:test";
import type { Entry } from "../../../src/contracts/entry.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";

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
