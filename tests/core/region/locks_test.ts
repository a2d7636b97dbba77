import { throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Atomics } from "../../../src/contracts/atomics.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { byteSamples, entrySamples } from "../../conformance/cases.ts";
import { locksSuite } from "../../conformance/locks_suite.ts";
import { ModelStore } from "../../testing/model_store.ts";

locksSuite("localLocks", (clock) => {
  const backend = new ModelStore<unknown>(clock);
  return {
    backend,
    locks: localLocks(backend, { clock }),
    others: localLocks(backend, { clock }),
    breakStore: () => void (backend.isBroken = true),
  };
}, { samples: entrySamples });

locksSuite("atomicLocks", (clock) => {
  const backend = new ModelStore<Uint8Array>(clock);
  const make = () => atomicLocks(backend, backend, { clock, random: () => 0.5 });
  return {
    backend,
    locks: make(),
    others: make(),
    breakStore: () => void (backend.isBroken = true),
  };
}, { samples: byteSamples });

describe("atomicLocks", () => {
  it("refuses a store without atomics, naming both", () => {
    const store = new ModelStore<unknown>({ now: () => 0, sleep: () => Promise.resolve() }, {
      name: "kv",
    });
    const none = { name: "kv" } as Atomics<Uint8Array>;
    throws(() => atomicLocks(none, store), /"kv" for backend "kv": it has no atomics/);
  });
});
