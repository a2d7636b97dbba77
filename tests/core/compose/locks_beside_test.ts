import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { locksBeside } from "../../../src/compose/locks_beside.ts";
import { polled } from "../../../src/compose/polled.ts";
import { ProxyBackend } from "../../../src/compose/proxy.ts";
import { tiered } from "../../../src/compose/tiered.ts";
import type { Write } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { byteSamples } from "../../conformance/cases.ts";
import { type LocksFixture, locksSuite } from "../../conformance/locks_suite.ts";
import { writeOf } from "../../testing/entries.ts";
import { type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

const once = { leaseMs: 1_000, waitMs: 0, enough: () => false };

locksSuite("local beside another store", (clock): LocksFixture<Uint8Array> => {
  const deciding = new ModelStore<number>(clock);
  const store = new ModelStore<Uint8Array>(clock);
  const make = () => locksBeside(store, localLocks(deciding, { clock }), { clock });
  const breakStore = (): void => void (store.isBroken = deciding.isBroken = true);
  return { backend: store, locks: make(), others: make(), breakStore };
}, { samples: byteSamples });

describe("locksBeside", () => {
  it("DX-22: a commit passes through the proxies, as every other write does", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    class Marking extends ProxyBackend {
      override set(writes: readonly Write<Entry>[]): Promise<void> {
        return super.set(
          writes.map((write) => ({ ...write, value: { ...write.value, tags: ["marked"] } })),
        );
      }
    }
    const locks = locksBeside(new Marking().wrap(store), localLocks(store, { clock }), { clock });
    const { lease } = await locks.acquire("key", once);
    equal(await lease!.commit(writeOf("key", 1)), true);
    deepEqual((await store.get(["key"]))[0]?.tags, ["marked"]);
  });

  it("a commit fills every tier", async () => {
    const clock = new ManualClock();
    const [near, far] = [new ModelStore<Entry>(clock), new ModelStore<Entry>(clock)];
    const backend = tiered(near, far, { clock });
    const locks = locksBeside(backend, localLocks(far, { clock }), { clock });
    const { lease } = await locks.acquire("key", once);
    await lease!.commit(writeOf("key", 1));
    deepEqual([near.keys, far.keys], [["key"], ["key"]]);
  });

  it("takes back what it stored when the lease was lost while it stored", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<number>(clock);
    const slow = new ScriptedBackend(store, async ({ verb }): Promise<Fault> => {
      if (verb === "set") await clock.sleep(5_000);
      return "none";
    });
    const locks = locksBeside(slow, localLocks(store, { clock }), { clock });
    const late = (await locks.acquire("key", once)).lease!;
    const committed = late.commit({ key: "key", value: 1, expiresAt: NEVER });
    await clock.advance(5_000);
    equal(await committed, false);
    deepEqual(store.keys, []);
  });

  it("keeps out what was read while a deletion was under way", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<number>(clock);
    const slow = new ScriptedBackend(store, async ({ verb }): Promise<Fault> => {
      if (verb === "delete") await clock.sleep(500);
      return "none";
    });
    const locks = locksBeside(slow, localLocks(new ModelStore<number>(clock), { clock }), {
      clock,
    });
    const write = { key: "key", value: 1, expiresAt: NEVER };
    await store.set([write]);
    const deleted = locks.revoke(["key"]);
    await clock.advance(0);
    const { lease, value } = await locks.acquire("key", { ...once, leaseMs: 60_000 });
    equal(value, 1, "the value that is about to go");
    await clock.advance(500);
    await deleted;
    equal(await lease!.commit(write), false);
    deepEqual(store.keys, []);
  });

  it("renews for as long as the lease was last given before it stores", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<number>(clock);
    const slow = new ScriptedBackend(store, async ({ verb }): Promise<Fault> => {
      if (verb === "set") await clock.sleep(5_000);
      return "none";
    });
    const locks = locksBeside(slow, localLocks(store, { clock }), { clock });
    const lease = (await locks.acquire("key", once)).lease!;
    await lease.renew(60_000);
    const committed = lease.commit({ key: "key", value: 1, expiresAt: NEVER });
    await clock.advance(5_000);
    equal(await committed, true);
  });

  it("gives the lock back when the value cannot be read", async () => {
    const clock = new ManualClock();
    const deciding = new ModelStore<number>(clock);
    const store = new ModelStore<number>(clock);
    const locks = locksBeside(store, localLocks(deciding, { clock }), { clock });
    store.isBroken = true;
    await locks.acquire("key", once).catch(() => {});
    store.isBroken = false;
    ok((await locks.acquire("key", once)).lease);
  });
});

describe("polled", () => {
  it("waits between attempts at random, longer each time up to a bound, and ends in time", async () => {
    const clock = new ManualClock(0);
    const attemptedAt: number[] = [];
    const ended = polled(() => {
      attemptedAt.push(clock.now());
      return Promise.resolve({ result: attemptedAt.length, isDone: false });
    }, { waitMs: 100, pauseMs: 10, maxPauseMs: 30, clock, random: () => 1 });
    await clock.advance(1_000);
    deepEqual([attemptedAt, await ended], [[0, 10, 25, 47.5, 77.5, 100], 6]);
  });

  it("waits no longer where the clock steps back", async () => {
    const timer = new ManualClock();
    let stepMs = 0;
    const clock = { now: () => timer.now() - stepMs, sleep: timer.sleep.bind(timer) };
    let isEnded = false;
    const attempt = () => Promise.resolve({ result: 0, isDone: false });
    void polled(attempt, { waitMs: 100, clock, random: () => 1 }).then(() => isEnded = true);
    await timer.advance(50);
    stepMs = 3_600_000;
    // No more is lost than what had passed since it last looked.
    await timer.advance(84);
    equal(isEnded, true);
  });

  it("never attempts more often than its pauses allow, nor waits longer than it may", async () => {
    const shares = fc.double({ min: 0, max: 0.999, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 10_000 }), shares, async (waitMs, share) => {
        const clock = new ManualClock(0);
        let attempts = 0;
        const attempt = () => Promise.resolve({ result: ++attempts, isDone: false });
        const ended = polled(attempt, { waitMs, clock, random: () => share }).then(() =>
          clock.now()
        );
        await clock.advance(20_000);
        ok(attempts <= 2 + 8 + waitMs / 125, `${attempts} attempts in ${waitMs} ms`);
        equal(await ended, waitMs);
      }),
      { numRuns: 50 },
    );
  });
});
