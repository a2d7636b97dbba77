/**
 * dogpile's tests of its lock under load, on a clock that is moved: ten callers, each many times.
 * No creation overlaps another, nobody uses a value much older than allowed, and there are no more
 * creations than the time has room for.
 */

import { ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import { regionBench, SHAPES } from "../../testing/region_bench.ts";

interface Load {
  readonly expireMs: number;
  readonly creationMs: number;
  readonly uses: number;
  readonly usageMs: number;
  readonly pauseMs: number;
  readonly hardTtlMs: number;
}

const LOADS: Readonly<Record<string, Load>> = {
  "D-165": {
    expireMs: 2_000,
    creationMs: 500,
    uses: 50,
    usageMs: 50,
    pauseMs: 100,
    hardTtlMs: NEVER,
  },
  "D-166": {
    expireMs: 5_000,
    creationMs: 2_000,
    uses: 50,
    usageMs: 100,
    pauseMs: 100,
    hardTtlMs: NEVER,
  },
  "D-167": {
    expireMs: 5_000,
    creationMs: 2_000,
    uses: 50,
    usageMs: 1_000,
    pauseMs: 100,
    hardTtlMs: NEVER,
  },
  "D-168": {
    expireMs: 2_000,
    creationMs: 2_500,
    uses: 50,
    usageMs: 50,
    pauseMs: 100,
    hardTtlMs: NEVER,
  },
  "D-170": {
    expireMs: 1_000,
    creationMs: 600,
    uses: 50,
    usageMs: 50,
    pauseMs: 100,
    hardTtlMs: 1_760,
  },
  "D-171": {
    expireMs: 1_000,
    creationMs: 2_000,
    uses: 50,
    usageMs: 50,
    pauseMs: 100,
    hardTtlMs: 3_300,
  },
};
const CALLERS = 10;

for (const shape of SHAPES) {
  describe(`ten callers of one key in a region of ${shape}`, () => {
    for (const [id, load] of Object.entries(LOADS)) {
      it(`${id}: expire ${load.expireMs}, create ${load.creationMs}, use ${load.usageMs}`, async () => {
        const { region, clock } = regionBench(shape, {
          softTtlMs: load.expireMs,
          hardTtlMs: load.hardTtlMs,
        });
        const startedAt = clock.now();
        let [running, creations, oldestMs, slow] = [0, 0, 0, 0];
        const create = async (): Promise<number> => {
          ok(++running === 1, "two creations at once");
          await clock.sleep(load.creationMs);
          running--;
          creations++;
          return clock.now();
        };
        const caller = async (): Promise<void> => {
          for (let use = 0; use < load.uses; use++) {
            const askedAt = clock.now();
            const madeAt = await region.getOrCreate("key", create);
            if (clock.now() - askedAt > 10) slow++;
            await clock.sleep(load.usageMs);
            oldestMs = Math.max(oldestMs, clock.now() - madeAt);
            await clock.sleep(load.pauseMs);
          }
        };
        let isDone = false;
        const callers = Promise.all(Array.from({ length: CALLERS }, caller)).then(() =>
          isDone = true
        );
        while (!isDone) await clock.advance(1_000);
        await callers;
        const { expireMs, creationMs, usageMs, pauseMs } = load;
        const ageMs = 1.1 * (expireMs + creationMs + usageMs + pauseMs);
        ok(oldestMs < ageMs, `a value was used at ${oldestMs} ms, allowed ${ageMs}`);
        const most = Math.ceil(
          (clock.now() - startedAt) / Math.min(expireMs, creationMs || expireMs),
        );
        ok(creations <= most, `${creations} creations, room for ${most}`);
        ok(slow <= creations + CALLERS - 1, `${slow} waited for ${creations} creations`);
      });
    }

    it("D-169: where values vanish before they are stale all wait, and still none overlaps", async () => {
      const { region, clock } = regionBench(shape, { hardTtlMs: 800 });
      let [running, creations] = [0, 0];
      const create = async (): Promise<number> => {
        ok(++running === 1, "two creations at once");
        await clock.sleep(600);
        running--;
        return ++creations;
      };
      const caller = async (): Promise<void> => {
        for (let use = 0; use < 100; use++) {
          await region.getOrCreate("key", create);
          await clock.sleep(150);
        }
      };
      let isDone = false;
      const callers = Promise.all(Array.from({ length: CALLERS }, caller)).then(() =>
        isDone = true
      );
      while (!isDone) await clock.advance(1_000);
      await callers;
      ok(creations > 5);
    });
  });
}
