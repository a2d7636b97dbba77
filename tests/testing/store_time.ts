/**
 * Time for stores that answer in their own time.
 *
 * A clock that is moved by hand goes from one sleeper to the next, and stands still while a store is
 * at work: how long a real answer takes is no part of the test. So nothing may ask a store again and
 * again while the clock is being moved, or it would never move: on a slow store some answer is always
 * on its way. Who waits for a lock sleeps on the clock then, as in production.
 *
 * Nobody moves the clock, though, while a test awaits a single call, and a call may pause: for a table
 * that is being made, or for a lock. Such a pause is a short real one, and the clock stands still.
 */

import type { StoreFixture, SuiteTime } from "../conformance/cases.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import type { Locks } from "../../src/contracts/locks.ts";
import type { RegionOptions } from "../../src/region/region.ts";
import { type ManualClock, settled } from "./manual_clock.ts";

/** A store of which one can tell whether it is at work. */
export interface Working {
  /** How many calls have no answer yet. */
  readonly pending: number;
}

/** What moving a clock takes. */
type Moved = Pick<ManualClock, "now" | "wakesAt" | "advance">;

/** So many turns of a millisecond, five minutes at least, are waited for an answer. */
const turnsLimit = 300_000;
/** So many turns are taken at once before: most stores have answered by then. */
const quickTurns = 100;

/** Moves `clock` from sleeper to sleeper, and lets `stores` answer before each. */
function storeTime(clock: Moved, stores: readonly Working[]): SuiteTime {
  const answered = (): Promise<void> => idle(() => stores.some(({ pending }) => pending > 0));
  return {
    now: () => clock.now(),
    async advance(ms: number): Promise<void> {
      const target = clock.now() + ms;
      await answered();
      while (clock.now() < target) {
        const next = Math.max(clock.now(), Math.min(clock.wakesAt, target));
        await clock.advance(next - clock.now());
        await answered();
      }
    },
  };
}

/** Resolves when nobody is at work any more, and nothing follows at once. */
export async function idle(isAtWork: () => boolean): Promise<void> {
  await settled();
  for (let count = 0; isAtWork(); count++) {
    if (count === turnsLimit) throw new Error("Cannot go on: a store does not answer");
    await (count < quickTurns ? settled() : turn());
  }
}

/**
 * The clock of a store, for tests that await calls and move `clock` in turns: who pauses while nobody
 * moves the clock sleeps for a moment really.
 */
export class StoreClock implements Clock {
  readonly #clock: ManualClock;
  readonly #advance: ManualClock["advance"];
  #moves = 0;
  #turns = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.#advance = clock.advance.bind(clock);
  }

  now(): number {
    return this.#clock.now();
  }

  get wakesAt(): number {
    return this.#clock.wakesAt;
  }

  /** Moves the clock without waiting for a store. */
  advance(ms: number): Promise<void> {
    return this.#advance(ms);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // An hour is no pause between attempts: it is how long a call may take.
    if (this.#moves > 0 || ms >= 3_600_000) return await this.#clock.sleep(ms, signal);
    this.#turns++;
    await turn();
    this.#turns--;
  }

  /** From now on whoever moves the clock lets `stores` answer before each step. */
  waitingFor(stores: readonly Working[]): SuiteTime {
    const time = storeTime(this, stores);
    this.#clock.advance = async (ms) => {
      this.#moves++;
      try {
        await idle(() => this.#turns > 0);
        await time.advance(ms);
      } finally {
        this.#moves--;
      }
    };
    return { now: () => this.now(), advance: (ms) => this.#clock.advance(ms) };
  }
}

/** A fixture of a store of bytes with its locks. */
type Fixture = Pick<StoreFixture<Uint8Array>, "backend"> & { readonly locks: Locks<Uint8Array> };

/** What a region is made with over the store of a fixture. */
export function regionOver(fixture: Fixture): RegionOptions {
  const { backend, locks } = fixture;
  return { backend: serialized(json, backend), locks: serializedLocks(json, locks) };
}

/** A turn in which answers from outside can come in. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
