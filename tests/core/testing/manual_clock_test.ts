import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../../testing/manual_clock.ts";

describe("ManualClock", () => {
  it("stands still until it is advanced", async () => {
    const clock = new ManualClock(1_000);
    let isAwake = false;
    clock.sleep(10).then(() => isAwake = true);
    await clock.advance(9);
    deepEqual([clock.now(), isAwake, clock.sleeping], [1_009, false, 1]);
    await clock.advance(1);
    deepEqual([clock.now(), isAwake, clock.sleeping], [1_010, true, 0]);
  });

  it("wakes sleepers in order of time, then of lying down, each at its own instant", async () => {
    const clock = new ManualClock(0);
    const woken: string[] = [];
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push(`${name}@${clock.now()}`);
    };
    sleep("late", 30), sleep("a", 20), sleep("b", 20), sleep("early", 5);
    await clock.advance(100);
    deepEqual(woken, ["early@5", "a@20", "b@20", "late@30"]);
  });

  it("lets a woken sleeper sleep again within one advance", async () => {
    const clock = new ManualClock(0);
    const beats: number[] = [];
    (async () => {
      for (let beat = 0; beat < 3; beat++) {
        await clock.sleep(10);
        beats.push(clock.now());
      }
    })();
    await clock.advance(35);
    deepEqual(beats, [10, 20, 30]);
  });

  it("ends a sleep when its signal is aborted, before or during", async () => {
    const clock = new ManualClock(0);
    const controller = new AbortController();
    const during = clock.sleep(1_000, controller.signal);
    equal(clock.sleeping, 1);
    controller.abort();
    await during;
    await clock.sleep(1_000, controller.signal);
    deepEqual([clock.now(), clock.sleeping], [0, 0]);
  });

  it("tells when the next sleeper wakes", async () => {
    const clock = new ManualClock(0);
    equal(clock.wakesAt, Infinity);
    clock.sleep(30), clock.sleep(20);
    equal(clock.wakesAt, 20);
    await clock.advance(20);
    equal(clock.wakesAt, 30);
  });

  it("steps back when set", () => {
    const clock = new ManualClock(1_000);
    clock.set(400);
    equal(clock.now(), 400);
  });
});
