/** The eight clauses of `Backend`, for every store and every composition of stores. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Backend } from "../../src/contracts/backend.ts";
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

/** Registers the cases for the backend that `make` makes; `limits` says which keys and values. */
export function backendSuite<V>(
  name: string,
  make: MakeFixture<StoreFixture<V>>,
  options: SuiteOptions<V>,
): void {
  registerCases<V, StoreFixture<V>>(`Backend: ${name}`, backendCases as Cases<V>, {
    ...options,
    make,
  });
}

const largestSizeTried = 32 << 20;
const longestKeyTried = 1 << 16;

/** The cases by name. */
export const backendCases: Cases<unknown> = {
  "clause 1: an empty batch answers at once, without I/O": async ({ fixture, backend }) => {
    const before = tripsOf(fixture);
    deepEqual(await backend.get([]), []);
    equal(await backend.set([]), undefined);
    equal(await backend.delete([]), undefined);
    equal(tripsOf(fixture), before);
  },

  "clause 1: a large batch": async (trial) => {
    const { backend, samples, batchKeys: length } = trial;
    const keys = Object.freeze(Array.from({ length }, (_, index) => `key-${index}`));
    await backend.set(Object.freeze(keys.map((key, number) => writeOf(trial, key, { number }))));
    deepEqual(await backend.get(keys), keys.map((_, number) => samples.value(number)));
    await backend.delete(keys);
    deepEqual(await backend.get(keys), keys.map(() => undefined));
  },

  "clause 2: one slot for each key, in the order asked, duplicates included": async (trial) => {
    const { backend, samples } = trial;
    await backend.set(["a", "b", "c"].map((key, number) => writeOf(trial, key, { number })));
    deepEqual(await backend.get(["c", "nowhere", "a", "c", "b", "nowhere"]), [
      samples.value(2),
      undefined,
      samples.value(0),
      samples.value(2),
      samples.value(1),
      undefined,
    ]);
  },

  "clause 3: an unknown key is undefined": async ({ backend }) => {
    deepEqual(await backend.get(["unknown"]), [undefined]);
  },

  "clause 3: keys that an object or a path would misread are like any other": async (trial) => {
    await holdsApart(trial, [
      "__proto__",
      "constructor",
      "toString",
      "a:b",
      "a/b",
      "..",
      "%41",
      "A",
    ]);
  },

  "clause 4: the last write wins between batches": async (trial) => {
    const { backend, samples } = trial;
    await backend.set([writeOf(trial, "key", { number: 1 })]);
    await backend.set([writeOf(trial, "key", { number: 2 })]);
    deepEqual(await backend.get(["key"]), [samples.value(2)]);
  },

  "clause 4: the last write wins within a batch": async (trial) => {
    const { backend, samples } = trial;
    const numbers = [1, 2, 3];
    await backend.set(numbers.map((number) => writeOf(trial, "key", { number })));
    deepEqual(await backend.get(["key"]), [samples.value(3)]);
  },

  "clause 4: values come back unchanged": async ({ backend, samples }) => {
    const writes = samples.edges.map((value, index) => ({
      key: `edge-${index}`,
      value,
      expiresAt: NEVER,
    }));
    await backend.set(writes);
    deepEqual(await backend.get(writes.map(({ key }) => key)), samples.edges);
  },

  "clause 5: a value lives until its deadline and is gone at it": async (trial) => {
    const { backend, samples, time, marginMs } = trial;
    const start = time.now();
    await backend.set([
      writeOf(trial, "early", { number: 1, expiresAt: start + 1_500 }),
      writeOf(trial, "late", { number: 2, expiresAt: start + 60_001.5 }),
    ]);
    await time.advance(1_500 - marginMs);
    deepEqual(await backend.get(["early", "late"]), [samples.value(1), samples.value(2)]);
    await time.advance(start + 1_500 - time.now());
    deepEqual(await backend.get(["early", "late"]), [undefined, samples.value(2)]);
  },

  "clause 5: NEVER never expires": async (trial) => {
    const { backend, samples, time } = trial;
    await backend.set([writeOf(trial, "key", { expiresAt: NEVER })]);
    await time.advance(2_000);
    deepEqual(await backend.get(["key"]), [samples.value(1)]);
  },

  "clause 5: a write whose deadline has passed leaves the key missing": async (trial) => {
    const { backend, samples, time } = trial;
    const passed = [time.now(), time.now() - 1, 0, -1, -Infinity];
    for (const expiresAt of passed) {
      await backend.set([writeOf(trial, "key", { expiresAt: NEVER })]);
      await backend.set([writeOf(trial, "key", { number: 2, expiresAt })]);
      deepEqual(await backend.get(["key"]), [undefined], `deadline ${expiresAt}`);
    }
    await backend.set([
      writeOf(trial, "dies", { number: 1 }),
      writeOf(trial, "lives", { number: 2, expiresAt: 0 }),
      writeOf(trial, "dies", { number: 3, expiresAt: 0 }),
      writeOf(trial, "lives", { number: 4 }),
    ]);
    deepEqual(await backend.get(["dies", "lives"]), [undefined, samples.value(4)]);
  },

  "clause 5: a later write replaces the deadline too": async (trial) => {
    const { backend, samples, time } = trial;
    const soon = time.now() + 1_000;
    await backend.set([writeOf(trial, "longer", { expiresAt: soon })]);
    await backend.set([writeOf(trial, "shorter")]);
    await backend.set([
      writeOf(trial, "longer", { number: 2 }),
      writeOf(trial, "shorter", { number: 2, expiresAt: soon }),
    ]);
    await time.advance(soon - time.now());
    deepEqual(await backend.get(["longer", "shorter"]), [samples.value(2), undefined]);
  },

  "clause 6: deleting removes, and an absent key is no error": async (trial) => {
    const { backend, samples } = trial;
    await backend.set([writeOf(trial, "gone"), writeOf(trial, "kept", { number: 2 })]);
    await backend.delete(["gone", "never-there", "gone"]);
    deepEqual(await backend.get(["gone", "kept"]), [undefined, samples.value(2)]);
    await backend.delete(["gone"]);
    await backend.set([writeOf(trial, "gone", { number: 3 })]);
    deepEqual(await backend.get(["gone"]), [samples.value(3)]);
  },

  "clause 7: the limits are facts that make sense": ({ backend }) => {
    const { keyBytes, keyAlphabet, valueBytes, ttlMinMs, ttlStepMs, consistency } = backend.limits;
    ok(keyBytes > 0 && valueBytes > 0 && ttlMinMs >= 0 && ttlStepMs > 0);
    ok(keyAlphabet === "unicode" || keyAlphabet === "graphic");
    ok(consistency === "strong" || consistency === "eventual");
    ok(backend.name.length > 0);
    return Promise.resolve();
  },

  "clause 7: every key within the limits is held apart from every other": async (trial) => {
    const { keyAlphabet, keyBytes } = trial.backend.limits;
    const keys = ["é", "e\u0301", "K", "k", "日本", "😀", "ß", "ss", "a", "aa"];
    if (keyAlphabet === "unicode") {
      keys.push(" ", "a ", " a", "a\n", "a\u0000", "a\u0000b", "\u007f");
    }
    if (keyBytes <= longestKeyTried) keys.push(...longestKeys(keyBytes));
    await holdsApart(trial, keys);
  },

  "clause 7: a key outside the limits is refused before any I/O": async (trial) => {
    const bad = badKeys(trial.backend);
    for (const key of bad) {
      await refuses(trial, (backend) => backend.get(["good", key]));
      await refuses(trial, (backend) => backend.delete(["good", key]));
      await refuses(
        trial,
        (backend) => backend.set([writeOf(trial, "good"), writeOf(trial, key)]),
      );
    }
  },

  "clause 7: a large value is taken, a too large one refused before any I/O": async (trial) => {
    const { backend, samples } = trial;
    const limit = backend.limits.valueBytes;
    const isSmall = limit <= largestSizeTried;
    const large = samples.largest(isSmall ? limit : 1 << 20);
    await backend.set([{ key: "large", value: large, expiresAt: NEVER }]);
    deepEqual(await backend.get(["large"]), [large]);
    if (!isSmall) return;
    const tooLarge = { key: "large", value: samples.tooLarge(limit), expiresAt: NEVER };
    await refuses(trial, () => backend.set([writeOf(trial, "good"), tooLarge]));
  },

  "clause 8: failure is a BackendError with its cause, never a miss": async (trial) => {
    const { fixture, backend } = trial;
    await backend.set([writeOf(trial, "key")]);
    if (!fixture.breakStore) throw new Error("Cannot check failure: the fixture cannot break");
    await fixture.breakStore();
    const isFailure = (error: unknown): boolean =>
      error instanceof BackendError && error.cause !== undefined && error.backend.length > 0 &&
      error.operation.length > 0;
    await rejects(() => backend.get(["key"]), isFailure);
    await rejects(() => backend.set([writeOf(trial, "key")]), isFailure);
    await rejects(() => backend.delete(["key"]), isFailure);
  },
};

/** The names of the two kinds of cases that some fixtures cannot serve. */
export const ioCase = "clause 1: an empty batch answers at once, without I/O";
/** As {@linkcode ioCase}. */
export const failureCase = "clause 8: failure is a BackendError with its cause, never a miss";

function tripsOf(fixture: StoreFixture<unknown>): number {
  if (!fixture.trips) throw new Error("Cannot check I/O: the fixture does not count trips");
  return fixture.trips();
}

async function holdsApart(trial: Trial<unknown>, keys: readonly string[]): Promise<void> {
  const { backend, samples } = trial;
  await backend.set(keys.map((key, number) => writeOf(trial, key, { number })));
  deepEqual(await backend.get(keys), keys.map((_, number) => samples.value(number)));
  await backend.delete([keys[0]!]);
  deepEqual(
    await backend.get(keys),
    keys.map((_, number) => number ? samples.value(number) : undefined),
  );
}

function longestKeys(keyBytes: number): string[] {
  const ascii = "k".repeat(keyBytes);
  return [ascii, "l" + ascii.slice(1), ascii.slice(1), "é".repeat(keyBytes >> 1)];
}

function badKeys({ limits }: Backend<unknown>): string[] {
  const bad: string[] = [];
  if (limits.keyAlphabet === "graphic") bad.push("a b", "a\n", "\u0000", "a\u007f", "\t");
  if (limits.keyBytes <= longestKeyTried) {
    bad.push("k".repeat(limits.keyBytes + 1), "é".repeat((limits.keyBytes >> 1) + 1));
  }
  return bad;
}

async function refuses(
  trial: Trial<unknown>,
  run: (backend: Backend<unknown>) => Promise<unknown>,
): Promise<void> {
  const { fixture, backend } = trial;
  const before = fixture.trips?.();
  await rejects(() => run(backend), RangeError);
  equal(fixture.trips?.(), before, "a refused batch did I/O");
  deepEqual(await backend.get(["good"]), [undefined]);
}
