/** Time for stores that answer in their own time: a sleeper's next step waits for the store. */

import type { StoreFixture, SuiteTime } from "../conformance/cases.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { Locks } from "../../src/contracts/locks.ts";
import type { RegionOptions } from "../../src/region/region.ts";
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
    for (let count = 0; stores.some(({ pending }) => pending > 0); count++) {
      if (count === turnsLimit) throw new Error("Cannot move time: a store does not answer");
      await (count < quickTurns ? settled() : turn());
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

/** A fixture of a store of bytes with its locks. */
type Fixture = StoreFixture<Uint8Array> & { readonly locks: Locks<Uint8Array> };

/**
 * What a region is made with over the store of a fixture that answers in its own time. Whenever
 * `clock` is moved the store is waited for; who waits for a lock asks again at once, for nobody moves
 * the clock for them.
 */
export function regionOver(
  clock: ManualClock,
  fixtureOf: (clock: ManualClock) => Fixture,
): RegionOptions {
  const advance = clock.advance.bind(clock);
  const storeClock = {
    now: () => clock.now(),
    // An hour is no pause between attempts: it is how long a call may take.
    sleep: (ms: number, signal?: AbortSignal) => {
      return ms < 3_600_000 ? turn() : clock.sleep(ms, signal);
    },
    get sleeping() {
      return clock.sleeping;
    },
    advance,
  };
  const { backend, locks, time } = fixtureOf(storeClock as unknown as ManualClock);
  if (time !== undefined) clock.advance = (ms) => time.advance(ms);
  return { backend: serialized(json, backend), locks: serializedLocks(json, locks) };
}

/** A turn in which answers from outside can come in. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
