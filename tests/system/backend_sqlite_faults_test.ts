/** SQLite where things go wrong: a full disk, a file that is locked or replaced, processes that die. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { sqliteBackend, sqliteListing, sqliteLocks } from "../../backends/sqlite.ts";
import { failsafe } from "../../src/compose/failsafe.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { makeRegion } from "../../src/region/region.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { type Child, startChild } from "./children/run_child.ts";

const impatient = { busyTimeoutMs: 20 };
const once = { leaseMs: 1_000, waitMs: 0, enough: (): boolean => false };

describe("sqlite that fails", () => {
  let folder: string;
  let path: string;
  const opened: DatabaseSync[] = [];
  const children: Child[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "cairn-sqlite-faults-"));
    path = join(folder, "entries.db");
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.kill();
    for (const database of opened.splice(0)) if (database.isOpen) database.close();
    await rm(folder, { recursive: true });
  });

  const open = (): DatabaseSync => {
    const database = new DatabaseSync(path);
    opened.push(database);
    return database;
  };
  const start = (task: "batches" | "transaction"): Child => {
    const child = startChild("sqlite_holder.ts", [path, task]);
    children.push(child);
    return child;
  };

  describe("on a full disk", () => {
    /** From now on the file may not grow. */
    const fill = (database: DatabaseSync): void => {
      const { page_count: pages } = database.prepare("PRAGMA page_count").get()!;
      database.exec(`PRAGMA max_page_count = ${pages}`);
    };
    const free = (database: DatabaseSync): void => database.exec("PRAGMA max_page_count = 100000");

    it("stores nothing of a batch, keeps what there is, and goes on when there is room", async () => {
      const database = open();
      const backend = sqliteBackend(database);
      await backend.set([write("kept", 10), write("replaced", 10)]);
      fill(database);
      const batch = [write("replaced", 20), write("new", 20), write("large", 1_000_000)];
      await rejects(() => backend.set(batch), isFull);
      const keys = ["kept", "replaced", "new", "large"];
      const sizes = async (): Promise<unknown[]> =>
        (await backend.get(keys)).map((value) => value?.length);
      deepEqual(await sizes(), [10, 10, undefined, undefined]);
      await rejects(() => backend.add(write("large", 1_000_000)), isFull);
      await rejects(() => backend.replace(write("kept", 1_000_000)), isFull);
      deepEqual(await sizes(), [10, 10, undefined, undefined]);
      await backend.delete(["kept"]);
      free(database);
      await backend.set(batch);
      deepEqual(await sizes(), [undefined, 20, 20, 1_000_000]);
    });

    it("refuses a commit whole, and its lease ends in time", async () => {
      const clock = new ManualClock();
      const database = open();
      const [backend, locks] = [
        sqliteBackend(database, { clock }),
        sqliteLocks(database, { clock }),
      ];
      await backend.set([write("key", 10)]);
      const { lease } = await locks.acquire("key", once);
      fill(database);
      await rejects(() => lease!.commit(write("key", 1_000_000)), isFull);
      equal((await backend.get(["key"]))[0]?.length, 10);
      equal((await locks.acquire("key", once)).lease, undefined, "the lease is held as before");
      await clock.advance(1_000);
      free(database);
      const next = await locks.acquire("key", once);
      equal(await next.lease!.commit(write("key", 1_000_000)), true);
      equal(await lease!.commit(write("key", 20)), false);
      equal((await backend.get(["key"]))[0]?.length, 1_000_000);
    });

    it("is an error to a region, or a miss where its store is failsafe", async () => {
      const database = open();
      const store = serialized(json, sqliteBackend(database));
      const locks = serializedLocks(json, sqliteLocks(database));
      const region = makeRegion({ backend: store, locks, softTtlMs: NEVER });
      const lenient = makeRegion({ backend: failsafe(store), softTtlMs: NEVER });
      equal(await region.getOrCreate("key", () => "small"), "small");
      fill(database);
      await rejects(() => region.set("large", "x".repeat(1_000_000)), BackendError);
      await lenient.set("large", "x".repeat(1_000_000));
      equal(await lenient.get("large"), undefined);
      equal(await region.get("key"), "small");
      equal(await lenient.getOrCreate("other", () => "y".repeat(1_000_000)), "y".repeat(1_000_000));
    });
  });

  describe("locked by another process", () => {
    it("waits no longer than it may, reads all the same, and goes on after it", async () => {
      const database = open();
      const backend = sqliteBackend(database, impatient);
      await backend.set([{ key: "key", value: Uint8Array.of(1), expiresAt: NEVER }]);
      const child = start("transaction");
      equal(await child.line(), "held");
      await rejects(() => backend.set([write("other", 1)]), isLocked);
      await rejects(() => sqliteLocks(database, impatient).acquire("key", once), isLocked);
      deepEqual(await backend.get(["key", "other"]), [Uint8Array.of(1), undefined]);
      child.say("commit");
      await child.ended;
      await backend.set([write("other", 1)]);
      deepEqual((await backend.get(["key"]))[0], Uint8Array.of(2));
    });

    it("that dies sees nothing of its transaction, and is free at once", async () => {
      const database = open();
      const backend = sqliteBackend(database, impatient);
      await backend.set([{ key: "key", value: Uint8Array.of(1), expiresAt: NEVER }]);
      const child = start("transaction");
      equal(await child.line(), "held");
      await rejects(() => backend.delete(["key"]), isLocked);
      await child.kill();
      deepEqual(await backend.get(["key"]), [Uint8Array.of(1)]);
      await backend.set([write("key", 5)]);
      equal((await backend.get(["key"]))[0]?.length, 5);
    });
  });

  for (const mode of ["DELETE", "WAL"]) {
    it(`holds whole batches whenever their writer is killed (journal ${mode})`, async () => {
      const database = open();
      database.exec(`PRAGMA journal_mode = ${mode}`);
      const backend = sqliteBackend(database);
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
      let last = 0;
      for (const afterBatches of [1, 7, 20]) {
        const child = start("batches");
        let done = 0;
        while (done < afterBatches) done = Number(await child.line());
        await child.kill();
        const values = await backend.get(keys);
        const marks = new Set(values.map((value) => value?.[0]));
        equal(marks.size, 1, "all keys are of one batch");
        ok([...marks][0]! >= done);
        last = [...marks][0]!;
      }
      ok(last > 0);
      const [check] = database.prepare("PRAGMA integrity_check").all();
      deepEqual(Object.values(check!), ["ok"]);
    });
  }

  it("whose file is replaced fails to write rather than write where nobody reads", async () => {
    const backend = sqliteBackend(open());
    await backend.set([write("key", 10)]);
    await rename(path, join(folder, "elsewhere.db"));
    const replacing = sqliteBackend(open());
    await replacing.set([write("key", 20)]);
    await rejects(() => backend.set([write("key", 30)]), BackendError);
    equal((await replacing.get(["key"]))[0]?.length, 20);
    equal((await sqliteBackend(open()).get(["key"]))[0]?.length, 20);
  });

  it("is not told to wait for what is no time", () => {
    for (const busyTimeoutMs of [-1, NaN, Infinity]) {
      throws(() => sqliteBackend(open(), { busyTimeoutMs }), RangeError);
    }
  });

  it("whose file is no database is an error to every operation", async () => {
    await writeFile(
      path,
      "not a database, by no means, and long enough to be asked about".repeat(90),
    );
    const [backend, locks] = [sqliteBackend(open()), sqliteLocks(open())];
    const isNone = /Cannot \w+ on sqlite: file is not a database/;
    await rejects(() => backend.get(["key"]), isNone);
    await rejects(() => backend.set([write("key", 1)]), isNone);
    await rejects(() => locks.acquire("key", once), isNone);
    await rejects(() => Array.fromAsync(sqliteListing(open()).keys("")), isNone);
  });
});

function write(key: string, size: number): { key: string; value: Uint8Array; expiresAt: number } {
  return { key, value: new Uint8Array(size).fill(size % 251), expiresAt: NEVER };
}

function isFull(error: unknown): boolean {
  return error instanceof BackendError && /database or disk is full/.test(error.message);
}

function isLocked(error: unknown): boolean {
  return error instanceof BackendError && /database is locked/.test(error.message);
}
