/** Regions over stores in memory: by reference, as bytes, bounded, and what can be done with them. */

import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { json } from "../../../src/compose/json_codec.ts";
import { ProxyBackend, wrapped } from "../../../src/compose/proxy.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import type { Backend } from "../../../src/contracts/backend.ts";
import type { Clock } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { MemoryCache } from "../../../src/memory/memory_cache.ts";
import { copied } from "../../../src/patterns/copied.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { regionSuite } from "../../conformance/region_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

function bytesInMemory(clock: Clock): Backend<Entry> {
  return serialized(json, memoryBackend<Uint8Array>({ clock }));
}

regionSuite("D-040 memory by reference", (clock) => memoryBackend<Entry>({ clock }));
regionSuite("D-040 memory as bytes", bytesInMemory);
regionSuite("D-036 memory through a proxy that overrides nothing", (clock) => {
  class Idle extends ProxyBackend {}
  return wrapped(memoryBackend<Entry>({ clock }), [Idle]);
});

describe("a region over memory", () => {
  it("D-040: a serialized record of another kind is a miss, and made anew", async () => {
    const clock = new ManualClock();
    const store = memoryBackend<Uint8Array>({ clock });
    const region = makeRegion({ clock, backend: serialized(json, store) });
    await region.set("key", { nested: [true, null, { a: 1 }] });
    deepEqual(await region.get("key"), { nested: [true, null, { a: 1 }] });
    const value = new TextEncoder().encode("of another program");
    await store.set([{ key: "key", value, expiresAt: Infinity }]);
    equal(await region.getEntry("key"), undefined);
    equal(await region.getOrCreate("key", () => "anew"), "anew");
  });

  it("DX-17: holds no more than it may, the popular longest, and nothing that has expired", async () => {
    const clock = new ManualClock();
    const near = new MemoryCache({ maxEntries: 100, clock });
    const region = makeRegion({ clock, near, hardTtlMs: 60_000 });
    for (let i = 0; i < 10_000; i++) {
      await region.set(`passing ${i}`, i);
      await region.getOrCreate("popular", () => "kept");
    }
    ok(near.size <= 100, `${near.size} entries`);
    equal(region.stats().create, 1);
    await clock.advance(90_000);
    near.sweep();
    equal(near.size, 0);
  });

  it("DX-17: a bounded backend stays within its bound under ten thousand keys", async () => {
    const clock = new ManualClock();
    let left = 0;
    const backend = memoryBackend<Entry>({
      clock,
      maxEntries: 50,
      onRemoval: () => left++,
    });
    const region = makeRegion({ clock, backend });
    for (let i = 0; i < 10_000; i++) await region.getOrCreate(`key ${i}`, () => i);
    ok(left >= 10_000 - 50, `${left} left`);
  });

  it("DX-17: copies for who asks: neither what is set nor what is got can be changed from outside", async () => {
    const clock = new ManualClock();
    const shelf = copied(new MemoryCache<unknown>({ clock }));
    const backend = bytesInMemory(clock);
    for (const region of [makeRegion({ clock, backend }), makeRegion({ clock, near: shelf })]) {
      const given = { list: ["kept"] };
      await region.set("key", given);
      given.list.push("lost");
      const got = await region.get<typeof given>("key");
      notEqual(got, given);
      got?.list.push("lost, too");
      deepEqual(await region.get("key"), { list: ["kept"] });
    }
  });
});

describe("what dogpile's regions lack", () => {
  it("DX-24: tells and lists what is there, removes by prefix and tag, clears, touches, and gives each its life", async () => {
    const clock = new ManualClock();
    const near = new MemoryCache({ clock });
    const region = makeRegion({ clock, near, softTtlMs: 1_000 });
    await region.set("user:1", undefined, { tags: ["one"] });
    await region.set("user:2", "b", { softTtlMs: 50 });
    await region.set("post:1", "c", { softTtlMs: 5_000, tags: ["one"] });
    ok(await region.getEntry("user:1") !== undefined);
    equal(await region.getEntry("user:3"), undefined);
    deepEqual([...near.keys()].toSorted(), ["post:1", "user:1", "user:2"]);
    await clock.advance(49);
    equal(await region.touch("user:2", { softTtlMs: 100 }), true);
    equal(await region.touch("user:3"), false);
    await clock.advance(99);
    equal(await region.get("user:2"), "b");
    await region.deleteMulti([...near.keys()].filter((key) => key.startsWith("user:2")));
    deepEqual([...near.keys()].toSorted(), ["post:1", "user:1"]);
    await region.set("user:4", "d");
    await region.invalidate({ tags: ["one"] });
    deepEqual(await region.getMulti(["user:1", "post:1", "user:4"]), [undefined, undefined, "d"]);
    await region.invalidate();
    equal(await region.getEntry("user:4"), undefined);
  });

  it("DX-24: over a store, too, where keys of a prefix bear it as a tag", async () => {
    const clock = new ManualClock();
    const backend = memoryBackend<Entry>({ clock });
    const [here, there] = [0, 1].map(() => makeRegion({ clock, backend, marksMaxAgeMs: 0 }));
    const user = here?.cacheOnArguments({ tags: (id: number) => ["users", `user ${id}`] })(
      function user(id: number): string {
        return `user ${id} at ${clock.now()}`;
      },
    );
    const first = [await user?.(1), await user?.(2)];
    await clock.advance(1);
    await there?.invalidate({ tags: ["user 1"] });
    notEqual(await user?.(1), first[0]);
    equal(await user?.(2), first[1]);
    await there?.invalidate({ tags: ["users"] });
    notEqual(await user?.(2), first[1]);
  });
});
