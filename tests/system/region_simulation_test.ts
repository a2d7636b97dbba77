/** The long runs of region simulations and interleavings, on the runtimes that have the time. */

import { describe, it } from "node:test";
import { play } from "../testing/region_scenario.ts";
import { simulateRegions } from "../testing/region_simulation.ts";
import { everyChoice } from "../testing/stepped_world.ts";

describe("simulated processes over one store, with faults and clocks 2 s apart", () => {
  for (let first = 1_001; first < 11_001; first += 2_500) {
    it(`lose no deletion and no hard invalidation, for 2,500 seeds from ${first}`, async () => {
      await simulateRegions(first, 2_500);
    });
  }
});

describe("every interleaving of two creators and a lease that runs out", () => {
  it("lets nobody overwrite, and leaves no lock", async () => {
    const runs = await everyChoice(async (choose) => {
      const topology = "two processes over a store";
      const verbs = ["create", "create"] as const;
      await play({ topology, start: "missing", verbs, hasLapse: true }, choose);
    });
    console.log(`${runs} interleavings of two creators with a lease lost`);
  });
});
