/** What Rails' shared cache behaviours ask for, as far as it applies and no other file here asks it. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { failsafe } from "../../../src/compose/failsafe.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";
import { ScriptedBackend } from "../../testing/scripted_backend.ts";

const ABSURD_KEYS = [
  "",
  " ",
  "Case",
  "case",
  "__proto__",
  "constructor",
  "toString",
  "\u0000\u001f\u007f",
  'a/b\\c:d|e*f?"<>&%20+',
  "ключ 鍵 🗝",
  "é",
  "e\u0301",
  "x".repeat(5_000),
];

for (const shape of SHAPES) {
  describe(`Rails' cache store behaviours in a region of ${shape}`, () => {
    it("should_overwrite: the last value set is the one found", async () => {
      const { region } = regionBench(shape);
      await region.set("key", "first");
      await region.set("key", "second");
      equal(await region.get("key"), "second");
      await region.setMulti([["key", "third"], ["key", "fourth"]]);
      equal(await region.get("key"), "fourth");
    });

    it("absurd_key_characters, keys_are_case_sensitive, blank_key: any text is a key of its own", async () => {
      const { region } = regionBench(shape);
      for (const key of ABSURD_KEYS) equal(await region.getEntry(key), undefined);
      for (const [i, key] of ABSURD_KEYS.entries()) await region.set(key, i);
      for (const [i, key] of ABSURD_KEYS.entries()) equal(await region.get(key), i);
      deepEqual(await region.getMulti(ABSURD_KEYS), [...ABSURD_KEYS.keys()]);
      const create = (keys: readonly string[]) => keys.map((key) => `made ${key}`);
      await region.deleteMulti(ABSURD_KEYS);
      deepEqual(await region.getOrCreateMulti(ABSURD_KEYS, create), create(ABSURD_KEYS));
    });

    it("delete_multi_does_not_mutate_names: nor does any other verb change the lists it is given", async () => {
      const { region } = regionBench(shape);
      const keys = Object.freeze(["b", "a", "b"]);
      const writes = Object.freeze(keys.map((key) => Object.freeze([key, 1] as const)));
      await region.setMulti(writes);
      deepEqual(await region.getMulti(keys), [1, 1, 1]);
      await region.deleteMulti(keys);
      deepEqual(await region.getOrCreateMulti(keys, (asked) => asked), ["b", "a", "b"]);
    });

    it("original_store_objects_should_not_be_immutable: values stay as free as they were", async () => {
      const { region } = regionBench(shape);
      const value = { list: [1] };
      await region.set("key", value);
      await region.getOrCreate("made", () => value);
      value.list.push(2);
      equal(Object.isFrozen(value) || Object.isFrozen(value.list), false);
    });

    it("fetch_with_forced_cache_miss: a maxAgeMs of 0 makes a value anew and keeps it, of many too", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const create = (keys: readonly string[]) => keys.map(() => next());
      await region.setMulti([["a", 0], ["b", 0]]);
      equal(await region.getOrCreate("a", next, { maxAgeMs: 0 }), 1);
      equal(await region.get("a"), 1);
      deepEqual(await region.getOrCreateMulti(["a", "b"], create, { maxAgeMs: 0 }), [2, 3]);
      deepEqual(await region.getMulti(["a", "b"]), [2, 3]);
    });

    it("fetch_cache_miss_with_skip_nil: answers for none are not kept, where they are given no life", async () => {
      const { region } = regionBench(shape, { negative: { ttlMs: 0 } });
      const none = (): null => null;
      equal(await region.getOrCreate<unknown>("key", none), null);
      equal(await region.getEntry("key"), undefined);
      deepEqual(await region.getOrCreateMulti<unknown>(["a", "key"], () => ["made", null]), [
        "made",
        null,
      ]);
      ok(await region.getEntry("a"));
      equal(await region.getEntry("key", { ignoreExpiration: true }), undefined);
      equal(await region.getOrCreate<unknown>("key", () => "made"), "made");
    });

    it("write_multi_expires_in, read_multi_with_expires: each batch has its life", async () => {
      const { region, clock } = regionBench(shape);
      await region.setMulti([["a", 1], ["b", 2]], { hardTtlMs: 10 });
      await region.setMulti([["c", 3]], { hardTtlMs: NEVER });
      await clock.advance(10);
      deepEqual(await region.getMulti(["a", "b", "c"]), [undefined, undefined, 3]);
    });

    it("race_condition_protection: one makes it anew, the others have the old value, to its hard end", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100, hardTtlMs: 200 });
      await region.set("key", "old");
      await clock.advance(100);
      const first = region.getOrCreate("key", () => clock.sleep(150).then(() => "new"));
      await clock.advance(99);
      equal(await region.getOrCreate("key", () => "never"), "old");
      await clock.advance(1);
      equal(await region.get("key", { allowStale: true }), undefined);
      await clock.advance(50);
      equal(await first, "new");
    });
  });
}

describe("Rails' local cache behaviours in a region of near and backend", () => {
  function watched() {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const backend = new ScriptedBackend<Entry>(store, () => "none");
    const region = makeRegion({ clock, backend, near: {}, marksMaxAgeMs: NEVER });
    const remote = makeRegion({ clock, backend: store, marksMaxAgeMs: 0 });
    const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
      const before = backend.calls.length;
      await work();
      return backend.calls.slice(before).flatMap(({ keys }) => keys);
    };
    return { clock, region, remote, asked };
  }

  it("local_cache_of_write, of_write_nil: what was set here is not asked for again, and is there for all", async () => {
    const { region, remote, asked } = watched();
    for (const value of ["value", undefined, null, false]) {
      await region.set("key", value);
      deepEqual(await asked(() => region.get("key")), []);
      deepEqual(await asked(() => region.getOrCreate<unknown>("key", () => "other")), []);
      const entry = await remote.getEntry("key");
      ok(entry);
      equal(entry.payload, value);
    }
  });

  it("local_cache_of_read, of_read_nil, fetch_on_miss: what was read or made once is not asked for again", async () => {
    const { region, remote, asked } = watched();
    for (const value of ["value", undefined]) {
      await remote.set("key", value);
      equal(await region.get("key"), value);
      deepEqual(await asked(() => region.get("key")), []);
      await region.delete("key");
    }
    await region.getOrCreate("made", () => 1);
    deepEqual(await asked(() => region.getOrCreate("made", () => 2)), []);
  });

  it("local_cache_of_read_multi_prioritizes_local_entries: only the others are asked for", async () => {
    const { region, remote, asked } = watched();
    await region.set("here", "near");
    await remote.set("there", "far");
    const keys = ["there", "here", "nowhere"];
    const read = async () => deepEqual(await region.getMulti(keys), ["far", "near", undefined]);
    deepEqual(await asked(read), ["there", "nowhere"]);
    deepEqual(await asked(read), ["nowhere"]);
    const made = () => region.getOrCreateMulti(["here", "there"], () => []);
    deepEqual(await asked(made), []);
  });

  it("local_cache_of_delete, clear_also_clears_local_cache: both are gone in both places", async () => {
    const { region, remote } = watched();
    await region.setMulti([["a", 1], ["b", 2]]);
    await region.delete("a");
    deepEqual([await region.get("a"), await remote.get("a")], [undefined, undefined]);
    await region.invalidate();
    deepEqual([await region.get("b"), await remote.get("b")], [undefined, undefined]);
  });

  it("local_race_condition_protection: a near copy that is stale stands in, too", async () => {
    const { region, clock } = watched();
    await region.set("key", "old", { softTtlMs: 100 });
    await clock.advance(100);
    const first = region.getOrCreate("key", () => clock.sleep(10).then(() => "new"));
    await clock.advance(5);
    equal(await region.getOrCreate("key", () => "never"), "old");
    await clock.advance(5);
    equal(await first, "new");
  });
});

describe("Rails' failure behaviours", () => {
  it("failure_raising: while the store is down every verb rejects with its error", async () => {
    const { region, store } = regionBench("backend", { marksMaxAgeMs: 0 });
    await region.set("key", "value");
    store.isBroken = true;
    const next = counter();
    const verbs: readonly (() => Promise<unknown>)[] = [
      () => region.get("key"),
      () => region.getEntry("key"),
      () => region.getMulti(["key"]),
      () => region.set("key", 1),
      () => region.setMulti([["key", 1]]),
      () => region.delete("key"),
      () => region.deleteMulti(["key"]),
      () => region.touch("key"),
      () => region.keyIsLocked("key"),
      () => region.getOrCreate("key", next),
      () => region.getOrCreateMulti(["key"], () => [next()]),
      () => region.invalidate(),
    ];
    for (const verb of verbs) await rejects(verb(), BackendError);
    equal(next(), 1);
    store.isBroken = false;
    equal(await region.get("key"), "value");
  });

  it("failure_safety: under failsafe reads are misses, creators are asked, changes are dropped", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const reports: string[] = [];
    const backend = failsafe<Entry>(store, {
      onFailure: (error: BackendError) => reports.push(error.operation),
    });
    const region = makeRegion({ clock, backend, marksMaxAgeMs: 0 });
    await region.set("key", "value");
    store.isBroken = true;
    equal(await region.get("key"), undefined);
    deepEqual(await region.getMulti(["key", "other"]), [undefined, undefined]);
    await region.set("key", 1);
    await region.delete("key");
    equal(await region.touch("key"), false);
    const next = counter();
    equal(await region.getOrCreate("key", next), 1);
    deepEqual(await region.getOrCreateMulti(["key", "other"], (keys) => keys.map(next)), [2, 3]);
    await region.invalidate();
    ok(reports.includes("get") && reports.includes("set"));
    store.isBroken = false;
    equal(await region.getOrCreate("key", next), 4);
    equal(await region.getOrCreate("key", next), 4);
  });
});
