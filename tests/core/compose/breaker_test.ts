import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { breaker, type BreakerOptions, type CircuitState } from "../../../src/compose/breaker.ts";
import type { Backend } from "../../../src/contracts/backend.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { byteSamples } from "../../conformance/cases.ts";
import { type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

backendSuite("breaker(model)", (clock) => {
  const limits = { ...new ModelStore(clock).limits, keyBytes: 250, valueBytes: 1_000_000 };
  const store = new ModelStore<Uint8Array>(clock, { limits });
  return {
    backend: breaker(store, { clock }),
    trips: () => store.trips,
    breakStore: () => void (store.isBroken = true),
  };
}, { samples: byteSamples });

describe("breaker", () => {
  it("opens after enough failures, and then fails without asking the store", async () => {
    const { store, backend, states } = brokenStore({ minFailures: 3 });
    for (let call = 0; call < 10; call++) await rejects(() => backend.get(["a"]), BackendError);
    deepEqual([store.trips, states], [3, ["open"]]);
    await rejects(() => backend.set([]).then(() => backend.get(["a"])), /circuit breaker is open/);
    deepEqual(await backend.get([]), []);
  });

  it("stays closed while failures are less than their share", async () => {
    const { store, backend, states } = brokenStore({ minFailures: 2, failureShare: 0.5 });
    for (let call = 0; call < 20; call++) {
      store.isBroken = call % 3 === 2;
      await backend.get(["a"]).catch(() => {});
    }
    deepEqual([store.trips, states], [20, []]);
  });

  it("forgets failures of an earlier window", async () => {
    const { store, backend, states, clock } = brokenStore({ minFailures: 2, windowMs: 1_000 });
    for (let call = 0; call < 5; call++) {
      await rejects(() => backend.get(["a"]), BackendError);
      await clock.advance(1_000);
    }
    deepEqual([store.trips, states], [5, []]);
  });

  it("lets one probe through after the pause, and closes when it succeeds", async () => {
    const { store, backend, states, clock } = brokenStore({ minFailures: 1, pauseMs: 1_000 });
    await rejects(() => backend.get(["a"]), BackendError);
    await clock.advance(999);
    await rejects(() => backend.get(["a"]), /circuit breaker is open/);
    await clock.advance(1);
    store.isBroken = false;
    const probe = backend.get(["a"]);
    await rejects(() => backend.get(["a"]), /circuit breaker is open/);
    await probe;
    await backend.get(["a"]);
    deepEqual(states, ["open", "half-open", "closed"]);
    equal(store.trips, 3);
  });

  it("doubles the pause after each failed probe, up to its bound, and starts anew when closed", async () => {
    const { store, backend, clock } = brokenStore({
      minFailures: 1,
      pauseMs: 100,
      maxPauseMs: 300,
    });
    const pauses: number[] = [];
    await rejects(() => backend.get(["a"]), BackendError);
    for (let probe = 0; probe < 4; probe++) pauses.push(await pauseOf(store, backend, clock));
    deepEqual(pauses, [100, 200, 300, 300]);
    store.isBroken = false;
    await clock.advance(300);
    await backend.get(["a"]);
    store.isBroken = true;
    await rejects(() => backend.get(["a"]), BackendError);
    equal(await pauseOf(store, backend, clock), 100);
  });

  it("draws each pause between its half and its whole", async () => {
    for (const [drawn, pauseMs] of [[0, 500], [0.5, 750], [1, 1_000]] as const) {
      const options = { minFailures: 1, pauseMs: 1_000, random: () => drawn };
      const { store, backend, clock } = brokenStore(options);
      await rejects(() => backend.get(["a"]), BackendError);
      equal(await pauseOf(store, backend, clock), pauseMs);
    }
  });

  it("gives up a probe that never ends, and lets another through", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<number>(clock);
    let isHanging = false;
    const faulty = new ScriptedBackend(store, ({ number }) => {
      if (number === 1) return "before";
      return isHanging ? new Promise<Fault>(() => {}) : "none";
    });
    const backend = breaker(faulty, { minFailures: 1, pauseMs: 100, clock, random: () => 1 });
    await rejects(() => backend.get(["a"]), BackendError);
    await clock.advance(100);
    isHanging = true;
    backend.get(["a"]);
    await clock.advance(99);
    await rejects(() => backend.get(["a"]), /circuit breaker is open/);
    await clock.advance(1);
    isHanging = false;
    deepEqual(await backend.get(["a"]), [undefined]);
    deepEqual(await backend.get(["a"]), [undefined]);
  });

  it("learns nothing from what began before it opened", async () => {
    const clock = new ManualClock();
    const slow: { end: (fault: Fault) => void }[] = [];
    const faulty = new ScriptedBackend(
      new ModelStore<number>(clock),
      () => new Promise<Fault>((end) => slow.push({ end })),
    );
    const states: CircuitState[] = [];
    const onChange = (state: CircuitState): void => void states.push(state);
    const backend = breaker(faulty, {
      minFailures: 1,
      pauseMs: 100,
      clock,
      onChange,
      random: () => 1,
    });
    const [early, failing, late] = [1, 2, 3].map(() => backend.get(["a"]).catch(() => "failed"));
    slow[1]!.end("before");
    equal(await failing, "failed");
    slow[0]!.end("none");
    deepEqual(await early, [undefined]);
    deepEqual(states, ["open"]);
    await clock.advance(100);
    const probe = backend.get(["a"]);
    slow[2]!.end("before");
    equal(await late, "failed");
    deepEqual(states, ["open", "half-open"]);
    slow[3]!.end("none");
    await probe;
    deepEqual(states, ["open", "half-open", "closed"]);
  });

  it("takes wrong arguments for no sign of the store's health, also in a probe", async () => {
    const clock = new ManualClock();
    const limits = { ...new ModelStore(clock).limits, keyBytes: 3 };
    const store = new ModelStore<number>(clock, { limits });
    const backend = breaker(store, { minFailures: 1, clock, random: () => 1 });
    for (let call = 0; call < 5; call++) await rejects(() => backend.get(["long"]), RangeError);
    deepEqual(await backend.get(["a"]), [undefined]);
    store.isBroken = true;
    await rejects(() => backend.get(["a"]), BackendError);
    store.isBroken = false;
    await clock.advance(1_000);
    await rejects(() => backend.get(["long"]), RangeError);
    deepEqual(await backend.get(["a"]), [undefined]);
  });

  it("does not stay open for hours when the clock is stepped back", async () => {
    const { store, backend, clock } = brokenStore({ minFailures: 1 });
    await rejects(() => backend.get(["a"]), BackendError);
    clock.set(clock.now() - 3_600_000);
    store.isBroken = false;
    deepEqual(await backend.get(["a"]), [undefined]);
  });

  it("with a failure of the n-th call, for all n, recovers within a pause", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let failing = 1; failing <= 12; failing++) {
        const clock = new ManualClock();
        const store = new ModelStore<number>(clock);
        const faulty = new ScriptedBackend(
          store,
          ({ number }) => number === failing ? fault : "none",
        );
        const backend = breaker(faulty, { minFailures: 1, failureShare: 0.01, clock });
        let failures = 0;
        for (let call = 0; call < 15; call++) {
          await backend.get(["a"]).catch(() => failures++);
          await clock.advance(100);
        }
        ok(failures >= 1 && failures <= 11, `${failures} failures`);
        await clock.advance(1_000);
        deepEqual(await backend.get(["a"]), [undefined]);
      }
    }
  });

  it("never asks a store that is down more often than its pauses allow", async () => {
    const waits = fc.array(fc.nat({ max: 400 }), { minLength: 50, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(
        waits,
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (script, drawn) => {
          const options = {
            minFailures: 2,
            pauseMs: 1_000,
            maxPauseMs: 4_000,
            random: () => drawn,
          };
          const { store, backend, clock } = brokenStore(options);
          const start = clock.now();
          for (const wait of script) {
            await backend.get(["a"]).catch(() => {});
            await clock.advance(wait);
          }
          ok(store.trips <= 2 + (clock.now() - start) / 500, `${store.trips} trips`);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("names the wrong option and its value", () => {
    const store = new ModelStore<number>(new ManualClock());
    throws(() => breaker(store, { minFailures: 0 }), /"minFailures" is 0/);
    throws(() => breaker(store, { failureShare: 2 }), /"failureShare" is 2/);
    throws(() => breaker(store, { pauseMs: NaN }), /"pauseMs" is NaN/);
    throws(
      () => breaker(store, { pauseMs: 10, maxPauseMs: 5 }),
      /"maxPauseMs" is 5.*"pauseMs", 10/,
    );
  });
});

/** How long the circuit stays open: the time until the store is asked again. */
async function pauseOf(
  store: ModelStore<number>,
  backend: Backend<number>,
  clock: ManualClock,
): Promise<number> {
  const { trips } = store;
  for (let pauseMs = 50; pauseMs <= 60_000; pauseMs += 50) {
    await clock.advance(50);
    await backend.get(["a"]).catch(() => {});
    if (store.trips > trips) return pauseMs;
  }
  throw new Error("Cannot measure the pause: it does not end");
}

function brokenStore(options: BreakerOptions): {
  store: ModelStore<number>;
  backend: Backend<number>;
  clock: ManualClock;
  states: CircuitState[];
} {
  const clock = new ManualClock();
  const store = new ModelStore<number>(clock);
  store.isBroken = true;
  const states: CircuitState[] = [];
  const onChange = (state: CircuitState): void => void states.push(state);
  const backend = breaker(store, { random: () => 1, ...options, clock, onChange });
  return { store, backend, clock, states };
}
