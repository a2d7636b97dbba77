import { describe, it } from "node:test";
import { simulateRegions } from "../../testing/region_simulation.ts";

describe("simulated processes over one store, with faults and clocks 2 s apart", () => {
  it("lose no deletion and no hard invalidation, for 300 seeds", async () => {
    await simulateRegions(1, 300);
  });
});
