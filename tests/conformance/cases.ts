/**
 * What the conformance suites share: fixtures, samples, and the registration of cases.
 *
 * A case that does not apply to a store is named with its reason by whoever runs the suite; it is
 * printed and not registered, so that no run counts it as passed or skipped.
 */

import { describe, it } from "node:test";
import type { Backend, Write } from "../../src/contracts/backend.ts";
import type { Entry } from "../../src/contracts/entry.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { ManualClock } from "../testing/manual_clock.ts";

/** A case that does not apply, and why. */
export interface Skip {
  /** The name of the case, to the letter. */
  readonly case: string;
  /** Why it does not apply to this store. */
  readonly reason: string;
}

/** Time as a suite moves it. */
export interface SuiteTime {
  /** The present instant, in epoch milliseconds. */
  now(): number;
  /** Lets `ms` milliseconds pass. */
  advance(ms: number): Promise<void>;
}

/** One fresh, empty store under test. */
export interface StoreFixture<V> {
  /** The backend. */
  readonly backend: Backend<V>;
  /** The time that the store obeys, where it is not the clock given to the factory. */
  readonly time?: SuiteTime;
  /** How early before a deadline the suite may still expect a value; 1 ms on a manual clock. */
  readonly marginMs?: number;
  /** How many requests the store has received so far. Without it the cases on I/O must be skipped. */
  trips?(): number;
  /** Makes the store fail from now on. Without it the cases on failure must be skipped. */
  breakStore?(): void | Promise<void>;
  /** Gives everything back. */
  close?(): void | Promise<void>;
}

/** Makes a fresh store whose time is `clock`. */
export type MakeFixture<F> = (clock: ManualClock) => F | Promise<F>;

/** Values that a store is tried with. */
export interface Samples<V> {
  /** The value with a number: equal for equal numbers, different for different ones. */
  value(number: number): V;
  /** Values that a careless store would spoil. */
  readonly edges: readonly V[];
  /** A value as large as a store with this limit must take. */
  largest(limitBytes: number): V;
  /** A value that a store with this limit must refuse. */
  tooLarge(limitBytes: number): V;
}

/** What a suite may be told. */
export interface SuiteOptions<V> {
  /** The values to try. */
  readonly samples: Samples<V>;
  /** The cases that do not apply. Default: none. */
  readonly skips?: readonly Skip[];
  /** How many keys a large batch has. Default: 1,000. */
  readonly batchKeys?: number;
}

/** A fixture in the hands of a case. */
export interface Trial<V, F extends StoreFixture<V> = StoreFixture<V>> {
  readonly fixture: F;
  readonly backend: Backend<V>;
  readonly samples: Samples<V>;
  readonly time: SuiteTime;
  readonly marginMs: number;
  readonly batchKeys: number;
}

/** Cases by name, in the order in which they run. */
export type Cases<V, F extends StoreFixture<V> = StoreFixture<V>> = Readonly<
  Record<string, (trial: Trial<V, F>) => Promise<void>>
>;

/** Samples for stores of bytes. */
export const byteSamples: Samples<Uint8Array> = Object.freeze({
  value: (number: number): Uint8Array => new TextEncoder().encode(`value ${number}`),
  edges: [
    new Uint8Array(0),
    Uint8Array.of(0),
    Uint8Array.of(0xff, 0xfe, 0x00, 0x0d, 0x0a),
    Uint8Array.from({ length: 256 }, (_, index) => index),
    new Uint8Array(20_000).fill(0x7c),
    new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4),
  ],
  largest: (limitBytes: number): Uint8Array => new Uint8Array(limitBytes).fill(0x61),
  tooLarge: (limitBytes: number): Uint8Array => new Uint8Array(limitBytes + 1).fill(0x61),
});

/** Samples for stores of entries with a payload that JSON can hold. */
export const entrySamples: Samples<Entry> = Object.freeze({
  value: (number: number): Entry => entryOf(`value ${number}`),
  edges: [
    entryOf(null),
    entryOf(undefined),
    entryOf(""),
    entryOf(0),
    entryOf(false),
    entryOf([]),
    entryOf({ nested: { "": [1.5, -1, null, true, "ż|ó\u0000ł"] } }),
    {
      payload: "every field",
      createdAt: 1_700_000_000_000,
      creationMs: 12.5,
      softExpiresAt: 8_000_000_000_000,
      hardExpiresAt: 8_000_000_000_001,
      tags: ["a", "", "ключ,"],
      marks: [{ hard: "h", soft: "s" }, { hard: "", soft: "|" }],
    },
  ],
  largest: (limitBytes: number): Entry => entryOf("a".repeat(limitBytes - 512)),
  tooLarge: (limitBytes: number): Entry => entryOf("a".repeat(limitBytes + 1)),
});

function entryOf(payload: unknown): Entry {
  return {
    payload,
    createdAt: 1_700_000_000_000,
    creationMs: 3,
    softExpiresAt: NEVER,
    hardExpiresAt: NEVER,
    tags: [],
    marks: [],
  };
}

/** Registers every case that applies under `title`, each with a fixture of its own. */
export function registerCases<V, F extends StoreFixture<V>>(
  title: string,
  cases: Cases<V, F>,
  suite: SuiteOptions<V> & { readonly make: MakeFixture<F> },
): void {
  const skips = new Map((suite.skips ?? []).map((skip) => [skip.case, skip.reason]));
  for (const name of skips.keys()) {
    if (!Object.hasOwn(cases, name)) throw new RangeError(`Cannot skip "${name}": no such case`);
  }
  describe(title, () => {
    for (const [name, run] of Object.entries(cases)) {
      const reason = skips.get(name);
      if (reason) console.log(`does not apply: ${title}: ${name}: ${reason}`);
      else it(name, () => tryOut(suite, run));
    }
  });
}

/** Runs one case with a fixture of its own. */
export async function tryOut<V, F extends StoreFixture<V>>(
  suite: SuiteOptions<V> & { readonly make: MakeFixture<F> },
  run: (trial: Trial<V, F>) => Promise<void>,
): Promise<void> {
  const clock = new ManualClock();
  const fixture = await suite.make(clock);
  const { backend, time = clock, marginMs = 1 } = fixture;
  try {
    const { samples, batchKeys = 1_000 } = suite;
    await run({ fixture, backend, samples, time, marginMs, batchKeys });
  } finally {
    await fixture.close?.();
  }
}

/** A write of the value with a number; it never expires unless told otherwise. */
export function writeOf<V>(
  trial: { readonly samples: Samples<V> },
  key: string,
  options: { readonly number?: number; readonly expiresAt?: number } = {},
): Write<V> {
  const { number = 1, expiresAt = NEVER } = options;
  return Object.freeze({ key, value: trial.samples.value(number), expiresAt });
}
