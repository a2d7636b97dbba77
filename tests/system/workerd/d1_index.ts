/** The index on D1 inside workerd, on a database of Miniflare's; run by `d1_index_test.ts`. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { D1Database } from "../../../backends/sql/d1_runner.ts";
import { d1Index } from "../../../backends/index_sql.ts";
import type { PackageFile } from "../../../src/contracts/index_cache.ts";
import { type IndexCacheFixture, recordOf } from "../../conformance/index_cache_fixture.ts";
import { indexCacheSuite } from "../../conformance/index_cache_suite.ts";

/** The database of this Worker; bindings come with a request, and tests run within one. */
function database(): D1Database {
  return (globalThis as unknown as { bindings: { DATABASE: D1Database } }).bindings.DATABASE;
}

async function emptied(): Promise<D1Database> {
  const tables = ["packages", "cairn_projects", "cairn_cursors", "cairn_index"];
  await database().batch(tables.map((name) => database().prepare(`drop table if exists ${name}`)));
  return database();
}

interface Counted {
  readonly database: D1Database;
  readonly batches: number[];
  readonly parameters: number[];
  isDown: boolean;
}

/** The database with its batches counted, and with a switch to turn it off. */
function counted(real: D1Database): Counted {
  const parameters: number[] = [];
  const batches: number[] = [];
  const self: Counted = {
    batches,
    parameters,
    isDown: false,
    database: {
      prepare(sql) {
        const statement = real.prepare(sql);
        return {
          bind: (...values) => {
            parameters.push(values.length);
            return statement.bind(...values);
          },
        };
      },
      batch: async (statements) => {
        if (self.isDown) throw new Error("D1_ERROR: the database is down");
        batches.push(statements.length);
        return await real.batch(statements);
      },
    },
  };
  return self;
}

indexCacheSuite("d1", async (): Promise<IndexCacheFixture> => {
  const breakable = counted(await emptied());
  return {
    index: d1Index(breakable.database),
    other: d1Index(database()),
    breakStore: () => void (breakable.isDown = true),
  };
}, { layout: "sql" });

describe("d1Index", () => {
  it("I-204: saves 5,000 records with three statements in one trip, of at most 100 parameters", async () => {
    const counter = counted(await emptied());
    const index = d1Index(counter.database);
    await index.serial();
    counter.batches.length = 0;
    await index.saveMany(fullRecords(5_000));
    deepEqual(counter.batches, [3]);
    ok(counter.parameters.every((count) => count <= 100));
    equal((await index.all("demo")).files.length, 5_000);
    deepEqual(counter.batches, [3, 2]);
  });

  it("saves more than one statement may unite", async () => {
    const counter = counted(await emptied());
    const index = d1Index(counter.database);
    await index.serial();
    counter.batches.length = 0;
    const summary = "A summary of unusual length, for it is said again. ".repeat(160);
    await index.saveMany(fullRecords(1_000).map((record) => ({ ...record, summary })));
    deepEqual(counter.batches, [3, 3]);
    equal((await index.all("demo")).files.length, 1_000);
  });

  it("asks once for each read, and once more to open tables that are there", async () => {
    await d1Index(await emptied()).save(recordOf("demo"));
    const counter = counted(database());
    const index = d1Index(counter.database);
    await index.fetch(recordOf("demo").filename);
    await index.all("demo");
    await index.project("demo");
    await index.distinct();
    await index.serial();
    deepEqual(counter.batches, [3, 1, 2, 1, 1, 1]);
  });
});

function fullRecords(count: number): PackageFile[] {
  return Array.from({ length: count }, (_, number) =>
    recordOf("demo", `1.${number}`, {
      summary: `Release ${number} of a project whose summary has a usual length`,
      requiresPython: ">=3.9",
      metadataSha256: "c".repeat(64),
      blake2b: "b".repeat(64),
      md5: "d".repeat(32),
      upstream: "main",
      path: `ab/cd/${"e".repeat(60)}/demo-1.${number}-py3-none-any.whl`,
    }));
}
