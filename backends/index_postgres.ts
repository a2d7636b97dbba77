/** An index cache in PostgreSQL, through a pool of the client `pg`. */

import type { IndexCache } from "../src/contracts/index_cache.ts";
import { indexTable, onConflict, packageColumns, usualTables } from "./sql/dialect.ts";
import type { SqlDialect } from "./sql/dialect.ts";
import { joined, raw, sql } from "./sql/fragment.ts";
import { sqlIndex } from "./sql/package_table.ts";
import type { SqlRow, SqlRunner, SqlStatement } from "./sql/runner.ts";

/** The part of a `Pool` of `pg` that cairn uses. */
export interface PostgresPool {
  /** Takes a connection out of the pool. */
  connect(): Promise<PostgresClient>;
}

/** The part of a pooled client of `pg` that cairn uses. */
export interface PostgresClient {
  /** Runs a statement with `$1`, `$2` … for its parameters. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives the connection back; with `true` it is closed instead. */
  release(destroy?: boolean): void;
  /** Has the listener told of errors of the connection itself. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Takes the listener away. */
  off(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Makes an index on PostgreSQL 12 or later. The tables are made at first use, in the schema that
 * comes first in the search path; those of PyPICloud are taken over. The pool stays the caller's to
 * end, and to be listened to for its event `error`, as `pg` asks for of every pool: it tells of
 * connections that end while nobody uses them, and without a listener that ends the process. Changes
 * follow one another: each locks the one row that holds the serial.
 *
 * @example
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { BackendError } from "@cairn/cache";
 * import { postgresIndex } from "@cairn/cache/index-postgres";
 *
 * // Elsewhere: postgresIndex(new Pool({ connectionString })) with the Pool of "pg".
 * const index = postgresIndex({ connect: () => Promise.reject(new Error("refused")) });
 * await rejects(() => index.distinct(), BackendError);
 * ```
 */
export function postgresIndex(pool: PostgresPool): IndexCache {
  return sqlIndex(new PostgresRunner(pool), postgresDialect);
}

/** A number for PostgreSQL's advisory locks that nobody else should use: "cairn" in ASCII. */
const openingLock = 0x636169726e;

const postgresDialect: SqlDialect = Object.freeze({
  placeholder: (position: number) => `$${position}`,
  lock: [sql`select serial from cairn_index for update`],
  // Two that create one table at once would both find it missing, and one of them fail.
  openings: [sql`select pg_advisory_xact_lock(${raw(String(openingLock))})`, indexTable()],
  tables: usualTables("timestamp"),
  lastModified: sql`to_char(last_modified, 'YYYY-MM-DD HH24:MI:SS.US')`,
  instant: (text: string) => sql`${text}::timestamp`,
  texts: (array: string) =>
    sql`select value from json_array_elements_text(${array}::json) as listed(value)`,
  rows: (arrays: string) => {
    const fields = packageColumns.map((column, index) => {
      const field = sql`value->>${raw(String(index))}`;
      const typed = column === "last_modified" ? sql`(${field})::timestamp` : field;
      return sql`${typed} as ${raw(column)}`;
    });
    return sql`select ${joined(fields)}
      from json_array_elements(${arrays}::json) as listed(value)`;
  },
  onConflict,
});

class PostgresRunner implements SqlRunner {
  readonly name = "postgres";
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  async prepare(): Promise<void> {}

  read(statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    const begin = statements.length > 1 ? "begin isolation level repeatable read read only" : "";
    return this.#run(begin, statements);
  }

  // Each statement sees what ended before it began, so what follows the lock sees all changes.
  write(statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    return this.#run("begin isolation level read committed", statements);
  }

  async #run(begin: string, statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    const client = await this.#pool.connect();
    client.on("error", ignore);
    let isSound = false;
    try {
      if (begin) await client.query(begin);
      const answers: SqlRow[][] = [];
      for (const { sql, parameters } of statements) {
        answers.push((await client.query(sql, [...parameters])).rows as SqlRow[]);
      }
      if (begin) await client.query("commit");
      isSound = true;
      return answers;
    } finally {
      // A connection that failed is closed, and PostgreSQL rolls back what it had begun.
      client.release(!isSound);
      if (isSound) client.off("error", ignore);
    }
  }
}

/**
 * While a connection is out of the pool the pool does not listen, and an error that nobody listens
 * for ends the process. The statement under way rejects with it, or the next one does.
 */
function ignore(): void {}
