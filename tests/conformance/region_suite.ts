/**
 * What every region promises, for every store beneath it: dogpile.cache's generic suite, which its
 * own stores and those of others have to pass.
 *
 * Time is moved by hand, so the store must obey the clock it is made with.
 */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backend } from "../../src/contracts/backend.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import type { Entry } from "../../src/contracts/entry.ts";
import { makeRegion, type Region, type RegionOptions } from "../../src/region/region.ts";
import { ManualClock } from "../testing/manual_clock.ts";

/** A store under test, alone or with what a region over it needs besides. */
export type RegionStore = Backend<Entry> | RegionOptions;

/** A region over a store under test. */
interface Bench {
  readonly clock: ManualClock;
  readonly region: Region;
}

type Bencher = (options?: RegionOptions) => Promise<Bench>;

/**
 * Registers the suite for the stores that `makeStore` makes, with their locks where it gives some;
 * each case has one of its own.
 */
export function regionSuite(
  name: string,
  makeStore: (clock: ManualClock) => RegionStore | Promise<RegionStore>,
): void {
  const bench: Bencher = async (options = {}) => {
    const clock = new ManualClock();
    const store = await makeStore(clock);
    const settings = "get" in store ? { backend: store } : store;
    return { clock, region: makeRegion({ clock, ...settings, ...options }) };
  };
  describe(`${name}: single keys`, () => registerSingle(bench));
  describe(`${name}: creators and functions`, () => registerCreators(bench));
  describe(`${name}: many keys`, () => registerMulti(bench));
  describe(`${name}: many callers`, () => registerCallers(bench));
}

function registerSingle(bench: Bencher): void {
  it("a value set is found, one deleted is not, and deleting twice is safe", async () => {
    const { region } = await bench();
    equal(await region.getEntry("some key"), undefined);
    await region.set("some key", "some value");
    equal(await region.get("some key"), "some value");
    await region.delete("some key");
    await region.delete("some key");
    equal(await region.getEntry("some key"), undefined);
  });

  it("a missing value is created, and kept with its kind", async () => {
    const { region } = await bench();
    const nested = { list: [1, { deep: [] }], map: { a: null, b: true }, text: "ż|ó" };
    for (const value of [nested, null, false, 0, ""]) {
      const key = `key of ${JSON.stringify(value)}`;
      deepEqual(await region.getOrCreate<unknown>(key, () => value), value);
      deepEqual(await region.getOrCreate<unknown>(key, () => "other"), value);
      deepEqual(await region.get(key), value);
    }
  });

  it("after expiry the old value is there for who ignores it, and a new one is made", async () => {
    const { region, clock } = await bench({ softTtlMs: 1_000, hardTtlMs: NEVER });
    let made = 0;
    const create = (): string => `some value ${++made}`;
    equal(await region.getOrCreate("some key", create), "some value 1");
    await clock.advance(1_200);
    equal(await region.get("some key"), undefined);
    equal(await region.get("some key", { ignoreExpiration: true }), "some value 1");
    equal(await region.getOrCreate("some key", create), "some value 2");
    equal(await region.get("some key"), "some value 2");
  });
}

function registerCreators(bench: Bencher): void {
  it("an error of the creator comes out as it is, and nothing is kept", async () => {
    const { region } = await bench();
    const failure = new RangeError("original text");
    const failing = region.getOrCreate("key", () => Promise.reject(failure));
    await rejects(failing, (error) => error === failure);
    equal(await region.getEntry("key"), undefined);
    equal(await region.keyIsLocked("key"), false);
  });

  it("a cached function keeps arguments apart, until they are invalidated", async () => {
    const { region } = await bench();
    let calls = 0;
    const fn = region.cacheOnArguments()(function go(a: number, b: number): number {
      return ++calls * 100 + a * 10 + b;
    });
    deepEqual([await fn(1, 2), await fn(2, 1), await fn(1, 2)], [112, 221, 112]);
    await fn.invalidate(1, 2);
    deepEqual([await fn(1, 2), await fn(2, 1)], [312, 221]);
  });

  it("asking whether a key is locked does not lock it; a creation does", async () => {
    const { region, clock } = await bench();
    deepEqual([await region.keyIsLocked("key"), await region.keyIsLocked("key")], [false, false]);
    const creating = region.getOrCreate("key", () => clock.sleep(100).then(() => 1));
    await clock.advance(50);
    equal(await region.keyIsLocked("key"), true);
    await clock.advance(50);
    equal(await creating, 1);
    equal(await region.keyIsLocked("key"), false);
  });

  it("a creator may create another key of the region", async () => {
    const { region } = await bench();
    const create = async (): Promise<string> =>
      `foo of ${await region.getOrCreate("bar", () => "bar")}`;
    equal(await region.getOrCreate("foo", create), "foo of bar");
    equal(await region.getOrCreate("foo", () => "other"), "foo of bar");
    equal(await region.get("bar"), "bar");
  });
}

function registerMulti(bench: Bencher): void {
  it("nothing asked is nothing found", async () => {
    const { region } = await bench();
    deepEqual(await region.getMulti([]), []);
    await region.setMulti([]);
    await region.deleteMulti([]);
    deepEqual(await region.getOrCreateMulti([], () => []), []);
  });

  it("answers stand in the order of the keys, misses between them", async () => {
    const { region } = await bench();
    await region.setMulti([["key1", "value1"], ["key3", "value3"], ["key5", "value5"]]);
    const found = await region.getMulti([6, 5, 4, 3, 2, 1].map((n) => `key${n}`));
    deepEqual(found, [undefined, "value5", undefined, "value3", undefined, "value1"]);
    for (const n of [1, 3, 5]) equal(await region.get(`key${n}`), `value${n}`);
  });

  it("of one present and one absent key only the present is removed", async () => {
    const { region } = await bench();
    await region.setMulti([["key1", 1], ["key2", 2], ["key3", 3]]);
    await region.deleteMulti(["key2", "absent"]);
    deepEqual(await region.getMulti(["key1", "key2", "key3"]), [1, undefined, 3]);
  });

  it("what is missing is created in one call; what shouldCache refuses is answered alone", async () => {
    const { region } = await bench();
    await region.set("b", "kept");
    const asked: (readonly string[])[] = [];
    const create = (keys: readonly string[]): (string | null)[] => {
      asked.push(keys);
      return keys.map((key) => key === "c" ? null : `made ${key}`);
    };
    const shouldCache = (value: unknown): boolean => value !== null;
    const values = await region.getOrCreateMulti(["c", "b", "a"], create, { shouldCache });
    deepEqual(values, [null, "kept", "made a"]);
    deepEqual(asked, [["a", "c"]]);
    equal(await region.get("a"), "made a");
    equal(await region.getEntry("c"), undefined);
  });
}

function registerCallers(bench: Bencher): void {
  it("ten callers, five rounds each: more than two creations, never two at once", async () => {
    const { region, clock } = await bench({ softTtlMs: 250 });
    let [running, most, made] = [0, 0, 0];
    const create = async (): Promise<number> => {
      most = Math.max(most, ++running);
      await clock.sleep(250);
      running--;
      return ++made;
    };
    const caller = async (): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        ok(await region.getOrCreate("key", create) > 0);
        await clock.sleep(500);
      }
    };
    const callers = Promise.all(Array.from({ length: 10 }, caller));
    await clock.advance(10_000);
    await callers;
    ok(made > 2, `${made} creations`);
    equal(most, 1);
  });

  it("five callers of overlapping batches: no key is ever made twice at once", async () => {
    const { region, clock } = await bench({ softTtlMs: 250 });
    const running = new Set<string>();
    let made = 0;
    const create = async (keys: readonly string[]): Promise<number[]> => {
      ok(keys.length > 0);
      for (const key of keys) {
        ok(!running.has(key), `${key} is being made already`);
        running.add(key);
      }
      await clock.sleep(500);
      for (const key of keys) running.delete(key);
      return keys.map(() => ++made);
    };
    const caller = async (_: unknown, who: number): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        const keys = [0, 1, 2, 3].map((n) => `key ${(who * 3 + round * 2 + n) % 10}`);
        equal((await region.getOrCreateMulti(keys, create)).length, keys.length);
        await clock.sleep(300);
      }
    };
    const callers = Promise.all(Array.from({ length: 5 }, caller));
    await clock.advance(60_000);
    await callers;
    ok(made > 10, `${made} keys made`);
  });
}
