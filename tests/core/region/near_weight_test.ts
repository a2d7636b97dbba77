/** A near shelf that is bounded by what values weigh. */

import { deepEqual, equal } from "node:assert/strict";
import { it } from "node:test";
import { makeRegion } from "../../../src/region/region.ts";

it("a near shelf weighs the values of its region, and tells of them when they leave", async () => {
  const left: unknown[] = [];
  const region = makeRegion({
    near: {
      maxWeight: 10,
      weigh: (value) => (value as string).length,
      onRemoval: ({ key, value, cause }) => left.push([key, value, cause]),
    },
  });
  await region.set("heavy", "longer than a quarter");
  equal(await region.get("heavy"), undefined);
  deepEqual(left, [["heavy", "longer than a quarter", "refused"]]);
  await region.set("light", "ab");
  equal(await region.get("light"), "ab");
});
