/** What is over leaves nothing: no flight, no listener, no signal that is aborted afterwards. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backend } from "../../../src/contracts/backend.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import type { Locks } from "../../../src/contracts/locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { type Flight, PendingTable } from "../../../src/region/pending.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { mapsWith } from "../../testing/maps_with.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench, SHAPES } from "../../testing/region_bench.ts";

describe("nothing is left", () => {
  it("in the pending table of flights that have ended, in whatever order they end", async () => {
    const pending = new PendingTable();
    const flights: Flight[] = [];
    const [table] = await mapsWith("key", () => {
      for (const epoch of [0, 1, 2]) flights.push(pending.start("key", epoch));
    });
    pending.start("other", 0).settle(1);
    for (const i of [1, 2, 0]) {
      equal(table?.size, 1);
      if (i === 2) flights[i]?.fail(new Error("mine"));
      else flights[i]?.settle(i);
    }
    equal(table?.size, 0);
  });

  it("in the table of local locks of holders that never release, but for as many as are new", async () => {
    const clock = new ManualClock();
    const locks = localLocks(new ModelStore<Entry>(clock), { clock });
    const hold = { leaseMs: 1_000, waitMs: 0, enough: () => false };
    const [table] = await mapsWith("key 0", () => locks.acquire("key 0", hold));
    for (let i = 1; i < 100; i++) await locks.acquire(`key ${i}`, hold);
    equal(table?.size, 100);
    await clock.advance(1_000);
    // Each newcomer looks at two of the oldest.
    for (let i = 0; i < 60; i++) await locks.acquire(`another ${i}`, hold);
    ok(table!.size <= 61, `${table?.size} holdings`);
  });

  for (const shape of SHAPES) {
    it(`on a caller's signal in a region of ${shape}, however the call ends`, async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 5 },
      });
      const { signal } = new AbortController();
      let listeners = 0;
      for (const [name, step] of [["addEventListener", 1], ["removeEventListener", -1]] as const) {
        const original = signal[name].bind(signal) as (...args: unknown[]) => void;
        signal[name] = (...args: unknown[]) => {
          listeners += step;
          original(...args);
        };
      }
      const ask = (create: () => unknown): Promise<unknown> => {
        return region.getOrCreate<unknown>("key", create, { signal });
      };
      await Promise.all([ask(() => 1), ask(() => 1)]);
      await clock.advance(100);
      const late = [ask(() => clock.sleep(50).then(() => 2)), ask(() => 2)];
      await clock.advance(50);
      deepEqual(await Promise.all(late), [1, 1]);
      await clock.advance(100);
      await region.delete("key");
      await rejects(ask(() => Promise.reject(new Error("mine"))), { message: "mine" });
      await settled();
      equal(listeners, 0);
      equal(clock.sleeping, 0);
    });
  }

  it("to abort what a creator has handed its signal to, when it is done", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const local = localLocks<Entry>(store, { clock });
    const renewal = Promise.withResolvers<boolean>();
    const locks: Locks<Entry> = {
      name: local.name,
      revoke: (keys) => local.revoke(keys),
      acquire: async (key, options) => {
        const { lease, value } = await local.acquire(key, options);
        return { lease: lease && { ...lease, renew: () => renewal.promise }, value };
      },
    };
    const limits = { lock: { leaseMs: 300 }, creation: { hardTimeoutMs: 1_000 } };
    const region = makeRegion({ clock, backend: store, locks, ...limits });
    let handed: AbortSignal | undefined;
    const creating = region.getOrCreate("key", async ({ signal }) => {
      handed = signal;
      await clock.sleep(200);
      return 1;
    });
    await clock.advance(200);
    equal(await creating, 1);
    // The renewal that was under way learns that the lease is over, as it should be.
    renewal.resolve(false);
    await clock.advance(10_000);
    equal(handed?.aborted, false);
  });

  it("on the shelf of a value deleted while the reply to its set was on its way", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const reply = Promise.withResolvers<void>();
    const backend: Backend<Entry> = {
      name: store.name,
      limits: store.limits,
      get: (keys) => store.get(keys),
      delete: (keys) => store.delete(keys),
      set: async (writes) => {
        await store.set(writes);
        if (writes.some(({ key }) => key === "key")) await reply.promise;
      },
    };
    const region = makeRegion({ clock, backend, near: {} });
    const setting = region.set("key", "deleted");
    await settled();
    await region.delete("key");
    reply.resolve();
    await setting;
    equal(await region.get("key"), undefined);
  });

  it("on the shelf of a value deleted while the reply to its commit was on its way", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const local = localLocks<Entry>(store, { clock });
    const reply = Promise.withResolvers<void>();
    const locks: Locks<Entry> = {
      name: local.name,
      revoke: (keys) => local.revoke(keys),
      acquire: async (key, options) => {
        const { lease, value } = await local.acquire(key, options);
        const commit: NonNullable<typeof lease>["commit"] = async (write) => {
          const isStored = await lease!.commit(write);
          if (write.key === "key") await reply.promise;
          return isStored;
        };
        return { lease: lease && { ...lease, commit }, value };
      },
    };
    const region = makeRegion({ clock, backend: store, locks, near: {} });
    const creating = region.getOrCreate("key", () => "deleted");
    await settled();
    await region.delete("key");
    reply.resolve();
    equal(await creating, "deleted");
    equal(await region.get("key"), undefined);
  });
});
