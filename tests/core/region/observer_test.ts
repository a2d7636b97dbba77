import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { RegionEvent } from "../../../src/region/observer.ts";
import { settled } from "../../testing/manual_clock.ts";
import { regionBench } from "../../testing/region_bench.ts";

describe("what a region counts and tells", () => {
  it("DX-23: hits, misses, stale answers, creations and failures, by their names", async () => {
    const { region, clock } = regionBench("near and backend", { softTtlMs: 100, name: "r" });
    await region.getOrCreate("key", () => 1);
    await region.getOrCreate("key", () => 1);
    await region.get("missing");
    await clock.advance(100);
    const gate = Promise.withResolvers<number>();
    const leader = region.getOrCreate("key", () => gate.promise);
    await settled();
    await region.getOrCreate("key", () => 1);
    gate.resolve(2);
    await leader;
    await region.getOrCreate("bad", () => Promise.reject(new Error())).catch(() => {});
    await region.set("key", 5);
    await region.delete("key");
    await region.invalidate();
    const told = Object.entries(region.stats()).filter(([, count]) => count > 0);
    deepEqual(Object.fromEntries(told), {
      nearHit: 1,
      staleHit: 1,
      miss: 3,
      create: 2,
      createError: 1,
      set: 1,
      delete: 1,
      invalidate: 1,
    });
  });

  it("who stops listening twice does not silence others", async () => {
    const { region } = regionBench("near");
    const stop = region.on("set", () => {});
    stop();
    let heard = 0;
    region.on("set", () => heard++);
    stop();
    await region.set("key", 1);
    equal(heard, 1);
  });

  it("D-120: an event of a creation has its duration and key", async () => {
    const { region, clock } = regionBench("backend", {
      name: "mine",
      keyMangler: (key) => `m ${key}`,
    });
    const events: RegionEvent[] = [];
    const stop = region.on("create", (event) => events.push(event));
    const creating = region.getOrCreate("key", () => clock.sleep(5_000).then(() => 1));
    await clock.advance(5_000);
    await creating;
    deepEqual(events, [{ type: "create", region: "mine", key: "key", durationMs: 5_000 }]);
    stop();
    await region.getOrCreate("other", () => 1);
    equal(events.length, 1);
  });

  it("a listener's own error disturbs nobody, and the next listener is told", async () => {
    const { region } = regionBench("near");
    let told = 0;
    region.on("set", () => {
      throw new Error("mine");
    });
    region.on("set", () => told++);
    await region.set("key", 1);
    equal(told, 1);
    equal(await region.get("key"), 1);
  });

  it("a listener may end its own listening while it is told", async () => {
    const { region } = regionBench("near");
    const told: string[] = [];
    const stop = region.on("set", ({ key }) => {
      told.push(key);
      stop();
    });
    region.on("set", ({ key }) => told.push(`also ${key}`));
    await region.setMulti([["a", 1], ["b", 2]]);
    deepEqual(told, ["a", "also a", "also b"]);
  });

  it("tells near hits to who listens", async () => {
    const { region } = regionBench("near");
    const keys: string[] = [];
    await region.set("key", 1);
    region.on("nearHit", ({ key }) => keys.push(key));
    await region.getOrCreate("key", () => 2);
    await region.get("key");
    deepEqual(keys, ["key", "key"]);
  });
});
