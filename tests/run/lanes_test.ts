import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { inLanes } from "./lanes.ts";

describe("inLanes", () => {
  it("begins in order and keeps to its lanes", async () => {
    const begun: number[] = [];
    let [now, most] = [0, 0];
    await inLanes([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      most = Math.max(most, ++now);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      now--;
    });
    deepEqual(begun, [1, 2, 3, 4, 5]);
    equal(most, 2);
  });
});
