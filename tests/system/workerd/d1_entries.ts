/** Entries and locks in D1, inside workerd, on a database of Miniflare's; run by `backend_d1_test.ts`. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  d1Backend,
  type D1Database,
  d1Listing,
  d1Locks,
  type D1Statement,
} from "../../../backends/d1.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { type AtomicsFixture, atomicsSuite } from "../../conformance/atomics_suite.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { byteSamples, entrySamples } from "../../conformance/cases.ts";
import { type ListingFixture, listingSuite } from "../../conformance/listing_suite.ts";
import { type LocksFixture, locksSuite } from "../../conformance/locks_suite.ts";
import { regionSuite } from "../../conformance/region_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { regionOver, StoreClock } from "../../testing/store_time.ts";

/** The database of this Worker; bindings come with a request, and tests run within one. */
function database(): D1Database {
  return (globalThis as unknown as { bindings: { DATABASE: D1Database } }).bindings.DATABASE;
}

let tables = 0;

/** The database with its batches counted; the one of a number may fail, before or after it is done. */
class Batches implements D1Database {
  made = 0;
  pending = 0;
  readonly statements: number[] = [];
  parametersMost = 0;
  faultOf: (batch: number) => "none" | "before" | "after" = () => "none";

  prepare(sql: string): D1Statement {
    const statement = database().prepare(sql);
    return Object.assign(Object.create(statement) as D1Statement, {
      bind: (...values: unknown[]): D1Statement => {
        this.parametersMost = Math.max(this.parametersMost, values.length);
        return statement.bind(...values);
      },
      unbound: statement,
    });
  }

  async batch(statements: D1Statement[]): ReturnType<D1Database["batch"]> {
    const fault = this.faultOf(++this.made);
    this.statements.push(statements.length);
    if (fault === "before") throw new Error("D1_ERROR: a fault was asked for");
    this.pending++;
    try {
      const real = statements.map((one) => (one as { unbound?: D1Statement }).unbound ?? one);
      const answers = await database().batch(real);
      if (fault === "after") throw new Error("D1_ERROR: a fault was asked for");
      return answers;
    } finally {
      this.pending--;
    }
  }
}

type Fixture =
  & AtomicsFixture<Uint8Array>
  & LocksFixture<Uint8Array>
  & ListingFixture<Uint8Array>
  & {
    readonly batches: Batches;
  };

/** Each fixture has tables of its own. */
function fixtureOf(clock: ManualClock): Fixture {
  const [batches, others] = [new Batches(), new Batches()];
  const storeClock = new StoreClock(clock);
  const options = { clock: storeClock, tablePrefix: `t${++tables}_` };
  const backend = d1Backend(batches, options);
  const locks = d1Locks(batches, options);
  return {
    backend,
    atomics: backend,
    locks,
    listing: d1Listing(batches, options),
    clutter: async (key) => {
      await backend.increment(key, 1, NEVER);
      await locks.acquire(key, { leaseMs: 60_000, waitMs: 0, enough: () => false });
    },
    others: d1Locks(others, options),
    time: storeClock.waitingFor([batches, others]),
    trips: () => batches.made,
    breakStore: () => void (batches.faultOf = () => "before"),
    batches,
  };
}

backendSuite("d1", fixtureOf, { samples: byteSamples });
atomicsSuite("d1", fixtureOf, { samples: byteSamples });
locksSuite("d1", fixtureOf, { samples: byteSamples });
listingSuite("d1", fixtureOf, { samples: byteSamples });
backendSuite("serialized(json, d1)", (clock) => {
  const fixture = fixtureOf(clock);
  return { ...fixture, backend: serialized(json, fixture.backend) };
}, { samples: entrySamples });
regionSuite("d1 with its locks", (clock) => regionOver(fixtureOf(clock)));

describe("d1", () => {
  const once = { leaseMs: 1_000, waitMs: 0, enough: () => false };

  it("takes one trip for each batch and each step of a lock, with at most 100 parameters", async () => {
    const { backend, locks, batches } = fixtureOf(new ManualClock());
    const writes = Array.from({ length: 1_000 }, (_, index) => write(`key ${index}`, 100));
    await backend.set(writes);
    await backend.get(writes.map(({ key }) => key));
    await backend.delete(["key 1", "key 2"]);
    deepEqual(batches.statements, [8 + 31 + 3, 1, 2]);
    equal(batches.parametersMost, 100);
    const { lease } = await locks.acquire("key 3", once);
    await lease!.renew(1_000);
    await lease!.commit(write("key 3", 5));
    deepEqual(batches.statements.slice(3), [8 + 3, 1, 2]);
  });

  it("makes its tables again where the first batch failed", async () => {
    const { backend, batches } = fixtureOf(new ManualClock());
    batches.faultOf = (batch) => batch === 1 ? "before" : "none";
    await rejects(() => backend.set([write("key", 5)]), BackendError);
    await backend.set([write("key", 5)]);
    equal((await backend.get(["key"]))[0]?.length, 5);
    deepEqual(batches.statements, [8 + 4, 8 + 4, 1]);
  });

  it("splits what is too much for one message", async () => {
    const { backend, trips } = fixtureOf(new ManualClock());
    const writes = Array.from({ length: 6 }, (_, index) => write(`key ${index}`, 1_900_000));
    await backend.set(writes);
    equal(trips!(), 2);
    const found = await backend.get(writes.map(({ key }) => key));
    equal(trips!(), 4);
    ok(found.every((value) => value?.length === 1_900_000));
  });

  it("DX-10: a delete or revoke of the key ends its lease", async () => {
    const { locks, backend } = fixtureOf(new ManualClock());
    for (const remove of [locks.revoke.bind(locks), backend.delete.bind(backend)]) {
      const { lease } = await locks.acquire("key", once);
      await remove(["key"]);
      equal(await lease!.commit(write("key", 5)), false);
      deepEqual(await backend.get(["key"]), [undefined]);
    }
  });

  it("writes a batch whole or not at all", async () => {
    const { backend } = fixtureOf(new ManualClock());
    await backend.set([write("first", 5)]);
    const cutting: D1Database = {
      prepare: (sql) => database().prepare(sql),
      batch: (statements) => {
        return database().batch([...statements, database().prepare("SELECT nothing FROM nowhere")]);
      },
    };
    const options = { tablePrefix: `t${tables}_` };
    await rejects(() => d1Backend(cutting, options).set([write("first", 6)]), BackendError);
    equal((await backend.get(["first"]))[0]?.length, 5);
  });

  it("removes what has expired in passing, a bounded number at a time", async () => {
    const clock = new ManualClock();
    const { backend } = fixtureOf(clock);
    const expiresAt = clock.now() + 1_000;
    const writes = Array.from({ length: 150 }, (_, i) => ({ ...write(`key ${i}`, 1), expiresAt }));
    await backend.set(writes);
    await clock.advance(1_000);
    const left: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      await backend.set([write("live", 1)]);
      const counted = database().prepare(`SELECT count(*) AS n FROM t${tables}_entries`);
      const [answer] = await database().batch([counted]);
      left.push((answer!.results[0] as { n: number }).n);
    }
    deepEqual(left, [51, 1]);
  });

  it("leaves neither a wrong value nor a lasting lease, whichever batch fails", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let failAt = 1; failAt <= 3; failAt++) {
        const clock = new ManualClock();
        const { locks, backend, batches } = fixtureOf(clock);
        batches.faultOf = (batch) => batch === failAt ? fault : "none";
        await rejects(async () => {
          const { lease } = await locks.acquire("key", once);
          await lease!.renew(1_000);
          await lease!.commit(write("key", 5));
        }, BackendError);
        const [value] = await backend.get(["key"]);
        equal(value?.length, fault === "after" && failAt === 3 ? 5 : undefined);
        await clock.advance(1_000);
        ok((await locks.acquire("key", once)).lease);
      }
    }
  });

  it("refuses a prefix that needs quotes, and to count beyond the safe integers", async () => {
    throws(() => d1Backend(database(), { tablePrefix: 'x"; --' }), RangeError);
    const { atomics } = fixtureOf(new ManualClock());
    await atomics.increment("key", Number.MAX_SAFE_INTEGER, NEVER);
    await rejects(() => atomics.increment("key", 1, NEVER), RangeError);
    await rejects(() => atomics.increment("key", 0.5, NEVER), RangeError);
    equal(await atomics.increment("key", 0, NEVER), Number.MAX_SAFE_INTEGER);
  });
});

function write(key: string, size: number): { key: string; value: Uint8Array; expiresAt: number } {
  return { key, value: new Uint8Array(size).fill(size % 251), expiresAt: NEVER };
}
