/**
 * Every order of events for two callers of one key: what they do, how the key is when they come, and
 * whether they share a process. The invariants are those of `region_scenario.ts`.
 */

import { equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { play, type Start, type Topology, type Verb } from "../../testing/region_scenario.ts";
import { everyChoice } from "../../testing/stepped_world.ts";

const VERBS: readonly Verb[] = ["create", "fail", "get", "set", "delete", "hard", "soft"];
const STARTS: readonly Start[] = ["missing", "stale", "fresh"];
const TOPOLOGIES: readonly Topology[] = [
  "one near region",
  "one region over a store",
  "two processes over a store",
];

describe("every interleaving of two callers", () => {
  for (const topology of TOPOLOGIES) {
    for (const start of STARTS) {
      it(`${topology}, ${start}: no deletion is lost, no lock is left, everybody is answered`, async () => {
        let runs = 0;
        for (const [i, first] of VERBS.entries()) {
          for (const second of topology === "two processes over a store" ? VERBS : VERBS.slice(i)) {
            runs += await everyChoice(async (choose) => {
              const scenario = await play({ topology, start, verbs: [first, second] }, choose);
              const isUndisturbed = first === "create" && second === "create";
              if (!isUndisturbed) return;
              equal(scenario.created, start === "fresh" ? 0 : 1, scenario.world.history.join("; "));
              ok(scenario.mostAtOnce <= 1);
            });
          }
        }
        ok(runs >= VERBS.length);
        console.log(`${runs} interleavings: ${topology}, ${start}`);
      });
    }
  }

  it("DX-06: a lease that runs out at any moment lets nobody overwrite or undo a deletion", async () => {
    let runs = 0;
    for (const second of ["delete", "get", "hard"] as const) {
      runs += await everyChoice(async (choose) => {
        const topology = "two processes over a store";
        await play(
          { topology, start: "missing", verbs: ["create", second], hasLapse: true },
          choose,
        );
      });
    }
    console.log(`${runs} interleavings with a lease lost`);
  });
});
