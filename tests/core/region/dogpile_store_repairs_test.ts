/** What dogpile.cache lacks or does wrong over stores and their locks, and regions do right. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { BackendError, RegionNotConfiguredError } from "../../../src/contracts/errors.ts";
import type { AcquireOptions } from "../../../src/contracts/locks.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { regionBench } from "../../testing/region_bench.ts";

describe("what dogpile lacks, over a store", () => {
  it("DX-03: an error while locks are taken leaves none behind", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(store, { clock });
    const failure = new BackendError("changed", "acquire", new Error("down"));
    const acquire = (key: string, options: AcquireOptions<Entry>) =>
      key === "b" ? Promise.reject(failure) : locks.acquire(key, options);
    const revoke = (keys: readonly string[]) => locks.revoke(keys);
    const changed = { name: "changed", acquire, revoke };
    const region = makeRegion({ clock, backend: store, locks: changed });
    const creating = region.getOrCreateMulti(["a", "b", "c"], (keys) => keys);
    await rejects(creating, (error) => error === failure);
    await settled();
    for (const key of ["a", "c"]) {
      equal(await region.keyIsLocked(key), false);
      equal(await region.getOrCreate(key, () => "anew"), key);
    }
  });

  it("DX-09: where a creator's process died, its stale value is served for its lease at most", async () => {
    const { region, clock, store } = regionBench("backend", {
      softTtlMs: 100,
      hardTtlMs: NEVER,
    });
    await region.set("key", "old");
    await clock.advance(100);
    const dead = { leaseMs: 10_000, waitMs: 0, enough: () => false };
    ok((await localLocks<Entry>(store, { clock }).acquire("key", dead)).lease);
    await clock.advance(9_999);
    equal(await region.getOrCreate("key", () => "new"), "old");
    await clock.advance(1);
    equal(await region.getOrCreate("key", () => "new"), "new");
  });

  it("DX-14: an end is stored with the entry: regions and verbs of other lives agree on it", async () => {
    const clock = new ManualClock();
    const backend = new ModelStore<Entry>(clock);
    const [writer, brief] = [1_000, 10].map((softTtlMs) =>
      makeRegion({ clock, backend, softTtlMs, hardTtlMs: NEVER })
    );
    await writer?.set("key", "value");
    const seen = async () => [
      await writer?.get("key"),
      await brief?.get("key"),
      ...await brief?.getMulti(["key"]) ?? [],
      await brief?.getOrCreate("key", () => "made"),
    ];
    await clock.advance(999);
    deepEqual(await seen(), ["value", "value", "value", "value"]);
    await clock.advance(1);
    deepEqual(await seen(), [undefined, undefined, undefined, "made"]);
  });

  it("DX-25: the store's own deadline is derived, and later than what is served by", async () => {
    const { region, clock, store } = regionBench("backend", { softTtlMs: 1_000 });
    await region.set("set", 1);
    await region.getOrCreate("made", () => 1);
    await region.getOrCreateMulti(["many"], () => [1]);
    for (const key of ["set", "made", "many"]) {
      equal(store.deadlineOf(key), clock.now() + 10_000);
    }
    await region.set("own", 1, { softTtlMs: 500, hardTtlMs: 600 });
    equal(store.deadlineOf("own"), clock.now() + 600);
    await clock.advance(10_000);
    deepEqual(store.keys.filter((key) => !key.startsWith("cairn-mark:")), []);
  });

  it("DX-27: many keys are read in one trip, however many", async () => {
    const { region, store } = regionBench("backend", { marksMaxAgeMs: NEVER });
    const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
    await region.setMulti(keys.map((key) => [key, key] as const));
    const before = store.trips;
    deepEqual(await region.getMulti(keys), keys);
    deepEqual(await region.getOrCreateMulti(keys, () => []), keys);
    equal(store.trips - before, 2);
  });

  it("DX-28: without shelf and backend every verb is refused with one error, by name", async () => {
    const region = makeRegion({ near: false, name: "bare" });
    const refused = (error: unknown): boolean =>
      error instanceof RegionNotConfiguredError && error.message.includes("bare");
    await rejects(region.getEntry("key"), refused);
    await rejects(region.getMulti(["key"]), refused);
    await rejects(region.setMulti([["key", 1]]), refused);
    await rejects(region.deleteMulti(["key"]), refused);
    await rejects(region.touch("key"), refused);
    await rejects(region.keyIsLocked("key"), refused);
    await rejects(region.getOrCreate("key", () => 1), refused);
    await rejects(region.getOrCreateMulti(["key"], () => [1]), refused);
    await rejects(region.cacheOnArguments()(function f() {})(), refused);
    throws(() => region.actualBackend, refused);
  });

  it("DX-32: time, chance, store, locks and background work are all given, and nothing else is used", async () => {
    const clock = new ManualClock();
    const works: Promise<unknown>[] = [];
    let draws = 0;
    const random = (): number => (draws++, 0.5);
    const store = new ModelStore<Entry>(clock);
    const tokens = new ModelStore<Uint8Array>(clock);
    const background = (work: Promise<unknown>): void => void works.push(work);
    const make = () => {
      const locks = atomicLocks<Entry>(tokens, store, { clock, random });
      const policy = { softTtlMs: 1_000, jitter: 0.1, creation: { softTimeoutMs: 10 } };
      return makeRegion({ clock, random, background, backend: store, locks, ...policy });
    };
    const [one, two] = [make(), make()];
    const creating = one.getOrCreate("key", () => clock.sleep(5_000).then(() => "made"));
    await settled();
    let answer: unknown;
    void two.getOrCreate("key", () => "never").then((value) => answer = value);
    for (let turn = 0; turn < 100; turn++) await settled();
    equal(answer, undefined);
    ok(clock.sleeping >= 2, "the creator and the waiter sleep on the clock given");
    await clock.advance(6_000);
    deepEqual([await creating, answer], ["made", "made"]);
    ok(draws > 1, "jitter and the pauses of the waiter are drawn from the chance given");
    await clock.advance(1_000);
    const slow = () => clock.sleep(100).then(() => "new");
    const late = one.getOrCreate("key", slow);
    await clock.advance(10);
    equal(await late, "made");
    equal(works.length, 1);
    await clock.advance(90);
    await works[0];
    equal(await two.get("key"), "new");
  });

  it("DX-33: who has waited reads where the lock is, not from a copy that lags behind", async () => {
    const clock = new ManualClock();
    const primary = new ModelStore<Entry>(clock);
    const locks = localLocks<Entry>(primary, { clock });
    const lagging = {
      name: "lagging",
      limits: primary.limits,
      get: async (keys: readonly string[]) =>
        (await primary.get(keys)).map((entry, i) =>
          keys[i]?.startsWith("cairn-mark:") ? entry : undefined
        ),
      set: (writes: Parameters<typeof primary.set>[0]) => primary.set(writes),
      delete: (keys: readonly string[]) => primary.delete(keys),
    };
    const [one, two] = [0, 1].map(() => makeRegion({ clock, backend: lagging, locks }));
    const create = () => clock.sleep(100).then(() => "first");
    const first = one?.getOrCreate("key", create);
    await settled();
    const second = two?.getOrCreate("key", () => "second");
    await clock.advance(100);
    deepEqual([await first, await second], ["first", "first"]);
    equal(await two?.getOrCreate("key", () => "third"), "first");
    deepEqual(await two?.getOrCreateMulti(["key"], () => ["third"]), ["first"]);
  });
});
