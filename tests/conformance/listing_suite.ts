/** The clauses of `Listing`, for every store that can list. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { BackendError } from "../../src/contracts/errors.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import {
  type Cases,
  type MakeFixture,
  registerCases,
  type StoreFixture,
  type SuiteOptions,
  writeOf,
} from "./cases.ts";

/** A store with a listing of its keys. */
export interface ListingFixture<V> extends StoreFixture<V> {
  /** The listing. */
  readonly listing: Listing;
  /** Has the store keep what is no entry at this key: a counter, a lease, whatever it knows. */
  clutter(key: string): Promise<void>;
}

/** Registers the cases for the listing that `make` makes. */
export function listingSuite<V>(
  name: string,
  make: MakeFixture<ListingFixture<V>>,
  options: SuiteOptions<V>,
): void {
  const cases = listingCases as Cases<V, ListingFixture<V>>;
  registerCases<V, ListingFixture<V>>(`Listing: ${name}`, cases, { ...options, make });
}

/** The case for stores that can fail. */
export const listingFailureCase = "clause 6: failure of the store is a BackendError";

/** The cases by name. */
export const listingCases: Cases<unknown, ListingFixture<unknown>> = {
  "clause 1: an empty store names nothing": async ({ fixture }) => {
    deepEqual(await named(fixture.listing, ""), []);
  },

  "clause 1: every key that begins with the prefix, be they many": async (trial) => {
    const { backend, fixture, batchKeys: length } = trial;
    const keys = Array.from({ length }, (_, index) => `wanted:${index}`);
    await backend.set(keys.map((key) => writeOf(trial, key)));
    await backend.set(["wante", "wanted", "wanted;", "a", "z"].map((key) => writeOf(trial, key)));
    deepEqual(await named(fixture.listing, "wanted:"), [...keys].sort());
  },

  "clause 2: a deleted key is named no more": async (trial) => {
    const { backend, fixture } = trial;
    await backend.set(["a:1", "a:2"].map((key) => writeOf(trial, key)));
    await backend.delete(["a:1"]);
    deepEqual(await named(fixture.listing, "a:"), ["a:2"]);
  },

  "clause 2: keys may be deleted as they are named": async (trial) => {
    const { backend, fixture, batchKeys: length } = trial;
    const keys = Array.from({ length }, (_, index) => `${index}`);
    await backend.set(keys.map((key) => writeOf(trial, key)));
    const gone = new Set<string>();
    for await (const key of fixture.listing.keys("")) {
      gone.add(key);
      await backend.delete([key]);
    }
    equal(gone.size, length);
    deepEqual(await named(fixture.listing, ""), []);
  },

  "clause 3: every key begins with the empty prefix": async (trial) => {
    const keys = ["1", "key", "ключ"];
    await trial.backend.set(keys.map((key) => writeOf(trial, key)));
    deepEqual(await named(trial.fixture.listing, ""), keys);
  },

  "clause 3: a prefix is no pattern": async (trial) => {
    const { backend, fixture } = trial;
    const odd = ["*", "?", "[a-z]", "^", "$", "%", "_", "\\", "'", '"', "a*", "A", "a.b"];
    await backend.set([...odd, "b", "c", "ab"].map((key) => writeOf(trial, key)));
    for (const prefix of odd) {
      const keys = [...odd, "b", "c", "ab"].filter((key) => key.startsWith(prefix)).sort();
      deepEqual(await named(fixture.listing, prefix), keys, prefix);
    }
  },

  "clause 3: a prefix may be of any script": async (trial) => {
    const { backend, fixture } = trial;
    const keys = ["ż", "żó", "z", "ž", "😀", "😀a", "😁", "\uffff", "\u{10ffff}"];
    await backend.set(keys.map((key) => writeOf(trial, key)));
    for (const prefix of ["ż", "😀", "\uffff", "\u{10ffff}"]) {
      const wanted = keys.filter((key) => key.startsWith(prefix)).sort();
      deepEqual(await named(fixture.listing, prefix), wanted, prefix);
    }
  },

  "clause 4: only entries are named": async (trial) => {
    const { backend, fixture } = trial;
    await fixture.clutter("bare");
    await fixture.clutter("entry");
    await backend.set([writeOf(trial, "entry")]);
    deepEqual(await named(fixture.listing, ""), ["entry"]);
  },

  "clause 5: a reader may stop at any time": async (trial) => {
    const { backend, fixture } = trial;
    const keys = ["1", "2", "3"];
    await backend.set(keys.map((key) => writeOf(trial, key)));
    for await (const key of fixture.listing.keys("")) {
      ok(keys.includes(key));
      break;
    }
    deepEqual(await named(fixture.listing, ""), keys);
  },

  [listingFailureCase]: async ({ fixture }) => {
    if (!fixture.breakStore) throw new Error("the fixture cannot break its store: skip this case");
    await fixture.breakStore();
    await rejects(() => named(fixture.listing, ""), BackendError);
  },
};

async function named(listing: Listing, prefix: string): Promise<string[]> {
  const keys = new Set<string>();
  for await (const key of listing.keys(prefix)) keys.add(key);
  return [...keys].sort();
}
