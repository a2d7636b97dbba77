/** PyPICloud's TimedCache, a dictionary with an age and a factory, as a region has all of it. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import { makeRegion, type Region } from "../../../src/region/region.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

const second = 1_000;

/** A region whose values live so long, and its clock. */
function timed(ttlMs?: number): { cache: Region; clock: ManualClock } {
  const clock = new ManualClock();
  const lives = ttlMs === undefined ? {} : { softTtlMs: ttlMs, hardTtlMs: ttlMs };
  return { cache: makeRegion({ clock, ...lives }), clock };
}

/** The life of one value. */
function lasting(ttlMs: number): { softTtlMs: number; hardTtlMs: number } {
  return { softTtlMs: ttlMs, hardTtlMs: ttlMs };
}

describe("a region as a TimedCache", () => {
  it("P-188 P-189: has a value at its age, and after it none, or the caller's default", async () => {
    const { cache, clock } = timed(5 * second);
    await cache.set("a", 1);
    await clock.advance(3 * second);
    equal(await cache.get("a"), 1);
    await clock.advance(5 * second);
    equal(await cache.get("a"), undefined);
    equal(await cache.get("a") ?? "default", "default");
  });

  it("P-190: refuses a negative age", () => {
    throws(() => timed(-1), RangeError);
  });

  it("P-191: with the age 0 stores nothing", async () => {
    const { cache } = timed(0);
    await cache.set("a", 1);
    equal(await cache.get("a"), undefined);
    const made: number[] = [];
    const creator = (): number => made.push(1);
    deepEqual([await cache.getOrCreate("b", creator), await cache.getOrCreate("b", creator)], [
      1,
      2,
    ]);
  });

  it("P-192 P-194: is filled by a factory, once", async () => {
    const { cache, clock } = timed(5 * second);
    let calls = 0;
    const factory = (): string => `value ${++calls}`;
    equal(await cache.getOrCreate("a", factory), "value 1");
    equal(await cache.getOrCreate("a", factory), "value 1");
    equal(await cache.get("a"), "value 1");
    await clock.advance(6 * second);
    equal(await cache.getOrCreate("a", factory), "value 2");
  });

  it("P-193 P-195: a factory that has nothing leaves a miss, and the caller's default", async () => {
    const { cache } = timed(5 * second);
    let calls = 0;
    const nothing = (): undefined => void calls++;
    const shouldCache = (value: unknown): boolean => value !== undefined;
    equal(await cache.getOrCreate("a", nothing, { shouldCache }), undefined);
    equal(await cache.getEntry("a"), undefined);
    equal(await cache.getOrCreate("a", nothing, { shouldCache }) ?? "default", "default");
    equal(calls, 2);
  });

  it("P-196: without an age is a dictionary", async () => {
    const { cache, clock } = timed();
    await cache.set("a", 1);
    await clock.advance(1_000_000 * second);
    equal(await cache.get("a"), 1);
    equal(await cache.get("b") ?? "default", "default");
  });

  it("P-197: a value of its own may never expire", async () => {
    const { cache, clock } = timed(5 * second);
    await cache.set("a", 1, lasting(NEVER));
    await clock.advance(1_000_000 * second);
    equal(await cache.get("a"), 1);
  });

  it("P-198: a value of its own may live longer than the others", async () => {
    const { cache, clock } = timed(5 * second);
    await cache.set("a", 1, lasting(30 * second));
    await clock.advance(29 * second);
    equal(await cache.get("a"), 1);
    await clock.advance(2 * second);
    equal(await cache.get("a"), undefined);
  });

  it("P-199: a value that lives 0 ends the one there is, and where there is none changes nothing", async () => {
    const { cache } = timed(5 * second);
    await cache.set("a", 1);
    await cache.set("a", 2, lasting(0));
    equal(await cache.get("a"), undefined);
    await cache.set("b", 1, lasting(0));
    equal(await cache.get("b"), undefined);
  });
});
