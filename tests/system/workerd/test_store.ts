/** A `CairnStore` whose time is moved by the tests, which share its isolate. */

import { CairnStore, type StoreState } from "../../../backends/cairn_store.ts";
import { type Clock, systemClock } from "../../../src/contracts/clock.ts";

let current: Clock = systemClock;

const shared: Clock = {
  now: () => current.now(),
  sleep: (ms, signal) => current.sleep(ms, signal),
};

/** From now on the objects' time is that of `clock`. */
export function setStoreClock(clock: Clock): void {
  current = clock;
}

interface TestState extends StoreState {
  readonly storage: StoreState["storage"] & { deleteAlarm(): Promise<void> };
}

/** The object under test. */
export class TestStore extends CairnStore {
  readonly #state: TestState;

  constructor(state: TestState, env: unknown) {
    super(state, env, { clock: shared });
    this.#state = state;
  }

  /** In how many milliseconds the alarm rings; `null` where none is set. */
  async alarmIn(): Promise<number | null> {
    const at = await this.#state.storage.getAlarm();
    return at === null ? null : at - systemClock.now();
  }

  /** Rings the alarm at once; answers whether another one is set. */
  async ring(): Promise<boolean> {
    await this.#state.storage.deleteAlarm();
    await this.alarm();
    return await this.#state.storage.getAlarm() !== null;
  }

  /** How many rows there are in all tables of things that expire. */
  async rows(): Promise<number> {
    const [entries] = await this.run([{
      sql: "SELECT count(*) AS n FROM $entries",
      parameters: [],
    }]);
    const [leases] = await this.run([{ sql: "SELECT count(*) AS n FROM $leases", parameters: [] }]);
    return Number(entries![0]!["n"]) + Number(leases![0]!["n"]);
  }
}
