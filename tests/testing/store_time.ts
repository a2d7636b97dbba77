/** Time for stores that answer in their own time: a sleeper's next step waits for the store. */

import type { SuiteTime } from "../conformance/cases.ts";
import { type ManualClock, settled } from "./manual_clock.ts";

/** A store of which one can tell whether it is at work. */
export interface Working {
  /** How many calls have no answer yet. */
  readonly pending: number;
}

/** No pause between a waiter's attempts is shorter, so none is passed over. */
const stepMs = 5;
/** How many turns of the event loop a store may take for its answers. */
const turnsLimit = 30_000;
/** After so many, the turns take a millisecond each: turns at once can keep answers out. */
const quickTurns = 100;

/** Moves `clock` in small steps, and lets `stores` answer before each. */
export function storeTime(
  clock: Pick<ManualClock, "now" | "sleeping" | "advance">,
  stores: readonly Working[],
): SuiteTime {
  const idle = async (): Promise<void> => {
    await settled();
    for (let turn = 0; stores.some(({ pending }) => pending > 0); turn++) {
      if (turn === turnsLimit) throw new Error("Cannot move time: a store does not answer");
      if (turn < quickTurns) await settled();
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return {
    now: () => clock.now(),
    async advance(ms: number): Promise<void> {
      await idle();
      const target = clock.now() + ms;
      while (clock.now() < target) {
        await clock.advance(
          clock.sleeping > 0 ? Math.min(stepMs, target - clock.now()) : target - clock.now(),
        );
        await idle();
      }
    },
  };
}
