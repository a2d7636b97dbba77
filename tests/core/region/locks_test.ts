import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Atomics } from "../../../src/contracts/atomics.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { byteSamples, entrySamples } from "../../conformance/cases.ts";
import { locksSuite } from "../../conformance/locks_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { ScriptedBackend } from "../../testing/scripted_backend.ts";

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

it("localLocks wait no longer where the clock steps back", async () => {
  const timer = new ManualClock();
  let stepMs = 0;
  const clock = { now: () => timer.now() - stepMs, sleep: timer.sleep.bind(timer) };
  const locks = localLocks(new ModelStore<unknown>(clock), { clock });
  const options = { leaseMs: 10_000, waitMs: 100, enough: () => false };
  await locks.acquire("key", options);
  let isEnded = false;
  void locks.acquire("key", options).then(() => isEnded = true);
  await timer.advance(50);
  stepMs = 3_600_000;
  // No more is lost than what had passed since it last looked.
  await timer.advance(150);
  equal(isEnded, true);
});

it("localLocks: a write under way keeps its holding, however long it travels", async () => {
  const clock = new ManualClock();
  const gate = Promise.withResolvers<void>();
  const backend = new ScriptedBackend(new ModelStore<unknown>(clock), async ({ verb }) => {
    if (verb !== "get") await gate.promise;
    return "none" as const;
  });
  const locks = localLocks<unknown>(backend, { clock });
  const once = { leaseMs: 1_000, waitMs: 0, enough: () => false };
  const { lease } = await locks.acquire("key", once);
  const committing = lease?.commit({ key: "key", value: 1, expiresAt: NEVER });
  const revoking = locks.revoke(["other"]);
  await clock.advance(10_000);
  for (const key of ["key", "other"]) equal((await locks.acquire(key, once)).lease, undefined);
  gate.resolve();
  equal(await committing, true);
  await revoking;
  for (const key of ["key", "other"]) ok((await locks.acquire(key, once)).lease);
});

it("localLocks: an attempt that cannot read leaves no lock", async () => {
  const clock = new ManualClock();
  const backend = new ModelStore<unknown>(clock);
  const locks = localLocks<unknown>(backend, { clock });
  const once = { leaseMs: 1_000, waitMs: 0, enough: () => false };
  backend.isBroken = true;
  await rejects(locks.acquire("key", once), { name: "BackendError" });
  backend.isBroken = false;
  ok((await locks.acquire("key", once)).lease);
});

describe("atomicLocks", () => {
  it("refuses a store without atomics, naming both", () => {
    const store = new ModelStore<unknown>({ now: () => 0, sleep: () => Promise.resolve() }, {
      name: "kv",
    });
    const none = { name: "kv" } as Atomics<Uint8Array>;
    throws(() => atomicLocks(none, store), /"kv" for backend "kv": it has no atomics/);
  });

  it("DX-08: over a store that never grants and swallows errors, a wait ends, in short pauses", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Uint8Array>(clock);
    let attempts = 0;
    const deaf: Atomics<Uint8Array> = {
      name: "deaf",
      add: () => Promise.resolve(++attempts < 0),
      replace: () => Promise.resolve(false),
      increment: () => Promise.resolve(0),
      touch: () => Promise.resolve(false),
      deleteIf: () => Promise.resolve(false),
    };
    const locks = atomicLocks<Uint8Array>(deaf, store, { clock, random: () => 0.999 });
    const enough = (): boolean => false;
    const startedAt = clock.now();
    let endedAt = 0;
    const waiting = locks.acquire("key", { leaseMs: 1_000, waitMs: 60_000, enough })
      .then((acquired) => {
        endedAt = clock.now();
        return acquired;
      });
    await clock.advance(3_600_000);
    deepEqual(await waiting, { lease: undefined, value: undefined });
    equal(endedAt - startedAt, 60_000);
    ok(attempts >= 60_000 / 250, `${attempts} attempts in a minute`);
  });
});
