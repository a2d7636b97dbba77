/** Leases against deletions and renewals, in every order of their trips. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Atomics } from "../../../src/contracts/atomics.ts";
import type { Backend } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { type Choose, everyChoice, SteppedWorld } from "../../testing/stepped_world.ts";

const ONCE = { leaseMs: 1_000, waitMs: 0, enough: () => false };
/** What may happen at any moment without a difference to anybody; leaving it out keeps orders few. */
const INDIFFERENT: ReadonlySet<string | symbol> = new Set(["increment", "touch"]);
const WRITE = { key: "key", value: "made", expiresAt: NEVER };

/** A store each of whose operations is let go when the world chooses, once it has begun. */
function steppedStore(choose: Choose) {
  const state = { hasBegun: false };
  const world = new SteppedWorld((count) => state.hasBegun ? choose(count) : 0);
  const model = new ModelStore<string>(world);
  const store = new Proxy(model, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== "function") return found;
      return async (...args: unknown[]) => {
        if (state.hasBegun && !INDIFFERENT.has(name)) await world.step(String(name));
        return await found.apply(target, args);
      };
    },
  }) as Backend<string> & Atomics<string>;
  const locks = atomicLocks<string, string>(store, store, { clock: world, tokenOf: (id) => id });
  return { state, world, model, locks, local: localLocks<string>(store, { clock: world }) };
}

for (const kind of ["locks", "local"] as const) {
  const name = kind === "local" ? "localLocks" : "atomicLocks";
  it(`${name}: what was read under a lease is not stored again after a deletion`, async () => {
    let runs = 0;
    await everyChoice(async (choose) => {
      const { state, world, model, [kind]: locks } = steppedStore(choose);
      await model.set([{ ...WRITE, value: "old" }]);
      state.hasBegun = true;
      // As a stale value that stands in for a failed creation, or a touch.
      const keeping = async (): Promise<void> => {
        if (kind === "local") await world.step("begin");
        const { lease, value } = await locks.acquire("key", ONCE);
        if (value === undefined) await lease?.release();
        else await lease?.commit({ ...WRITE, value });
      };
      await world.run(Promise.all([keeping(), locks.revoke(["key"])]));
      state.hasBegun = false;
      deepEqual(model.keys, [], world.history.join("; "));
      const { lease } = await world.run(locks.acquire("key", ONCE));
      ok(lease, "the lock is still held");
      runs++;
    });
    ok(runs > 1, `${runs} orders`);
  });
}

describe("atomicLocks in every order of trips", () => {
  for (const hasRenewal of [false, true]) {
    const what = hasRenewal ? "renewal and commit" : "commit";
    it(`a deletion at any moment of a ${what} wins`, async () => {
      let runs = 0;
      await everyChoice(async (choose) => {
        const { state, world, model, locks } = steppedStore(choose);
        const { lease } = await world.run(locks.acquire("key", ONCE));
        ok(lease);
        state.hasBegun = true;
        const storing = async (): Promise<void> => {
          if (hasRenewal && !await lease.renew(1_000)) return;
          await lease.commit(WRITE);
        };
        await world.run(Promise.all([storing(), locks.revoke(["key"])]));
        state.hasBegun = false;
        deepEqual(model.keys, [], world.history.join("; "));
        runs++;
      });
      ok(runs > 10, `${runs} orders`);
    });
  }

  it("a commit while a renewal is under way stores, and leaves neither lock nor guard", async () => {
    await everyChoice(async (choose) => {
      const { state, world, model, locks } = steppedStore(choose);
      const { lease } = await world.run(locks.acquire("key", ONCE));
      ok(lease);
      state.hasBegun = true;
      const renewing = lease.renew(1_000);
      equal(await world.run(lease.commit(WRITE)), true);
      equal(await renewing, true);
      deepEqual(model.keys, ["key"]);
    });
  });

  it("a guard that a dead holder has left behind hinders nobody", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<string>(clock);
    const locks = atomicLocks<string, string>(store, store, { clock, tokenOf: (id) => id });
    await locks.acquire("key", ONCE);
    await store.delete(store.keys.filter((key) => key.startsWith("_lock")));
    const { lease } = await locks.acquire("key", ONCE);
    equal(await lease?.renew(1_000), true);
    equal(await lease?.commit(WRITE), true);
    deepEqual(store.keys, ["key"]);
  });
});
