import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { failsafe } from "../../../src/compose/failsafe.ts";
import type { Backend } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { backendSuite, failureCase } from "../../conformance/backend_suite.ts";
import { byteSamples } from "../../conformance/cases.ts";
import { type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

backendSuite("failsafe(model)", (clock) => {
  const store = new ModelStore<Uint8Array>(clock, {
    limits: { ...new ModelStore(clock).limits, keyBytes: 250, valueBytes: 1_000_000 },
  });
  return { backend: failsafe(store), trips: () => store.trips };
}, {
  samples: byteSamples,
  skips: [{ case: failureCase, reason: "to answer misses instead is what failsafe is for" }],
});

describe("failsafe", () => {
  it("DX-18: while the store is down reads are misses, changes are dropped, all is reported", async () => {
    const { store, backend, failures } = failsafeStore();
    store.isBroken = true;
    deepEqual(await backend.get(["a", "b"]), [undefined, undefined]);
    await backend.set([writeOf("a", 1)]);
    await backend.delete(["a"]);
    deepEqual(failures, [
      "Cannot get on model: out of order",
      "Cannot set on model: out of order",
      "Cannot delete on model: out of order",
    ]);
  });

  it("lets errors of wrong arguments pass", async () => {
    const clock = new ManualClock();
    const limits = { ...new ModelStore(clock).limits, keyBytes: 3 };
    const backend = failsafe(new ModelStore<number>(clock, { limits }));
    await rejects(() => backend.get(["long"]), RangeError);
    await rejects(() => backend.set([writeOf("long", 1)]), RangeError);
    await rejects(() => backend.delete(["long"]), RangeError);
  });

  it("does not serve, once the store is back, what it could not delete or replace", async () => {
    const { store, backend } = failsafeStore();
    await backend.set([writeOf("deleted", 1), writeOf("replaced", 1), writeOf("kept", 1)]);
    store.isBroken = true;
    await backend.delete(["deleted"]);
    await backend.set([writeOf("replaced", 2)]);
    store.isBroken = false;
    deepEqual(await backend.get(["deleted", "kept", "replaced"]), [undefined, 1, undefined]);
    deepEqual(store.keys, ["kept"]);
    const { trips } = store;
    await backend.get(["kept"]);
    equal(store.trips, trips + 1, "it repairs once");
  });

  it("trusts a key again once a write of it succeeded", async () => {
    const { store, backend } = failsafeStore();
    store.isBroken = true;
    await backend.delete(["a"]);
    store.isBroken = false;
    await backend.set([writeOf("a", 2)]);
    deepEqual(await backend.get(["a"]), [2]);
  });

  it("rejects changes beyond the doubts it can bear", async () => {
    const { store, backend } = failsafeStore({ maxDoubts: 2 });
    store.isBroken = true;
    await backend.delete(["a"]);
    await backend.delete(["a", "b"]);
    await rejects(() => backend.delete(["c"]), BackendError);
    await backend.set([writeOf("b", 1)]);
    throws(() => failsafe(store, { maxDoubts: NaN }), /"maxDoubts" is NaN/);
  });

  it("with a failure of the n-th call, for all n, serves nothing that was replaced", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let failing = 1; failing <= 14; failing++) {
        const { backend } = failsafeStore({
          faultOf: (number) => number === failing ? fault : "none",
        });
        await assertNothingOutdated(backend, ["set", "get", "set", "get", "delete", "get", "get"]);
      }
    }
  });

  it("with failures of any calls serves nothing that was replaced", async () => {
    const steps = fc.array(fc.constantFrom("get", "set", "delete"), { maxLength: 30 });
    const faults = fc.array(fc.constantFrom<Fault>("none", "none", "before", "after"), {
      minLength: 60,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(steps, faults, async (verbs, script) => {
        const { backend } = failsafeStore({ faultOf: (number) => script[number] ?? "none" });
        await assertNothingOutdated(backend, verbs);
      }),
      { numRuns: 1_000 },
    );
  });

  it("with two callers and failures never serves for good what was replaced", async () => {
    const verbs = fc.array(fc.constantFrom("get", "set", "delete"), { minLength: 1, maxLength: 4 });
    const faults = fc.array(fc.constantFrom<Fault>("none", "before", "after"), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), verbs, verbs, faults, async (scheduler, a, b, script) => {
        const { store, backend } = failsafeStore({
          faultOf: async (number) => {
            await scheduler.schedule(Promise.resolve(), `call ${number}`);
            return script[number] ?? "none";
          },
        });
        let lastAnnounced = 0;
        const run = async (caller: readonly string[]): Promise<void> => {
          for (const verb of caller) {
            if (verb === "get") await backend.get(["key"]);
            else if (verb === "set") await backend.set([writeOf("key", ++lastAnnounced)]);
            else await backend.delete(["key"]);
          }
        };
        await scheduler.waitFor(Promise.all([run(a), run(b)]));
        // With nobody else about, a deletion that the caller believes in must hold.
        store.isBroken = true;
        await scheduler.waitFor(backend.delete(["key"]));
        store.isBroken = false;
        for (let read = 0; read < 3; read++) {
          deepEqual(await scheduler.waitFor(backend.get(["key"])), [undefined]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Runs the verbs on one key and checks that a read never finds anything but the last value. */
async function assertNothingOutdated(
  backend: Backend<number>,
  verbs: readonly string[],
): Promise<void> {
  let current: number | undefined;
  for (const [number, verb] of verbs.entries()) {
    if (verb === "set") await backend.set([writeOf("key", current = number)]);
    else if (verb === "delete") await backend.delete(["key"]), current = undefined;
    else {
      const [found] = await backend.get(["key"]);
      ok(found === undefined || found === current, `found ${found}, not ${current}`);
    }
  }
}

function failsafeStore(
  options: { maxDoubts?: number; faultOf?: (number: number) => Fault | Promise<Fault> } = {},
): { store: ModelStore<number>; backend: Backend<number>; failures: string[] } {
  const { maxDoubts = 100, faultOf = () => "none" } = options;
  const store = new ModelStore<number>(new ManualClock());
  const failures: string[] = [];
  const faulty = new ScriptedBackend(store, ({ number }) => faultOf(number));
  const onFailure = (error: BackendError): void => void failures.push(error.message);
  return { store, failures, backend: failsafe(faulty, { onFailure, maxDoubts }) };
}

function writeOf(key: string, value: number): { key: string; value: number; expiresAt: number } {
  return { key, value, expiresAt: NEVER };
}
