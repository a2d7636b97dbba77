/** Every sentence of `Atomics`, for every store that can decide. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Atomics } from "../../src/contracts/atomics.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import {
  type Cases,
  type MakeFixture,
  registerCases,
  type StoreFixture,
  type SuiteOptions,
  type Trial,
  writeOf,
} from "./cases.ts";

/** A store under test that can decide. */
export interface AtomicsFixture<V> extends StoreFixture<V> {
  /** The atomic operations, over the same keys as `backend`. */
  readonly atomics: Atomics<V>;
}

/** Registers the cases for the atomics that `make` makes; its backend is used to look. */
export function atomicsSuite<V>(
  name: string,
  make: MakeFixture<AtomicsFixture<V>>,
  options: SuiteOptions<V>,
): void {
  const title = `Atomics: ${name}`;
  registerCases<V, AtomicsFixture<V>>(title, atomicsCases as Cases<V, AtomicsFixture<V>>, {
    ...options,
    make,
  });
}

type AtomicsTrial = Trial<unknown, AtomicsFixture<unknown>>;

/** The cases by name. */
export const atomicsCases: Cases<unknown, AtomicsFixture<unknown>> = {
  "add stores if the key is absent, and only then": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    equal(await atomics.add(writeOf(trial, "key", { number: 1 })), true);
    equal(await atomics.add(writeOf(trial, "key", { number: 2 })), false);
    deepEqual(await backend.get(["key"]), [samples.value(1)]);
    await backend.delete(["key"]);
    equal(await atomics.add(writeOf(trial, "key", { number: 3 })), true);
    deepEqual(await backend.get(["key"]), [samples.value(3)]);
  },

  "add keeps its deadline, and a refused add leaves the old one": async (trial) => {
    const { fixture: { atomics }, time } = trial;
    await atomics.add(writeOf(trial, "key", { expiresAt: time.now() + 1_000 }));
    await atomics.add(writeOf(trial, "key", { number: 2, expiresAt: NEVER }));
    await livesUntil(trial, "key", 1_000);
  },

  "an expired value is absent to add": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    await expired(trial, "key");
    equal(await atomics.add(writeOf(trial, "key", { number: 2 })), true);
    deepEqual(await backend.get(["key"]), [samples.value(2)]);
  },

  "an add whose deadline has passed leaves the key missing": async (trial) => {
    const { fixture: { atomics }, backend, time } = trial;
    await atomics.add(writeOf(trial, "key", { expiresAt: time.now() }));
    deepEqual(await backend.get(["key"]), [undefined]);
    equal(await atomics.add(writeOf(trial, "key")), true);
  },

  "of many concurrent adds one succeeds": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    const answers = await Promise.all(
      numbers.map((number) => atomics.add(writeOf(trial, "key", { number }))),
    );
    equal(answers.filter((isStored) => isStored).length, 1);
    deepEqual(await backend.get(["key"]), [samples.value(answers.indexOf(true))]);
  },

  "replace stores if the key is present, and only then": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    equal(await atomics.replace(writeOf(trial, "key", { number: 1 })), false);
    deepEqual(await backend.get(["key"]), [undefined]);
    await backend.set([writeOf(trial, "key", { number: 2 })]);
    equal(await atomics.replace(writeOf(trial, "key", { number: 3 })), true);
    deepEqual(await backend.get(["key"]), [samples.value(3)]);
  },

  "replace replaces the deadline too": async (trial) => {
    const { fixture: { atomics }, backend, time } = trial;
    await backend.set([writeOf(trial, "key")]);
    await atomics.replace(writeOf(trial, "key", { expiresAt: time.now() + 1_000 }));
    await livesUntil(trial, "key", 1_000);
  },

  "an expired value is absent to replace": async (trial) => {
    const { fixture: { atomics }, backend } = trial;
    await expired(trial, "key");
    equal(await atomics.replace(writeOf(trial, "key", { number: 2 })), false);
    deepEqual(await backend.get(["key"]), [undefined]);
  },

  "increment starts an absent counter from 0": async ({ fixture: { atomics } }) => {
    equal(await atomics.increment("up", 5, NEVER), 5);
    equal(await atomics.increment("down", -3, NEVER), -3);
    equal(await atomics.increment("still", 0, NEVER), 0);
  },

  "increment adds and answers the new count; a delta of 0 reads": async (trial) => {
    const { fixture: { atomics } } = trial;
    equal(await atomics.increment("key", 1, NEVER), 1);
    equal(await atomics.increment("key", 10, NEVER), 11);
    equal(await atomics.increment("key", -20, NEVER), -9);
    equal(await atomics.increment("key", 0, NEVER), -9);
    equal(await atomics.increment("other", 0, NEVER), 0);
  },

  "increment counts exactly, as far as safe integers go": async ({ fixture: { atomics } }) => {
    const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
    equal(await atomics.increment("up", MAX_SAFE_INTEGER - 1, NEVER), MAX_SAFE_INTEGER - 1);
    equal(await atomics.increment("up", 1, NEVER), MAX_SAFE_INTEGER);
    equal(await atomics.increment("down", MIN_SAFE_INTEGER, NEVER), MIN_SAFE_INTEGER);
    equal(await atomics.increment("down", 1, NEVER), MIN_SAFE_INTEGER + 1);
  },

  "a counter lives until its first deadline": async (trial) => {
    const { fixture: { atomics }, time, marginMs } = trial;
    const start = time.now();
    await atomics.increment("key", 5, start + 1_000);
    equal(await atomics.increment("key", 1, NEVER), 6);
    await time.advance(start + 1_000 - marginMs - time.now());
    equal(await atomics.increment("key", 0, NEVER), 6);
    await time.advance(start + 1_000 - time.now());
    equal(await atomics.increment("key", 2, NEVER), 2);
  },

  "concurrent increments are all counted": async ({ fixture: { atomics } }) => {
    const counts = await Promise.all(
      Array.from({ length: 20 }, () => atomics.increment("key", 1, NEVER)),
    );
    deepEqual(counts.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 1));
  },

  "touch gives a present value a new deadline": async (trial) => {
    const { fixture: { atomics }, backend, samples, time } = trial;
    await backend.set([writeOf(trial, "longer", { expiresAt: time.now() + 500 })]);
    await backend.set([writeOf(trial, "shorter", { number: 2 })]);
    equal(await atomics.touch("longer", NEVER), true);
    equal(await atomics.touch("shorter", time.now() + 1_000), true);
    deepEqual(await backend.get(["longer"]), [samples.value(1)]);
    await livesUntil(trial, "shorter", 1_000);
    deepEqual(await backend.get(["longer"]), [samples.value(1)]);
  },

  "touch with a deadline that has passed ends the value": async (trial) => {
    const { fixture: { atomics }, backend, time } = trial;
    await backend.set([writeOf(trial, "key")]);
    equal(await atomics.touch("key", time.now()), true);
    deepEqual(await backend.get(["key"]), [undefined]);
  },

  "an absent or expired value cannot be touched": async (trial) => {
    const { fixture: { atomics }, backend } = trial;
    equal(await atomics.touch("absent", NEVER), false);
    await expired(trial, "key");
    equal(await atomics.touch("key", NEVER), false);
    deepEqual(await backend.get(["absent", "key"]), [undefined, undefined]);
  },

  "deleteIf removes an equal value, and only that": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    await backend.set([writeOf(trial, "key", { number: 1 })]);
    equal(await atomics.deleteIf("key", samples.value(2)), false);
    deepEqual(await backend.get(["key"]), [samples.value(1)]);
    equal(await atomics.deleteIf("key", samples.value(1)), true);
    deepEqual(await backend.get(["key"]), [undefined]);
    equal(await atomics.deleteIf("key", samples.value(1)), false);
  },

  "an expired value is absent to deleteIf": async (trial) => {
    const { fixture: { atomics }, samples } = trial;
    await expired(trial, "key");
    equal(await atomics.deleteIf("key", samples.value(1)), false);
  },

  "of many concurrent deleteIf one succeeds": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    await backend.set([writeOf(trial, "key", { number: 1 })]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => atomics.deleteIf("key", samples.value(1))),
    );
    equal(answers.filter((isRemoved) => isRemoved).length, 1);
  },

  "the operations on one key leave the others alone": async (trial) => {
    const { fixture: { atomics }, backend, samples } = trial;
    await backend.set([writeOf(trial, "other", { number: 7 })]);
    await atomics.add(writeOf(trial, "key"));
    await atomics.replace(writeOf(trial, "key", { number: 2 }));
    await atomics.touch("key", 0);
    await atomics.increment("counter", 1, NEVER);
    await atomics.deleteIf("key", samples.value(2));
    deepEqual(await backend.get(["other"]), [samples.value(7)]);
  },

  "failure is a BackendError": async (trial) => {
    const { fixture, fixture: { atomics }, samples } = trial;
    if (!fixture.breakStore) throw new Error("Cannot check failure: the fixture cannot break");
    await fixture.breakStore();
    await rejects(() => atomics.add(writeOf(trial, "key")), BackendError);
    await rejects(() => atomics.replace(writeOf(trial, "key")), BackendError);
    await rejects(() => atomics.increment("key", 1, NEVER), BackendError);
    await rejects(() => atomics.touch("key", NEVER), BackendError);
    await rejects(() => atomics.deleteIf("key", samples.value(1)), BackendError);
  },
};

/** The case that some fixtures cannot serve. */
export const atomicsFailureCase = "failure is a BackendError";

async function expired(trial: AtomicsTrial, key: string): Promise<void> {
  const { backend, time } = trial;
  await backend.set([writeOf(trial, key, { expiresAt: time.now() + 1_000 })]);
  await time.advance(1_000);
}

async function livesUntil(trial: AtomicsTrial, key: string, afterMs: number): Promise<void> {
  const { backend, time, marginMs } = trial;
  const deadline = time.now() + afterMs;
  await time.advance(afterMs - marginMs);
  equal((await backend.get([key]))[0] !== undefined, true, "it ended before its deadline");
  await time.advance(deadline - time.now());
  deepEqual(await backend.get([key]), [undefined]);
}
