import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../../src/contracts/entry.ts";
import { BackendError, CreationTimeoutError } from "../../../src/contracts/errors.ts";
import type { ManyContext, ManyCreator } from "../../../src/region/batch.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`batches in a region of ${shape}`, () => {
    it("D-008 D-098: setMulti of three, each readable by get", async () => {
      const { region } = regionBench(shape);
      await region.setMulti(Object.entries({ k1: "v1", k2: "v2", k3: "v3" }));
      for (const n of [1, 2, 3]) equal(await region.get(`k${n}`), `v${n}`);
    });

    it("D-099 D-013: getMulti answers in key order", async () => {
      const { region } = regionBench(shape);
      await region.setMulti([["k1", 1], ["k2", 2], ["k3", 3]]);
      deepEqual(await region.getMulti(["k2", "k1", "k3"]), [2, 1, 3]);
    });

    it("D-014: getMulti is aligned, misses and duplicates included", async () => {
      const { region } = regionBench(shape);
      await region.setMulti([["k1", 1], ["k3", 3], ["k5", 5]]);
      const found = await region.getMulti(["k1", "k2", "k3", "k4", "k5", "k6", "k1"]);
      deepEqual(found, [1, undefined, 3, undefined, 5, undefined, 1]);
    });

    it("D-009 D-015 D-010 D-011: nothing asked is nothing done", async () => {
      const { region, store } = regionBench(shape);
      deepEqual(await region.getMulti([]), []);
      await region.setMulti([]);
      await region.deleteMulti([]);
      const never = (): never => {
        throw new Error("not needed");
      };
      deepEqual(await region.getOrCreateMulti([], never), []);
      equal(store.trips, 0);
    });

    it("D-016 D-100: deleteMulti of one present and one absent key removes only the present", async () => {
      const { region } = regionBench(shape);
      await region.setMulti([["k1", 1], ["k2", 2], ["k3", 3]]);
      await region.deleteMulti(["k2", "k4"]);
      deepEqual(await region.getMulti(["k1", "k2", "k3", "k4"]), [1, undefined, 3, undefined]);
    });

    it("D-017: after deleteMulti there is nothing", async () => {
      const { region } = regionBench(shape);
      await region.set("k", 1);
      await region.deleteMulti(["k"]);
      equal(await region.get("k"), undefined);
    });

    it("D-069 D-075: the creator is given sorted keys, the answer has the order asked", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const create = (keys: readonly string[]) => keys.map((key) => `${key} ${next()}`);
      const values = await region.getOrCreateMulti(["k3", "k2", "k5"], create);
      deepEqual(values, ["k3 2", "k2 1", "k5 3"]);
      equal(await region.get("k2"), "k2 1");
    });

    it("D-076 D-078: after expiry get finds nothing, and one sorted batch is made anew", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000 });
      const next = counter();
      const create = (keys: readonly string[]) => keys.map(() => next());
      deepEqual(await region.getOrCreateMulti(["k3", "k2", "k5"], create), [2, 1, 3]);
      await clock.advance(2_000);
      equal(await region.get("k2"), undefined);
      equal(await region.get("k2", { ignoreExpiration: true }), 1);
      deepEqual(await region.getOrCreateMulti(["k3", "k2"], create), [5, 4]);
      equal(await region.get("k2"), 4);
    });

    it("D-012: nothing is kept where shouldCache refuses all", async () => {
      const { region } = regionBench(shape);
      const create = (keys: readonly string[]) => keys.map(() => null);
      const shouldCache = (value: unknown): boolean => value !== null;
      const values = await region.getOrCreateMulti(["a", "b", "c"], create, { shouldCache });
      deepEqual(values, [null, null, null]);
      for (const key of ["a", "b", "c"]) equal(await region.getEntry(key), undefined);
    });

    it("D-086: hard invalidation makes all anew, once", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const create = (keys: readonly string[]) => keys.map(() => next());
      for (const expected of [[1, 2], [3, 4], [5, 6]]) {
        deepEqual(await region.getOrCreateMulti(["k1", "k2"], create), expected);
        deepEqual(await region.getOrCreateMulti(["k1", "k2"], create), expected);
        await region.invalidate();
      }
    });

    it("D-089: soft invalidation makes both anew in one call", async () => {
      const { region } = regionBench(shape, { softTtlMs: 1_000 });
      const asked: (readonly string[])[] = [];
      const next = counter();
      const create = (keys: readonly string[]) => {
        asked.push(keys);
        return keys.map(() => next());
      };
      await region.getOrCreateMulti(["1", "2"], create);
      await region.invalidate({ hard: false });
      deepEqual(await region.getOrCreateMulti(["1", "2"], create), [3, 4]);
      deepEqual(asked, [["1", "2"], ["1", "2"]]);
    });

    it("DX-01: 100 callers of the same missing keys are one creation of each", async () => {
      const { region } = regionBench(shape);
      const gate = Promise.withResolvers<void>();
      const made: string[] = [];
      const create = async (keys: readonly string[]): Promise<string[]> => {
        made.push(...keys);
        await gate.promise;
        return keys.map((key) => `made ${key}`);
      };
      const callers = Array.from(
        { length: 100 },
        () => region.getOrCreateMulti(["a", "b"], create),
      );
      await settled();
      const single = region.getOrCreate("b", () => "alone");
      await settled();
      gate.resolve();
      for (const values of await Promise.all(callers)) deepEqual(values, ["made a", "made b"]);
      equal(await single, "made b");
      deepEqual(made, ["a", "b"]);
    });

    it("DX-02: keys that mangle alike are one, and nobody waits for themselves", async () => {
      const { region } = regionBench(shape, { keyMangler: (key) => key.toLowerCase() });
      const asked: (readonly string[])[] = [];
      const create = (keys: readonly string[]) => {
        asked.push(keys);
        return keys.map((key) => `made ${key}`);
      };
      const values = await region.getOrCreateMulti(["A", "a", "b"], create);
      deepEqual(values, ["made A", "made A", "made b"]);
      deepEqual(asked, [["A", "b"]]);
    });

    it("DX-03: a failing creator leaves no lock behind", async () => {
      const { region } = regionBench(shape);
      const failure = new Error("no");
      await rejects(
        region.getOrCreateMulti(["a", "b"], () => Promise.reject(failure)),
        (error) => error === failure,
      );
      equal(await region.keyIsLocked("a"), false);
      equal(await region.keyIsLocked("b"), false);
      deepEqual(await region.getOrCreateMulti(["a", "b"], (keys) => keys), ["a", "b"]);
    });

    it("serves the stale values of a batch where their recreation fails", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100, staleOnError: true });
      await region.setMulti([["a", 1], ["b", 2]]);
      await clock.advance(100);
      const fail = (): never => {
        throw new Error("down");
      };
      deepEqual(await region.getOrCreateMulti<number>(["a", "b"], fail), [1, 2]);
      await rejects(region.getOrCreateMulti<number>(["a", "c"], fail), { message: "down" });
    });
  });
}

describe("getOrCreateMulti over a store", () => {
  it("DX-03: one lock that cannot be released does not keep the others", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    const failing = {
      ...locks,
      name: "failing",
      revoke: (keys: readonly string[]) => locks.revoke(keys),
      acquire: async (...args: Parameters<typeof locks.acquire>) => {
        const acquired = await locks.acquire(...args);
        if (args[0] !== "a" || acquired.lease === undefined) return acquired;
        const release = () => Promise.reject(new BackendError("failing", "release", "lost"));
        return { ...acquired, lease: { ...acquired.lease, release } };
      },
    };
    const region = makeRegion({ clock, backend: store, locks: failing });
    const refuse = (): boolean => false;
    const values = await region.getOrCreateMulti(["a", "b", "c"], (keys) => keys, {
      shouldCache: refuse,
    });
    deepEqual(values, ["a", "b", "c"]);
    equal(await region.keyIsLocked("b"), false);
    equal(await region.keyIsLocked("c"), false);
    equal(region.stats().storeError, 1);
  });

  it("DX-01 DX-02: two batches over each other's keys in different order both end, each key made once", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const [one, two] = [0, 1].map(() => makeRegion({ clock, backend: store }));
    const made: string[] = [];
    const gate = Promise.withResolvers<void>();
    const create = async (keys: readonly string[]): Promise<readonly string[]> => {
      made.push(...keys);
      await gate.promise;
      return keys;
    };
    const first = one?.getOrCreateMulti(["a", "b", "c"], create);
    const second = two?.getOrCreateMulti(["c", "b", "d"], create);
    await settled();
    gate.resolve();
    deepEqual(await first, ["a", "b", "c"]);
    deepEqual(await second, ["c", "b", "d"]);
    deepEqual(made.toSorted(), ["a", "b", "c", "d"]);
  });

  it("a lock that cannot be given back does not keep a value that someone else made", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    const entry = (payload: string): Entry => ({
      payload,
      createdAt: clock.now(),
      creationMs: 0,
      softExpiresAt: Infinity,
      hardExpiresAt: Infinity,
      tags: [],
      marks: [],
    });
    const late = {
      name: "late",
      revoke: (keys: readonly string[]) => locks.revoke(keys),
      acquire: async (...args: Parameters<typeof locks.acquire>) => {
        const { lease } = await locks.acquire(...args);
        const release = () => Promise.reject(new BackendError("late", "release", "lost"));
        return { lease: lease && { ...lease, release }, value: entry("theirs") };
      },
    };
    const region = makeRegion({ clock, backend: store, locks: late });
    equal(await region.getOrCreate("a", () => "ours"), "theirs");
    deepEqual(await region.getOrCreateMulti(["b", "c"], (keys) => keys), ["theirs", "theirs"]);
    equal(region.stats().storeError, 3);
    equal(region.stats().create, 0);
  });

  it("one lost lease has its key made anew, and no other", async () => {
    const { clock, store, region } = regionBench("backend", { lock: { leaseMs: 300 } });
    const other = makeRegion({ clock, backend: store });
    const asked: (readonly string[])[] = [];
    const gate = Promise.withResolvers<void>();
    const signals: AbortSignal[] = [];
    const create: ManyCreator<string> = async (keys, { signal }) => {
      asked.push(keys);
      signals.push(signal);
      if (asked.length === 1) await gate.promise;
      return keys.map((key) => `${key} ${asked.length}`);
    };
    const values = region.getOrCreateMulti(["a", "b"], create);
    await settled();
    await other.delete("b");
    await clock.advance(1_000);
    equal(signals[0]?.aborted, false);
    gate.resolve();
    deepEqual(await values, ["a 2", "b 2"]);
    deepEqual(asked, [["a", "b"], ["b"]]);
    deepEqual(await other.getMulti(["a", "b"]), ["a 2", "b 2"]);
  });

  it("a key that another is creating is answered as soon as that is done", async () => {
    const { clock, store, region } = regionBench("backend");
    const other = makeRegion({ clock, backend: store });
    const elsewhere = other.getOrCreate("b", () => clock.sleep(100).then(() => "elsewhere"));
    await settled();
    const batch = region.getOrCreateMulti(["a", "b"], async (keys) => {
      await clock.sleep(10_000);
      return keys.map(() => "here");
    });
    await settled();
    const single = region.getOrCreate("b", () => "unneeded");
    await clock.advance(100);
    deepEqual([await elsewhere, await single], ["elsewhere", "elsewhere"]);
    await clock.advance(10_000);
    deepEqual(await batch, ["here", "elsewhere"]);
  });

  it("a key that the creator left out is left out also where it is made on its own", async () => {
    const { clock, store, region } = regionBench("backend");
    const other = makeRegion({ clock, backend: store });
    const gate = Promise.withResolvers<string>();
    const busy = other.getOrCreate("b", () => gate.promise);
    await settled();
    const values = region.getOrCreateMulti<string>(["a", "b"], (keys) => {
      return new Map(keys.filter((key) => key === "a").map((key) => [key, `made ${key}`]));
    });
    await settled();
    gate.reject(new Error("no"));
    await rejects(busy, { message: "no" });
    deepEqual(await values, ["made a", undefined]);
    equal(await region.getEntry("b"), undefined);
  });

  it("is told to stop when everybody has left, and when the time of all is up", async () => {
    const { clock, region } = regionBench("backend", { creation: { hardTimeoutMs: 50 } });
    const signals: AbortSignal[] = [];
    const create = (_keys: readonly string[], { signal }: ManyContext): Promise<string[]> => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const caller = new AbortController();
    const left = region.getOrCreateMulti(["a", "b"], create, { signal: caller.signal });
    await settled();
    equal(signals[0]?.aborted, false);
    caller.abort(new Error("left"));
    await rejects(left, { message: "left" });
    equal(signals[0]?.aborted, true);
    const slow = rejects(region.getOrCreateMulti(["c", "d"], create), CreationTimeoutError);
    await clock.advance(50);
    await slow;
    equal(signals[1]?.aborted, true);
  });

  it("answers near copies where the store is down, if errors are answered stale", async () => {
    const { clock, store, region } = regionBench("near and backend", {
      softTtlMs: 100,
      staleOnError: true,
    });
    await region.setMulti([["a", 1], ["b", 2]]);
    await clock.advance(100);
    store.isBroken = true;
    deepEqual(await region.getOrCreateMulti(["a", "b"], () => [3, 4]), [1, 2]);
  });

  it("reads many keys in one trip", async () => {
    const { region, store } = regionBench("backend");
    await region.setMulti([["a", 1], ["b", 2]]);
    store.trips = 0;
    deepEqual(await region.getMulti(["a", "b", "c"]), [1, 2, undefined]);
    equal(store.trips, 1);
  });
});
