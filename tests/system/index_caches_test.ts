// runs on: deno, node22, node24
/** The index on SQLite files, as several openings and several processes have them. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { sqliteIndex } from "../../backends/index_sql.ts";
import type { SqliteDatabase } from "../../backends/sql/sqlite_runner.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { IndexCache } from "../../src/contracts/index_cache.ts";
import { fullRecord, recordOf } from "../conformance/index_cache_fixture.ts";
import { indexCacheSuite } from "../conformance/index_cache_suite.ts";
import { runChild } from "./children/run_child.ts";

const base = await mkdtemp(join(tmpdir(), "cairn-index-"));
let databases = 0;

after(() => rm(base, { recursive: true, force: true }));

function freshFile(): string {
  return join(base, `index-${++databases}.sqlite`);
}

indexCacheSuite("sqlite", () => {
  const file = freshFile();
  const [first, second] = [new DatabaseSync(file), new DatabaseSync(file)];
  let isBroken = false;
  return {
    index: sqliteIndex(first),
    other: sqliteIndex(second),
    breakStore(): void {
      isBroken = true;
      first.close();
    },
    close(): void {
      if (!isBroken) first.close();
      second.close();
    },
  };
}, { layout: "sql" });

describe("sqliteIndex", () => {
  it("keeps PyPICloud's table to the letter", async () => {
    const database = new DatabaseSync(freshFile());
    await sqliteIndex(database).save(fullRecord);
    deepEqual(database.prepare("pragma table_info(packages)").all().map(columnOf), [
      "filename VARCHAR(255) NOT NULL 1",
      "name VARCHAR(255) NOT NULL 0",
      "version VARCHAR(1000) NOT NULL 0",
      "last_modified DATETIME NOT NULL 0",
      "summary TEXT NULL 0",
      "data TEXT NOT NULL 0",
    ]);
    const indexes = database.prepare(
      "select name from sqlite_master where type = 'index' and sql is not null order by name",
    );
    deepEqual(indexes.all().map(({ name }) => name), [
      "ix_packages_last_modified",
      "ix_packages_name",
    ]);
    database.close();
  });

  it("writes what PyPICloud reads", async () => {
    const database = new DatabaseSync(freshFile());
    await sqliteIndex(database).save(fullRecord);
    const { data, ...columns } = database.prepare("select * from packages").get()!;
    deepEqual({ ...columns }, {
      filename: fullRecord.filename,
      name: "demo",
      version: "2.0rc1",
      last_modified: "2023-11-14 22:13:19.999000",
      summary: fullRecord.summary,
    });
    const { requires_python, hash_sha256, hash_md5, uploader, path } = JSON.parse(data as string);
    await sqliteIndex(database).save({ ...fullRecord, summary: "" });
    equal(database.prepare("select summary from packages").get()!.summary, null);
    deepEqual(
      { requires_python, hash_sha256, hash_md5, uploader, path },
      {
        requires_python: fullRecord.requiresPython,
        hash_sha256: fullRecord.sha256,
        hash_md5: fullRecord.md5,
        uploader: fullRecord.uploader,
        path: fullRecord.path,
      },
    );
    database.close();
  });

  it("opens a table of PyPICloud's and completes its rows", async () => {
    const database = new DatabaseSync(freshFile());
    database.exec(pypicloudTable);
    const index = sqliteIndex(database);
    equal(await index.fetch("demo-1.0.tar.gz"), undefined);
    deepEqual(await index.all("demo"), { files: [], serial: 0, isClaimed: false });
    deepEqual([await index.distinct(), await index.summary()], [[], []]);
    const sha256 = "ab".repeat(32);
    const given = recordOf("demo", "1.0", { filename: "demo-1.0.tar.gz", sha256 });
    const complete = { ...given, uploader: "zoë", md5: "cd" };
    deepEqual(await index.add(given), complete);
    deepEqual(await index.fetch(given.filename), complete);
    const { serial } = await index.project("demo");
    ok(serial > 0);
    deepEqual(await index.add({ ...given, sizeBytes: 1 }), complete);
    equal((await index.project("demo")).serial, serial);
    equal(database.prepare("select count(*) as count from packages").get()!.count, 1);
    database.close();
  });

  it("believes nothing of a row of PyPICloud's that is about other bytes", async () => {
    const database = new DatabaseSync(freshFile());
    database.exec(pypicloudTable);
    const given = recordOf("demo", "1.0", { filename: "demo-1.0.tar.gz" });
    deepEqual(await sqliteIndex(database).add(given), given);
    database.close();
  });

  it("refuses tables of a newer schema, names both versions, and leaves them alone", async () => {
    const file = freshFile();
    const database = new DatabaseSync(file);
    await sqliteIndex(database).save(recordOf("demo"));
    database.exec("update cairn_index set schema_version = 3; drop table cairn_projects");
    const index = sqliteIndex(database);
    const named = (error: unknown): boolean =>
      error instanceof BackendError && /schema 3, .* knows 2/.test(error.message);
    await rejects(() => index.all("demo"), named);
    await rejects(() => index.save(recordOf("demo", "2.0")), named);
    const { isHealthy, reason } = await index.checkHealth();
    equal(isHealthy, false);
    match(reason, /schema 3, .* knows 2/);
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    deepEqual(tables.map(({ name }) => name).sort(), ["cairn_cursors", "cairn_index", "packages"]);
    database.exec("update cairn_index set schema_version = 0");
    deepEqual((await index.all("demo")).files, [recordOf("demo")]);
    database.close();
  });

  it("changes all or nothing, whichever statement of a change fails", async () => {
    const database = new DatabaseSync(freshFile());
    const index = sqliteIndex(database);
    await index.saveMany([recordOf("demo"), recordOf("demo", "2.0"), recordOf("other")]);
    const before = await everything(index);
    for (const [name, change] of Object.entries(changes)) {
      for (let failAt = 1;; failAt++) {
        ok(failAt < 20, "no run without a failure");
        const fault = failing(database, failAt);
        const failed = await change(sqliteIndex(fault.database)).then(() => false, isBackendError);
        if (fault.count() < failAt) break;
        equal(failed, true, `${name}, statement ${failAt}`);
        deepEqual(await everything(index), before, `${name}, statement ${failAt}`);
      }
      await index.clearAll();
      await index.claim("demo", false);
      await index.saveMany([recordOf("demo"), recordOf("demo", "2.0"), recordOf("other")]);
      Object.assign(before, await everything(index));
    }
    database.close();
  });

  it("loses nothing when three processes write at once", async () => {
    const file = freshFile();
    await Promise.all(["a", "b", "c"].map((name) => runChild("index_writer.ts", [file, name])));
    const database = new DatabaseSync(file);
    const index = sqliteIndex(database);
    const { files, serial } = await index.all("shared");
    equal(files.length, 3 * 40);
    ok(serial >= 3 * 40);
    const firsts = database.prepare("select count(*) as count from packages where name = 'race'");
    equal(firsts.get()!.count, 40);
    database.close();
  });
});

const pypicloudTable = `
  CREATE TABLE packages (
    filename VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    version VARCHAR(1000) NOT NULL,
    last_modified DATETIME NOT NULL,
    summary TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (filename)
  );
  CREATE INDEX ix_packages_last_modified ON packages (last_modified);
  CREATE INDEX ix_packages_name ON packages (name);
  INSERT INTO packages VALUES ('demo-1.0.tar.gz', 'demo', '1.0', '2020-01-02 03:04:05.678901',
    NULL, '{"hash_sha256": "${"ab".repeat(32)}", "uploader": "zo\\u00eb", "hash_md5": "cd"}');
`;

const changes: Record<string, (index: IndexCache) => Promise<unknown>> = {
  add: (index) => index.add(recordOf("demo", "3.0")),
  save: (index) => index.save(recordOf("demo", "1.0", { project: "other" })),
  saveMany: (index) => index.saveMany([recordOf("demo", "4.0"), recordOf("new")]),
  clear: (index) => index.clear(recordOf("demo").filename),
  claim: (index) => index.claim("demo", true),
  clearAll: (index) => index.clearAll(),
};

function columnOf(column: Record<string, unknown>): string {
  const { name, type, notnull, pk } = column;
  return `${name} ${String(type).toUpperCase()} ${notnull ? "NOT NULL" : "NULL"} ${pk}`;
}

function isBackendError(error: unknown): boolean {
  return error instanceof BackendError;
}

async function everything(index: IndexCache): Promise<Record<string, unknown>> {
  return {
    serial: await index.serial(),
    names: await index.distinct(),
    demo: await index.all("demo"),
    other: await index.all("other"),
  };
}

/** The database with the n-th statement after its opening failing when it is run. */
function failing(
  database: DatabaseSync,
  failAt: number,
): { database: SqliteDatabase; count(): number } {
  let count = 0;
  return {
    count: () => count,
    database: {
      exec: (sql) => database.exec(sql),
      prepare: (sql) => {
        const statement = database.prepare(sql);
        const isOpening = /cairn_index.*schema_version|schema_version.*cairn_index/s.test(sql);
        return {
          all: (...parameters) => {
            if (!isOpening && ++count === failAt) throw new Error("disk I/O error");
            return statement.all(...parameters);
          },
        };
      },
    },
  };
}
