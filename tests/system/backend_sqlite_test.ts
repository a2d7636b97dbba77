/** Entries in SQLite: in memory for the suites, in one file for processes that share it. */

import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import {
  sqliteBackend,
  type SqliteHandle,
  sqliteListing,
  sqliteLocks,
  type SqliteQuery,
} from "../../backends/sqlite.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { type AtomicsFixture, atomicsSuite } from "../conformance/atomics_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples, entrySamples } from "../conformance/cases.ts";
import { type ListingFixture, listingSuite } from "../conformance/listing_suite.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { regionSuite } from "../conformance/region_suite.ts";
import { ManualClock } from "../testing/manual_clock.ts";

backendSuite("sqlite", fixtureOf, { samples: byteSamples });
atomicsSuite("sqlite", fixtureOf, { samples: byteSamples });
locksSuite("sqlite", locksFixture, { samples: byteSamples });
listingSuite("sqlite", listingFixture, { samples: byteSamples });
backendSuite("serialized(json, sqlite)", (clock) => {
  const fixture = fixtureOf(clock);
  return { ...fixture, backend: serialized(json, fixture.backend) };
}, { samples: entrySamples });

regionSuite("sqlite with its locks", (clock) => {
  const { backend, locks } = locksFixture(clock);
  return { backend: serialized(json, backend), locks: serializedLocks(json, locks) };
});

describe("sqlite", () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), "cairn-sqlite-"))));
  after(() => rm(folder, { recursive: true }));

  it("D-001 D-002 D-003 D-004: bytes come back as they were, and go when deleted", async () => {
    const backend = sqliteBackend(new DatabaseSync(":memory:"));
    deepEqual(await backend.get(["unknown"]), [undefined]);
    await backend.delete(["unknown"]);
    const value = Uint8Array.of(0, 255, 10);
    await backend.set([{ key: "some key", value, expiresAt: NEVER }]);
    deepEqual(await backend.get(["some key"]), [value]);
    await backend.delete(["some key"]);
    deepEqual(await backend.get(["some key"]), [undefined]);
  });

  it("keeps entries in the file, for others to see at once", async () => {
    const path = join(folder, "shared.db");
    const [one, other] = [new DatabaseSync(path), new DatabaseSync(path)];
    const value = Uint8Array.of(7);
    await sqliteBackend(one).set([{ key: "key", value, expiresAt: NEVER }]);
    deepEqual(await sqliteBackend(other).get(["key"]), [value]);
    equal(await sqliteBackend(other).add({ key: "key", value, expiresAt: NEVER }), false);
    one.close();
    deepEqual(await sqliteBackend(other).get(["key"]), [value]);
    other.close();
  });

  it("removes what has expired in passing, a bounded number at a time", async () => {
    const clock = new ManualClock();
    const database = new DatabaseSync(":memory:");
    const backend = sqliteBackend(database, { clock });
    const expiresAt = clock.now() + 1_000;
    const value = Uint8Array.of(1);
    const writes = Array.from(
      { length: 250 },
      (_, index) => ({ key: `${index}`, value, expiresAt }),
    );
    await backend.set(writes);
    await clock.advance(1_000);
    const count = (): unknown => database.prepare("SELECT count(*) AS n FROM cairn_entries").get();
    const left: unknown[] = [count()];
    for (let round = 0; round < 3; round++) {
      await backend.set([{ key: "live", value, expiresAt: NEVER }]);
      left.push(count());
    }
    deepEqual(left.map((row) => (row as { n: number }).n), [250, 151, 51, 1]);
  });

  it("writes a batch whole or not at all", async () => {
    const database = new DatabaseSync(":memory:");
    const failing: SqliteHandle = {
      exec: (sql) => database.exec(sql),
      prepare: (sql): SqliteQuery => {
        const query = database.prepare(sql);
        return {
          get: (...parameters) => {
            if (parameters.includes("third")) throw new Error("disk full");
            return query.get(...parameters);
          },
          setReturnArrays: (isOn) => query.setReturnArrays(isOn),
        };
      },
    };
    const backend = sqliteBackend(failing);
    const value = Uint8Array.of(1);
    const writes = ["first", "second", "third"].map((key) => ({ key, value, expiresAt: NEVER }));
    await rejects(() => backend.set(writes), /Cannot set on sqlite: disk full/);
    deepEqual(await backend.get(["first", "second"]), [undefined, undefined]);
    await backend.set(writes.slice(0, 2));
    deepEqual(await backend.get(["first"]), [value]);
  });

  it("keeps tables of different prefixes apart, and refuses one that needs quotes", async () => {
    const database = new DatabaseSync(":memory:");
    const value = Uint8Array.of(1);
    await sqliteBackend(database).set([{ key: "key", value, expiresAt: NEVER }]);
    deepEqual(await sqliteBackend(database, { tablePrefix: "b_" }).get(["key"]), [undefined]);
    throws(() => sqliteBackend(database, { tablePrefix: 'x"; --' }), RangeError);
  });

  it("refuses to count beyond the safe integers, and keeps the count", async () => {
    const backend = sqliteBackend(new DatabaseSync(":memory:"));
    await backend.increment("key", Number.MAX_SAFE_INTEGER, NEVER);
    await rejects(() => backend.increment("key", 1, NEVER), RangeError);
    await rejects(() => backend.increment("key", 0.5, NEVER), RangeError);
    equal(await backend.increment("key", 0, NEVER), Number.MAX_SAFE_INTEGER);
  });
});

describe("sqliteLocks", () => {
  const never = (): boolean => false;

  it("DX-10: a delete or revoke of the key ends its lease", async () => {
    const { locks, backend } = locksFixture(new ManualClock());
    const options = { leaseMs: 1_000, waitMs: 0, enough: never };
    for (const remove of [locks.revoke.bind(locks), backend.delete.bind(backend)]) {
      const lease = (await locks.acquire("key", options)).lease!;
      await remove(["key"]);
      equal(await lease.commit(write("late")), false);
      deepEqual(await backend.get(["key"]), [undefined]);
    }
  });

  it("of many who wait through two handles of one file each gets its turn, alone", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cairn-sqlite-locks-"));
    const clock = new ManualClock();
    const databases = [1, 2].map(() => new DatabaseSync(join(folder, "locks.db")));
    let holders = 0;
    const fences: number[] = [];
    const run = async (database: DatabaseSync): Promise<void> => {
      const options = { leaseMs: 60_000, waitMs: 60_000, enough: never };
      const lease = (await sqliteLocks(database, { clock }).acquire("key", options)).lease!;
      equal(++holders, 1);
      fences.push(lease.fence);
      await clock.sleep(20);
      holders--;
      await lease.release();
    };
    const all = Promise.all(Array.from({ length: 10 }, (_, index) => run(databases[index % 2]!)));
    await clock.advance(30_000);
    await all;
    deepEqual(fences, [...fences].sort((a, b) => a - b));
    for (const database of databases) database.close();
    await rm(folder, { recursive: true });
  });
});

function write(text: string): { key: string; value: Uint8Array; expiresAt: number } {
  return { key: "key", value: new TextEncoder().encode(text), expiresAt: NEVER };
}

function locksFixture(clock: ManualClock): LocksFixture<Uint8Array> {
  const database = new DatabaseSync(":memory:");
  const close = (): void => {
    if (database.isOpen) database.close();
  };
  return {
    backend: sqliteBackend(database, { clock }),
    locks: sqliteLocks(database, { clock }),
    others: sqliteLocks(database, { clock }),
    breakStore: close,
    close,
  };
}

function listingFixture(clock: ManualClock): ListingFixture<Uint8Array> {
  const database = new DatabaseSync(":memory:");
  const backend = sqliteBackend(database, { clock });
  const locks = sqliteLocks(database, { clock });
  const close = (): void => {
    if (database.isOpen) database.close();
  };
  return {
    backend,
    listing: sqliteListing(database, { clock }),
    async clutter(key): Promise<void> {
      await backend.increment(key, 1, NEVER);
      await locks.acquire(key, { leaseMs: 60_000, waitMs: 0, enough: () => false });
    },
    breakStore: close,
    close,
  };
}

function fixtureOf(clock: ManualClock): AtomicsFixture<Uint8Array> {
  const database = new DatabaseSync(":memory:");
  let trips = 0;
  const counting: SqliteHandle = {
    exec: (sql) => (trips++, database.exec(sql)),
    prepare: (sql) => {
      const query = database.prepare(sql);
      return {
        get: (...parameters) => (trips++, query.get(...parameters)),
        setReturnArrays: (isOn) => query.setReturnArrays(isOn),
      };
    },
  };
  const backend = sqliteBackend(counting, { clock });
  const close = (): void => {
    if (database.isOpen) database.close();
  };
  return { backend, atomics: backend, trips: () => trips, breakStore: close, close };
}
