import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { polled } from "../../../src/compose/polled.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { StoreClock } from "../../testing/store_time.ts";

/** A store whose answers take some turns of the event loop. */
class SlowStore {
  pending = 0;
  calls = 0;

  async ask(): Promise<number> {
    this.pending++;
    const call = ++this.calls;
    for (let turn = 0; turn < 20; turn++) await settled();
    this.pending--;
    return call;
  }
}

interface Bench {
  readonly clock: ManualClock;
  readonly store: SlowStore;
  /** Asks until the store has answered for the `calls`th time. */
  waitFor(calls: number): Promise<number>;
}

function bench(): Bench {
  const [clock, store] = [new ManualClock(0), new SlowStore()];
  const storeClock = new StoreClock(clock);
  storeClock.waitingFor([store]);
  const waitFor = (calls: number): Promise<number> =>
    polled(async () => {
      const call = await store.ask();
      return { result: call, isDone: call >= calls };
    }, { waitMs: 100_000, clock: storeClock, random: () => 0.5 });
  return { clock, store, waitFor };
}

describe("store time", () => {
  it("stands still while a store is at work", async () => {
    const { clock, store } = bench();
    const answeredAt: number[] = [];
    const working = (async () => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(10);
        await store.ask();
        answeredAt.push(clock.now());
      }
    })();
    await clock.advance(1_000);
    await working;
    deepEqual(answeredAt, [10, 20, 30]);
  });

  it("moves on in spite of many who ask again and again", async () => {
    const { clock, store, waitFor } = bench();
    const waiters = Array.from({ length: 10 }, () => waitFor(Infinity));
    await clock.advance(100_000);
    equal((await Promise.all(waiters)).length, 10);
    equal(clock.now(), 100_000);
    // Each asks every quarter of a second at last, not as often as it is answered.
    equal(store.calls < 10_000, true);
  });

  it("lets a call pause that a test awaits without moving the clock", async () => {
    const { clock, waitFor } = bench();
    equal(await waitFor(3), 3);
    deepEqual([clock.now(), clock.sleeping], [0, 0]);
  });
});
