/** Every sentence of `Locks`, for every store that has them. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { BackendError } from "../../src/contracts/errors.ts";
import type { AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import {
  type Cases,
  type MakeFixture,
  registerCases,
  type StoreFixture,
  type SuiteOptions,
  type Trial,
  writeOf,
} from "./cases.ts";

/** A store under test that has locks. */
export interface LocksFixture<V> extends StoreFixture<V> {
  /** The locks on the keys of `backend`. */
  readonly locks: Locks<V>;
  /** The same locks, as another client of the store has them. */
  readonly others: Locks<V>;
}

/** Registers the cases for the locks that `make` makes; its backend is used to look. */
export function locksSuite<V>(
  name: string,
  make: MakeFixture<LocksFixture<V>>,
  options: SuiteOptions<V>,
): void {
  const cases = locksCases as Cases<V, LocksFixture<V>>;
  registerCases<V, LocksFixture<V>>(`Locks: ${name}`, cases, { ...options, make });
}

type LocksTrial = Trial<unknown, LocksFixture<unknown>>;

const LEASE_MS = 1_000;

/** The cases by name. */
export const locksCases: Cases<unknown, LocksFixture<unknown>> = {
  "a free lock is ours at once, and the value comes with it": async (trial) => {
    const { fixture: { locks }, backend, samples } = trial;
    await backend.set([writeOf(trial, "key")]);
    const { lease, value } = await locks.acquire("key", once());
    deepEqual(value, samples.value(1));
    equal(lease?.key, "key");
    const missing = await locks.acquire("other", once());
    ok(missing.lease);
    equal(missing.value, undefined);
  },

  "D-029: a held lock is busy, also to other clients, until it is released": async (trial) => {
    const { fixture: { locks, others } } = trial;
    const { lease } = await locks.acquire("key", once());
    equal((await locks.acquire("key", once())).lease, undefined);
    equal((await others.acquire("key", once())).lease, undefined);
    await lease?.release();
    const next = await others.acquire("key", once());
    ok(next.lease);
    equal((await locks.acquire("key", once())).lease, undefined);
    await next.lease.release();
    ok((await locks.acquire("key", once())).lease);
  },

  "D-032: locks of different keys do not hinder each other": async (trial) => {
    const { fixture: { locks } } = trial;
    for (let round = 0; round < 3; round++) {
      const foo = await locks.acquire("foo", once());
      const bar = await locks.acquire("bar", once());
      ok(foo.lease && bar.lease);
      equal((await locks.acquire("bar", once())).lease, undefined);
      await Promise.all([foo.lease.release(), bar.lease.release()]);
    }
  },

  "of many who try at once, one succeeds": async (trial) => {
    const { fixture: { locks, others } } = trial;
    const tries = Array.from(
      { length: 20 },
      (_, i) => (i % 2 ? locks : others).acquire("key", once()),
    );
    const leases = (await Promise.all(tries)).filter(({ lease }) => lease !== undefined);
    equal(leases.length, 1);
  },

  "the fence of a later lease is greater, whoever holds it and however the last one ended": async (
    trial,
  ) => {
    const { fixture: { locks, others }, time } = trial;
    const fences: number[] = [];
    const note = async (from: Locks<unknown>): Promise<Lease<unknown>> => {
      const lease = await held(from);
      fences.push(lease.fence);
      return lease;
    };
    await (await note(locks)).release();
    await (await note(others)).commit(writeOf(trial, "key"));
    await note(locks);
    await time.advance(LEASE_MS + trial.marginMs);
    await note(others);
    await locks.revoke(["key"]);
    await note(locks);
    deepEqual(fences, [...new Set(fences)].sort((a, b) => a - b));
    equal(fences.length, 5);
  },

  "DX-09: a dead holder delays by its lease at most": async (trial) => {
    const { fixture: { locks, others }, time, marginMs } = trial;
    await held(locks);
    await time.advance(LEASE_MS - marginMs);
    equal((await others.acquire("key", once())).lease, undefined);
    await time.advance(2 * marginMs);
    ok((await others.acquire("key", once())).lease);
  },

  "a renewed lease lives from then on": async (trial) => {
    const { fixture: { locks, others }, time, marginMs } = trial;
    const lease = await held(locks);
    await time.advance(LEASE_MS / 2);
    equal(await lease.renew(LEASE_MS), true);
    await time.advance(LEASE_MS - marginMs);
    equal((await others.acquire("key", once())).lease, undefined);
    await time.advance(2 * marginMs);
    ok((await others.acquire("key", once())).lease);
    equal(await lease.renew(LEASE_MS), false);
  },

  "commit stores and releases": async (trial) => {
    const { fixture: { locks, others }, backend, samples } = trial;
    const lease = await held(locks);
    equal(await lease.commit(writeOf(trial, "key")), true);
    deepEqual(await backend.get(["key"]), [samples.value(1)]);
    const next = await others.acquire("key", once());
    ok(next.lease);
    deepEqual(next.value, samples.value(1));
    equal(await lease.renew(LEASE_MS), false);
    equal(await lease.commit(writeOf(trial, "key", { number: 2 })), false);
    await lease.release();
    equal((await locks.acquire("key", once())).lease, undefined);
    deepEqual(await backend.get(["key"]), [samples.value(1)]);
  },

  "commit keeps the deadline of the write": async (trial) => {
    const { fixture: { locks }, backend, samples, time, marginMs } = trial;
    const lease = await held(locks);
    await lease.commit(writeOf(trial, "key", { expiresAt: time.now() + 5_000 }));
    await time.advance(5_000 - marginMs);
    deepEqual(await backend.get(["key"]), [samples.value(1)]);
    await time.advance(2 * marginMs);
    deepEqual(await backend.get(["key"]), [undefined]);
  },

  "DX-06: a creator whose lease has run out cannot overwrite, nor release its successor's lock":
    async (trial) => {
      const { fixture: { locks, others }, backend, samples, time, marginMs } = trial;
      const late = await held(locks);
      await time.advance(LEASE_MS + marginMs);
      const successor = await held(others);
      equal(await late.commit(writeOf(trial, "key", { number: 1 })), false);
      deepEqual(await backend.get(["key"]), [undefined]);
      await late.release();
      equal((await locks.acquire("key", once())).lease, undefined);
      equal(await successor.commit(writeOf(trial, "key", { number: 2 })), true);
      equal(await late.commit(writeOf(trial, "key", { number: 1 })), false);
      deepEqual(await backend.get(["key"]), [samples.value(2)]);
    },

  "a lease that ran out with no successor cannot store either": async (trial) => {
    const { fixture: { locks }, backend, time, marginMs } = trial;
    const late = await held(locks);
    await time.advance(LEASE_MS + marginMs);
    equal(await late.commit(writeOf(trial, "key")), false);
    deepEqual(await backend.get(["key"]), [undefined]);
  },

  "revoke removes values and ends leases, so that a creation under way stores nothing": async (
    trial,
  ) => {
    const { fixture: { locks, others }, backend } = trial;
    await backend.set([writeOf(trial, "key"), writeOf(trial, "kept")]);
    const lease = await held(locks);
    await others.revoke(["key", "missing"]);
    equal((await backend.get(["key"]))[0], undefined);
    ok((await backend.get(["kept"]))[0] !== undefined);
    equal(await lease.renew(LEASE_MS), false);
    const next = await others.acquire("key", once());
    ok(next.lease);
    equal(await lease.commit(writeOf(trial, "key", { number: 2 })), false);
    deepEqual(await backend.get(["key"]), [undefined]);
    equal(await next.lease.commit(writeOf(trial, "key", { number: 3 })), true);
    await others.revoke([]);
  },

  "a waiter gets the lock when it is released": async (trial) => {
    const { fixture: { locks, others }, time } = trial;
    const lease = await held(locks, 60_000);
    const waiting = others.acquire("key", { ...once(), waitMs: 30_000 });
    await time.advance(100);
    await lease.release();
    await time.advance(30_000);
    ok((await waiting).lease);
  },

  "a waiter ends when the value is there, without the lock if that is busy": async (trial) => {
    const { fixture: { locks, others }, backend, samples, time } = trial;
    await held(locks, 60_000);
    const enough = (value: unknown): boolean => value !== undefined;
    const waiting = others.acquire("key", { ...once(), waitMs: 30_000, enough });
    await time.advance(100);
    await backend.set([writeOf(trial, "key")]);
    await time.advance(30_000);
    const { lease, value } = await waiting;
    equal(lease, undefined);
    deepEqual(value, samples.value(1));
  },

  "a waiter gives up when its time is over": async (trial) => {
    const { fixture: { locks, others }, time, marginMs } = trial;
    await held(locks, 600_000);
    let isOver = false;
    const waiting = others.acquire("key", { ...once(), waitMs: 5_000 }).then((acquired) => {
      isOver = true;
      return acquired;
    });
    await time.advance(5_000 - marginMs);
    equal(isOver, false);
    await time.advance(5_000);
    equal(isOver, true);
    deepEqual(await waiting, { lease: undefined, value: undefined });
  },

  "a waiter gives up when its signal is aborted": async (trial) => {
    const { fixture: { locks, others }, time } = trial;
    await held(locks, 600_000);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = others.acquire("key", { ...once(), waitMs: 500_000, signal });
    await time.advance(100);
    controller.abort();
    await time.advance(1_000);
    deepEqual(await waiting, { lease: undefined, value: undefined });
  },

  "a waiter outlives a holder who never comes back": async (trial) => {
    const { fixture: { locks, others }, time } = trial;
    await held(locks);
    const waiting = others.acquire("key", { ...once(), waitMs: 30_000 });
    await time.advance(LEASE_MS + 1_000);
    ok((await waiting).lease);
  },

  "D-031: critical sections never overlap": async (trial) => {
    const { fixture: { locks, others }, time } = trial;
    let [inside, most, done] = [0, 0, 0];
    const worker = async (own: Locks<unknown>): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        const { lease } = await own.acquire("key", { ...once(), leaseMs: 60_000, waitMs: 600_000 });
        most = Math.max(most, ++inside);
        await trial.backend.get(["key"]);
        inside--;
        done++;
        await lease?.release();
      }
    };
    const workers = Promise.all([locks, others, locks, others, locks].map(worker));
    for (let i = 0; i < 100 && done < 25; i++) await time.advance(250);
    await workers;
    deepEqual([most, done], [1, 25]);
  },

  "failure of the store is a BackendError, not a busy lock": async (trial) => {
    const { fixture } = trial;
    const lease = await held(fixture.locks);
    await fixture.breakStore?.();
    await rejects(fixture.locks.acquire("other", once()), BackendError);
    await rejects(lease.commit(writeOf(trial, "key")), BackendError);
    await rejects(fixture.locks.revoke(["key"]), BackendError);
  },
};

function once(): AcquireOptions<unknown> {
  return { leaseMs: LEASE_MS, waitMs: 0, enough: () => false };
}

async function held(locks: Locks<unknown>, leaseMs: number = LEASE_MS): Promise<Lease<unknown>> {
  const { lease } = await locks.acquire("key", { ...once(), leaseMs });
  ok(lease, `the lock of "key" is free`);
  return lease;
}
