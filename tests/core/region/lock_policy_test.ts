import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../../src/contracts/entry.ts";
import { BackendError, LeaseLostError, LockTimeoutError } from "../../../src/contracts/errors.ts";
import type { Locks } from "../../../src/contracts/locks.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import type { CreationContext } from "../../../src/region/creation.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion, type Region, type RegionOptions } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter } from "../../testing/region_bench.ts";

interface Processes {
  readonly clock: ManualClock;
  readonly store: ModelStore<Entry>;
  /** Two regions as two processes have them: one store, locks by it, nothing else in common. */
  readonly one: Region;
  readonly two: Region;
}

const KINDS = {
  "local locks": (store: ModelStore<Entry>, clock: ManualClock) =>
    localLocks<Entry>(store, { clock }),
  "atomic locks": (store: ModelStore<Entry>, clock: ManualClock) => {
    const tokens = new ModelStore<Uint8Array>(clock, { name: "tokens" });
    return atomicLocks<Entry>(tokens, store, { clock, random: () => 0.5 });
  },
};

function processesOf(kind: keyof typeof KINDS, options: RegionOptions = {}): Processes {
  const clock = new ManualClock();
  const store = new ModelStore<Entry>(clock);
  const locks: Locks<Entry> = KINDS[kind](store, clock);
  const make = () => makeRegion({ clock, backend: store, locks, ...options });
  return { clock, store, one: make(), two: make() };
}

for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
  describe(`two processes with ${kind}`, () => {
    it("DX-29: one creates a missing value, the other waits for it and does not create", async () => {
      const { clock, one, two } = processesOf(kind);
      const gate = Promise.withResolvers<string>();
      const first = one.getOrCreate("key", () => gate.promise);
      await settled();
      const second = two.getOrCreate("key", () => "second");
      await clock.advance(1_000);
      gate.resolve("first");
      await clock.advance(1_000);
      deepEqual([await first, await second], ["first", "first"]);
      equal(two.stats().create, 0);
    });

    it("while one recreates, the other goes on with the stale value at once", async () => {
      const { clock, one, two } = processesOf(kind, { softTtlMs: 100 });
      await one.set("key", "old");
      await clock.advance(100);
      const gate = Promise.withResolvers<string>();
      const first = one.getOrCreate("key", () => gate.promise);
      await settled();
      equal(await two.getOrCreate("key", () => "never"), "old");
      gate.resolve("new");
      equal(await first, "new");
      equal(await two.getOrCreate("key", () => "never"), "new");
    });

    it("DX-16: who found it stale and comes late to the lock reads again and does not create", async () => {
      const { clock, store, one, two } = processesOf(kind, { softTtlMs: 100 });
      await one.set("key", "old");
      await clock.advance(100);
      const gate = Promise.withResolvers<void>();
      const slowReader = makeRegion({
        clock,
        softTtlMs: 100,
        backend: { ...bound(store), get: (keys) => store.get(keys).then(gated(gate.promise)) },
        locks: localLocks<Entry>(store, { clock }),
      });
      const late = slowReader.getOrCreate("key", () => "twice");
      await settled();
      equal(await two.getOrCreate("key", () => "new"), "new");
      gate.resolve();
      equal(await late, "new");
    });

    it("DX-10: a delete by one ends the creation under way in the other", async () => {
      const { clock, one, two } = processesOf(kind);
      const gate = Promise.withResolvers<string>();
      const creating = one.getOrCreate("key", () => gate.promise);
      await settled();
      await two.delete("key");
      gate.resolve("obsolete");
      equal(await creating, "obsolete");
      equal(await two.get("key"), undefined);
      equal(await one.get("key"), undefined);
      equal(one.stats().discard, 1);
      await clock.advance(1);
      equal(await two.getOrCreate("key", () => "new"), "new");
    });

    it("DX-06: a creation longer than its lease keeps it by renewing", async () => {
      const { clock, one, two } = processesOf(kind, { lock: { leaseMs: 300, waitMs: 60_000 } });
      const first = one.getOrCreate("key", () => clock.sleep(3_000).then(() => "slow"));
      await settled();
      const second = two.getOrCreate("key", () => "second");
      await clock.advance(3_000);
      await clock.advance(1_000);
      deepEqual([await first, await second], ["slow", "slow"]);
    });

    it("DX-09: when the creator's process dies, the next one creates after its lease", async () => {
      const { clock, store, two } = processesOf(kind);
      const locks = KINDS[kind](store, clock);
      const { lease } = await locks.acquire("key", {
        leaseMs: 500,
        waitMs: 0,
        enough: () => false,
      });
      ok(lease);
      const region = kind === "local locks" ? two : makeRegion({ clock, backend: store, locks });
      const second = region.getOrCreate("key", () => "second");
      await clock.advance(499);
      equal(await store.get(["key"]).then(([entry]) => entry), undefined);
      await clock.advance(500);
      equal(await second, "second");
    });

    it("DX-07: a wait in vain throws, if the policy says so", async () => {
      const { clock, one, two } = processesOf(kind, { lock: { waitMs: 100, onTimeout: "throw" } });
      void one.getOrCreate("key", () => new Promise(() => {}));
      await settled();
      const waiting = rejects(two.getOrCreate("key", () => 1), (error) => {
        return error instanceof LockTimeoutError &&
          /"key": still held after 100 ms/.test(error.message);
      });
      await clock.advance(100);
      await waiting;
      equal(two.stats().lockTimeout, 1);
    });

    it("DX-07: a wait in vain creates without the lock and stores nothing, by default", async () => {
      const { clock, one, two, store } = processesOf(kind, { lock: { waitMs: 100 } });
      void one.getOrCreate("key", () => new Promise(() => {}));
      await settled();
      const waiting = two.getOrCreate("key", () => "alone");
      await clock.advance(100);
      equal(await waiting, "alone");
      equal((await store.get(["key"]))[0], undefined);
    });

    it("DX-07: a caller with a stale value may wait, then take it, create, or throw", async () => {
      for (const [onTimeout, expected] of [["stale", "old"], ["run", "alone"]] as const) {
        const lock = { staleWaitMs: 100, onTimeout };
        const { clock, one, two } = processesOf(kind, { softTtlMs: 50, lock });
        await one.set("key", "old");
        await clock.advance(50);
        void one.getOrCreate("key", () => new Promise(() => {}));
        await settled();
        let answer: unknown;
        void two.getOrCreate("key", () => "alone").then((value) => answer = value);
        await clock.advance(99);
        equal(answer, undefined);
        await clock.advance(1);
        equal(answer, expected);
      }
      const lock = { staleWaitMs: 100, onTimeout: "throw" as const };
      const { clock, one, two } = processesOf(kind, { softTtlMs: 50, lock });
      await one.set("key", "old");
      await clock.advance(50);
      void one.getOrCreate("key", () => new Promise(() => {}));
      await settled();
      const waiting = rejects(two.getOrCreate("key", () => 1), LockTimeoutError);
      await clock.advance(100);
      await waiting;
    });

    it("a caller with a stale value who waits gets the new one when it comes in time", async () => {
      const { clock, one, two } = processesOf(kind, {
        softTtlMs: 50,
        lock: { staleWaitMs: 5_000 },
      });
      await one.set("key", "old");
      await clock.advance(50);
      const gate = Promise.withResolvers<string>();
      void one.getOrCreate("key", () => gate.promise);
      await settled();
      const joined = one.getOrCreate("key", () => "never");
      const waiting = two.getOrCreate("key", () => "never");
      await clock.advance(10);
      gate.resolve("new");
      await clock.advance(1_000);
      deepEqual([await joined, await waiting], ["new", "new"]);
    });

    it("D-005 DX-21: keyIsLocked asks the store by the mangled key, and locks nothing", async () => {
      const keyMangler = (key: string): string => `mangled ${key}`;
      const { one, two } = processesOf(kind, { keyMangler });
      deepEqual([await one.keyIsLocked("key"), await one.keyIsLocked("key")], [false, false]);
      const gate = Promise.withResolvers<string>();
      const creating = one.getOrCreate("key", () => gate.promise);
      await settled();
      deepEqual([await one.keyIsLocked("key"), await two.keyIsLocked("key")], [true, true]);
      gate.resolve("made");
      await creating;
      deepEqual([await one.keyIsLocked("key"), await two.keyIsLocked("key")], [false, false]);
    });

    it("D-006: a lock that the store gives out is seen by keyIsLocked", async () => {
      const { clock, store } = processesOf(kind);
      const locks = KINDS[kind](store, clock);
      const region = makeRegion({ clock, backend: store, locks });
      const { lease } = await locks.acquire("key", {
        leaseMs: 500,
        waitMs: 0,
        enough: () => false,
      });
      equal(await region.keyIsLocked("key"), true);
      await lease?.release();
      equal(await region.keyIsLocked("key"), false);
    });

    it("a lost lease aborts the creation, which begins anew", async () => {
      const { clock, one, two } = processesOf(kind, { lock: { leaseMs: 300 } });
      const reasons: unknown[] = [];
      const next = counter();
      const create = ({ signal }: CreationContext): Promise<string> => {
        const n = next();
        if (n > 1) return Promise.resolve(`try ${n}`);
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        });
      };
      const creating = one.getOrCreate("key", create);
      await settled();
      await two.delete("key");
      await clock.advance(1_000);
      equal(await creating, "try 2");
      ok(reasons[0] instanceof LeaseLostError);
      equal(await two.get("key"), "try 2");
    });

    it("DX-06: a value that could not be stored or unlocked is answered, and the failure told", async () => {
      const { store, one } = processesOf(kind);
      const told: unknown[] = [];
      one.on("storeError", ({ error }) => told.push(error));
      const gate = Promise.withResolvers<string>();
      const creating = one.getOrCreate("key", () => gate.promise);
      await settled();
      store.isBroken = true;
      gate.resolve("good");
      equal(await creating, "good");
      ok(told[0] instanceof BackendError);
      await rejects(one.getOrCreate("key", () => 1), BackendError);
    });

    it("touch gives a value its lives anew; a delete meanwhile wins", async () => {
      const { clock, one, two } = processesOf(kind, { softTtlMs: 100 });
      equal(await one.touch("key"), false);
      await one.set("key", "value");
      await clock.advance(90);
      equal(await two.touch("key"), true);
      await clock.advance(90);
      equal(await one.get("key"), "value");
      equal(await two.touch("key", { softTtlMs: 5_000 }), true);
      await clock.advance(4_999);
      equal(await one.get("key"), "value");
      await one.delete("key");
      equal(await two.touch("key"), false);
    });
  });
}

describe("trips over a store", () => {
  it("hit 1, cold create 3, stale refresh 3", async () => {
    const { clock, store, one } = processesOf("local locks", {
      softTtlMs: 100,
      marksMaxAgeMs: 60_000,
    });
    const trips = async (work: () => Promise<unknown>): Promise<number> => {
      const before = store.trips;
      await work();
      return store.trips - before;
    };
    await one.getOrCreate("first use", () => 1);
    equal(await trips(() => one.getOrCreate("key", () => 1)), 3);
    equal(await trips(() => one.getOrCreate("key", () => 2)), 1);
    await clock.advance(100);
    equal(await trips(() => one.getOrCreate("key", () => 3)), 3);
    equal(await trips(() => one.getOrCreateMulti(["a", "b", "c"], (keys) => keys)), 7);
  });
});

function bound(store: ModelStore<Entry>) {
  return {
    name: store.name,
    limits: store.limits,
    set: store.set.bind(store),
    delete: store.delete.bind(store),
  };
}

function gated<T>(gate: Promise<void>): (value: T) => Promise<T> {
  return (value) => gate.then(() => value);
}
