import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { failsafe } from "../../../src/compose/failsafe.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { tiered } from "../../../src/compose/tiered.ts";
import { type Backend, UNLIMITED } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { entrySamples } from "../../conformance/cases.ts";
import { writeOf } from "../../testing/entries.ts";
import { type Call, type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

const narrow = { ...UNLIMITED, keyBytes: 250, valueBytes: 1 << 16 };

backendSuite("tiered(model, serialized)", (clock) => {
  const near = new ModelStore<Entry>(clock);
  const far = new ModelStore<Uint8Array>(clock, { limits: narrow });
  return {
    backend: tiered(near, serialized(json, far), { clock }),
    trips: () => near.trips + far.trips,
    breakStore: () => void (near.isBroken = far.isBroken = true),
  };
}, { samples: entrySamples });

backendSuite("tiered of three, with a limited near life", (clock) => {
  const [near, middle, far] = ["near", "middle", "far"].map((name) =>
    new ModelStore<Entry>(clock, { name })
  ) as [ModelStore<Entry>, ModelStore<Entry>, ModelStore<Entry>];
  return {
    backend: tiered(near, tiered(middle, far, { clock }), { clock, nearTtlMs: 70_000 }),
    trips: () => near.trips + middle.trips + far.trips,
    breakStore: () => void (near.isBroken = true),
  };
}, { samples: entrySamples });

describe("tiered reads", () => {
  it("the far tier only for what the near one lacks, once for each key", async () => {
    const { backend, near, far } = tiers();
    await near.set([writeOf("a", 1)]);
    await far.set([writeOf("b", 2)]);
    far.trips = 0;
    const found = await backend.get(["b", "a", "b", "c", "c"]);
    deepEqual(found.map((entry) => entry?.payload), [2, 1, 2, undefined, undefined]);
    equal(far.trips, 1);
    await backend.get(["a", "b"]);
    equal(far.trips, 1);
  });

  it("back-fills with the life that the entry has left", async () => {
    const { backend, near, far, clock } = tiers();
    const hardExpiresAt = clock.now() + 10_000;
    await far.set([writeOf("a", 1, { hardExpiresAt })]);
    await clock.advance(4_000);
    await backend.get(["a"]);
    equal(near.deadlineOf("a"), hardExpiresAt);
    await clock.advance(6_000);
    deepEqual(await near.get(["a"]), [undefined]);
  });

  it("lets nothing live longer in the near tier than it may", async () => {
    const { backend, near, far, clock } = tiers({ nearTtlMs: 1_000 });
    await backend.set([writeOf("a", 1), writeOf("b", 2, { hardExpiresAt: clock.now() + 10 })]);
    deepEqual([near.deadlineOf("a"), near.deadlineOf("b")], [
      clock.now() + 1_000,
      clock.now() + 10,
    ]);
    equal(far.deadlineOf("a"), NEVER);
    await clock.advance(1_500);
    await backend.get(["a"]);
    equal(near.deadlineOf("a"), clock.now() + 1_000);
  });

  it("what another process has recreated, where its own copy is stale", async () => {
    const { backend, near, far, clock } = tiers();
    const stale = { softExpiresAt: clock.now() + 10, createdAt: clock.now() };
    await backend.set([writeOf("a", "old", stale), writeOf("b", "old", stale)]);
    await clock.advance(20);
    await far.set([writeOf("a", "new", { createdAt: clock.now() })]);
    const found = await backend.get(["a", "b"]);
    deepEqual(found.map((entry) => entry?.payload), ["new", "old"]);
    equal((await near.get(["a"]))[0]?.payload, "new");
  });

  it("a stale copy that the far tier has lost", async () => {
    const { backend, near, clock } = tiers();
    await near.set([writeOf("a", "old", { softExpiresAt: clock.now() - 1 })]);
    equal((await backend.get(["a"]))[0]?.payload, "old");
  });
});

describe("tiered writes", () => {
  it("to both tiers, and deletes from both", async () => {
    const { backend, near, far } = tiers();
    await backend.set([writeOf("a", 1), writeOf("a", 2), writeOf("b", 3)]);
    deepEqual([near.keys, far.keys], [["a", "b"], ["a", "b"]]);
    equal((await near.get(["a"]))[0]?.payload, 2);
    await backend.delete(["a"]);
    deepEqual([near.keys, far.keys], [["b"], ["b"]]);
  });

  it("to the far tier alone what is too large for the near one", async () => {
    const clock = new ManualClock();
    const bytes = new ModelStore<Uint8Array>(clock, { limits: { ...UNLIMITED, valueBytes: 100 } });
    const near = serialized(json, bytes);
    const far = new ModelStore<Entry>(clock);
    const backend = tiered(near, far, { clock });
    await backend.set([writeOf("a", "small"), writeOf("b", "small")]);
    await backend.set([writeOf("a", "large".repeat(100)), writeOf("b", "new")]);
    deepEqual(bytes.keys, ["b"]);
    const found = await backend.get(["a", "b"]);
    deepEqual(found.map((entry) => entry?.payload), ["large".repeat(100), "new"]);
  });

  it("declares what both tiers can hold", () => {
    const clock = new ManualClock();
    const near = new ModelStore<Entry>(clock, {
      name: "near",
      limits: { ...UNLIMITED, keyBytes: 250, keyAlphabet: "graphic", valueBytes: 10, ttlStepMs: 9 },
    });
    const far = new ModelStore<Entry>(clock, {
      name: "far",
      limits: { ...UNLIMITED, keyBytes: 500, ttlMinMs: 60, consistency: "eventual" },
    });
    const both = { ...UNLIMITED, keyBytes: 250, keyAlphabet: "graphic" as const, ttlMinMs: 60 };
    const expected = { ...both, ttlStepMs: 9, consistency: "eventual" };
    deepEqual({ ...tiered(near, far).limits }, expected);
    deepEqual({ ...tiered(far, near).limits }, { ...expected, valueBytes: 10 });
    equal(tiered(near, far).name, "tiered(near, far)");
    throws(() => tiered(near, far, { nearTtlMs: 0 }), /"nearTtlMs" is 0/);
  });
});

describe("tiered, with a failure", () => {
  const steps: ((backend: Backend<Entry>) => Promise<unknown>)[] = [
    (backend) => backend.set([writeOf("a", 1), writeOf("b", 2)]),
    (backend) => backend.get(["a", "b", "c"]),
    (backend) => backend.set([writeOf("a", 3)]),
    (backend) => backend.get(["a"]),
    (backend) => backend.delete(["b"]),
    (backend) => backend.set([writeOf("c", 4), writeOf("b", 5)]),
    (backend) => backend.get(["a", "b", "c"]),
    (backend) => backend.delete(["a", "c"]),
    (backend) => backend.get(["a", "b", "c"]),
  ];

  for (const fault of ["before", "after"] as const) {
    it(`of the n-th call ${fault} it reached the store, for all n, never lets the tiers differ`, async () => {
      let callsInAll = Infinity;
      for (let failing = 1; failing <= callsInAll; failing++) {
        const { backend, near, far, countCalls } = tiers({
          faultOf: ({ number }) => number === failing ? fault : "none",
        });
        let failures = 0;
        for (const step of steps) {
          await step(backend).catch((error) => {
            ok(error instanceof BackendError);
            failures++;
          });
          await assertTiersAgree(near, far);
        }
        callsInAll = Math.min(callsInAll, countCalls());
        if (failing <= callsInAll) equal(failures, 1, `call ${failing}`);
      }
      ok(callsInAll > 10);
    });
  }

  it("of the near tier goes on without it where that is failsafe", async () => {
    const clock = new ManualClock();
    const near = new ModelStore<Entry>(clock);
    const far = new ModelStore<Entry>(clock);
    const backend = tiered(failsafe(near), far, { clock });
    await backend.set([writeOf("a", "old")]);
    near.isBroken = true;
    await backend.set([writeOf("a", "new")]);
    equal((await backend.get(["a"]))[0]?.payload, "new");
    near.isBroken = false;
    equal((await backend.get(["a"]))[0]?.payload, "new");
  });

  it("of the far tier rejects, and leaves nothing in the near one that could hide it", async () => {
    const { backend, near, far } = tiers();
    await backend.set([writeOf("a", 1)]);
    far.isBroken = true;
    await rejects(() => backend.set([writeOf("a", 2)]), BackendError);
    deepEqual(near.keys, []);
    await rejects(() => backend.get(["a"]), BackendError);
  });
});

describe("tiered, with two callers", () => {
  const moves = {
    get: (backend: Backend<Entry>) => backend.get(["key"]),
    delete: (backend: Backend<Entry>) => backend.delete(["key"]),
    "set 1": (backend: Backend<Entry>) => backend.set([writeOf("key", 1)]),
    "set 2": (backend: Backend<Entry>) => backend.set([writeOf("key", 2)]),
  };
  const names = fc.constantFrom(...Object.keys(moves) as (keyof typeof moves)[]);
  const callers = fc.array(names, { minLength: 1, maxLength: 4 });

  it("DX-10: never keeps in the near tier what the far one no longer holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), callers, callers, async (scheduler, one, other) => {
        const { backend, near, far } = tiers({
          faultOf: async ({ verb }): Promise<Fault> => {
            await scheduler.schedule(Promise.resolve(), verb);
            return "none";
          },
        });
        await far.set([writeOf("key", 0)]);
        const run = async (caller: readonly (keyof typeof moves)[]): Promise<void> => {
          for (const name of caller) await moves[name](backend);
        };
        await scheduler.waitFor(Promise.all([run(one), run(other)]));
        await assertTiersAgree(near, far);
      }),
      { numRuns: 2_000 },
    );
  });
});

async function assertTiersAgree(near: Backend<Entry>, far: Backend<Entry>): Promise<void> {
  const keys = ["a", "b", "c", "key"];
  const [held, decided] = [await near.get(keys), await far.get(keys)];
  for (const [index, entry] of held.entries()) {
    if (entry) deepEqual(entry, decided[index], `the near tier hides "${keys[index]}"`);
  }
}

interface TiersUnderTest {
  readonly backend: Backend<Entry>;
  readonly near: ModelStore<Entry>;
  readonly far: ModelStore<Entry>;
  readonly clock: ManualClock;
  countCalls(): number;
}

function tiers(
  options: { nearTtlMs?: number; faultOf?: (call: Call) => Fault | Promise<Fault> } = {},
): TiersUnderTest {
  const { nearTtlMs = NEVER, faultOf = () => "none" } = options;
  const clock = new ManualClock();
  const near = new ModelStore<Entry>(clock, { name: "near" });
  const far = new ModelStore<Entry>(clock, { name: "far" });
  let calls = 0;
  const counting = (call: Call): Fault | Promise<Fault> => faultOf({ ...call, number: ++calls });
  const backend = tiered(new ScriptedBackend(near, counting), new ScriptedBackend(far, counting), {
    nearTtlMs,
    clock,
  });
  return { backend, near, far, clock, countCalls: () => calls };
}
