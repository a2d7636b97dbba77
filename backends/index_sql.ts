/**
 * An index cache in SQL tables: an SQLite file through `node:sqlite`, or Cloudflare D1.
 *
 * The table `packages` is PyPICloud's, column for column; what cairn adds to a record is in its
 * `data`, and what it adds to the index is in tables of its own. A row that PyPICloud wrote is not
 * answered until a record of the same file is added, because it lacks the file's length; who uploaded
 * it is kept then.
 */

import type { IndexCache } from "../src/contracts/index_cache.ts";
import { type D1Database, d1Runner } from "./sql/d1_runner.ts";
import { sqliteDialect } from "./sql/dialect.ts";
import { sqlIndex } from "./sql/package_table.ts";
import { type SqliteDatabase, sqliteRunner } from "./sql/sqlite_runner.ts";

export type { D1Database, D1Statement } from "./sql/d1_runner.ts";
export type { SqlValue } from "./sql/runner.ts";
export type { SqliteDatabase, SqliteStatement } from "./sql/sqlite_runner.ts";

/**
 * Makes an index on an SQLite database opened with `node:sqlite`. The tables are made at first use;
 * the database stays the caller's to close.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { DatabaseSync } from "node:sqlite";
 * import { sqliteIndex } from "@cairn/cache/index-sql";
 *
 * const database = new DatabaseSync(":memory:");
 * const index = sqliteIndex(database);
 * await index.claim("acme-tools", true);
 * deepEqual(await index.distinct(), ["acme-tools"]);
 * database.close();
 * ```
 */
export function sqliteIndex(database: SqliteDatabase): IndexCache {
  return sqlIndex(sqliteRunner(database), sqliteDialect);
}

/** Makes an index on a D1 binding. The tables are made at first use. */
export function d1Index(database: D1Database): IndexCache {
  return sqlIndex(d1Runner(database), sqliteDialect);
}
