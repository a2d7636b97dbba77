import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import { deadlineOf } from "../../../src/memory/deadline.ts";
import { ExpiryWheel } from "../../../src/memory/expiry_wheel.ts";

const SHAPE = { buckets: 60, intervalMs: 15_000 };
const START = 1_700_000_000_000;

/** Takes everything that is dead out of the wheel; answers the slots. */
function bury(wheel: ExpiryWheel, now: number): number[] {
  const dead: number[] = [];
  wheel.advance(now);
  for (let slot = wheel.firstDue(); slot >= 0; slot = wheel.firstDue()) {
    if (wheel.isDead(slot, now)) {
      wheel.clear(slot);
      dead.push(slot);
    } else {
      wheel.rehang(slot);
    }
  }
  return dead;
}

function makeWheel(lives: readonly number[]): ExpiryWheel {
  const wheel = new ExpiryWheel(SHAPE, lives.length);
  wheel.advance(START);
  lives.forEach((lifeMs, slot) => wheel.schedule(slot, START + lifeMs));
  return wheel;
}

describe("deadlineOf", () => {
  it("W-026: the deadline is the present instant and the time to live", () => {
    equal(deadlineOf({ ttlMs: 1_000 }, 10_000), 11_000);
  });
});

describe("ExpiryWheel", () => {
  it("W-029: a sweep in which nothing has expired answers nothing and leaves all as it was", () => {
    const wheel = makeWheel([60_000, 120_000, 1e9]);
    deepEqual(bury(wheel, START + 59_999), []);
    deepEqual(bury(wheel, START), []);
    equal(wheel.scheduled, 3);
    deepEqual([0, 1, 2].map((slot) => wheel.expiresAt(slot) - START), [60_000, 120_000, 1e9]);
  });

  it("a sweep answers what has expired, and only that", () => {
    const wheel = makeWheel([1_000, 20_000, 40_000]);
    deepEqual(bury(wheel, START + 30_000), [0, 1]);
    equal(wheel.scheduled, 1);
    equal(wheel.has(0), false);
    equal(wheel.expiresAt(2), START + 40_000);
  });

  it("lets nothing hang longer than a bucket after its end, near or far", () => {
    const lives = Array.from({ length: 400 }, (_, n) => Math.floor(1.06 ** n));
    const wheel = makeWheel(lives);
    const left = new Map(lives.map((lifeMs, slot) => [slot, lifeMs]));
    for (let now = START; left.size > 0; now += Math.max(5_000, (now - START) * 0.01)) {
      for (const slot of bury(wheel, now)) {
        ok(START + left.get(slot)! <= now, "it was buried alive");
        left.delete(slot);
      }
      const late = [...left.values()].filter((lifeMs) => START + lifeMs <= now - SHAPE.intervalMs);
      deepEqual(late, []);
    }
  });

  it("finds the dead behind slots that were given more time", () => {
    const wheel = makeWheel([...Array(20).fill(1_000), 2_000]);
    for (let slot = 0; slot < 20; slot++) wheel.schedule(slot, START + 3_600_000 + slot);
    const found = [1, 2, 3].map(() => wheel.findDead(START + 2_500, 8));
    deepEqual(found, [-1, -1, 20]);
    deepEqual(bury(wheel, START + 3_600_009), [20, ...Array.from({ length: 10 }, (_, n) => n)]);
    equal(wheel.scheduled, 10);
  });

  it("holds deadlines to the year 10888, cuts fractions, and calls what is later never", () => {
    const wheel = new ExpiryWheel(SHAPE, 4);
    wheel.advance(START);
    [Date.UTC(10_000, 0), START + 1.75, NEVER, 1e300].forEach((at, slot) =>
      wheel.schedule(slot, at)
    );
    deepEqual([0, 1, 2, 3].map((slot) => wheel.expiresAt(slot)), [
      Date.UTC(10_000, 0),
      START + 1,
      NEVER,
      NEVER,
    ]);
    equal(wheel.scheduled, 2);
  });
});
