/** An index cache in MySQL or MariaDB, through a pool of the client `mysql2`. */

import type { IndexCache } from "../src/contracts/index_cache.ts";
import { indexTable, packageColumns, type SqlDialect } from "./sql/dialect.ts";
import { joined, raw, sql, type SqlFragment } from "./sql/fragment.ts";
import { sqlIndex } from "./sql/package_table.ts";
import type { SqlRow, SqlRunner, SqlStatement } from "./sql/runner.ts";

/** The part of a pool of `mysql2/promise` that cairn uses. */
export interface MysqlPool {
  /** Takes a connection out of the pool. */
  getConnection(): Promise<MysqlConnection>;
}

/** The part of a pooled connection of `mysql2/promise` that cairn uses. */
export interface MysqlConnection {
  /** Runs a statement with `?` for its parameters; the first answer is its rows, if it has any. */
  query(sql: string, values?: unknown[]): Promise<[unknown, unknown]>;
  /** Gives the connection back. */
  release(): void;
  /** Closes the connection. */
  destroy(): void;
}

/**
 * Makes an index on MySQL 8.0.17 or MariaDB 10.6, or later. The tables are made at first use; those
 * of PyPICloud are taken over: names then differ by case and blanks, times have microseconds, and
 * summaries may be longer than 64 kB. The pool stays the caller's to end, and its `charset` has to be
 * `utf8mb4`. Changes follow one another: each locks the one row that holds the serial.
 *
 * @example
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { BackendError } from "@cairn/cache";
 * import { mysqlIndex } from "@cairn/cache/index-mysql";
 *
 * // Elsewhere: mysqlIndex(createPool(uri)) with the createPool of "mysql2/promise".
 * const index = mysqlIndex({ getConnection: () => Promise.reject(new Error("refused")) });
 * await rejects(() => index.distinct(), BackendError);
 * ```
 */
export function mysqlIndex(pool: MysqlPool): IndexCache {
  return sqlIndex(new MysqlRunner(pool), mysqlDialect);
}

/**
 * Stands for the collation that compares texts byte by byte to their very end. Each of the two
 * products has one of its own, and the runner knows which of them it talks to.
 */
const binary = "cairn_binary";
const collations = { mariadb: "utf8mb4_nopad_bin", mysql: "utf8mb4_0900_bin" };
const ofText = raw(`character set utf8mb4 collate ${binary}`);

const tables: readonly SqlFragment[] = [
  sql`create table if not exists packages (
    filename varchar(255) not null primary key,
    name varchar(255) not null,
    version varchar(1000) not null,
    last_modified datetime(6) not null,
    summary mediumtext,
    data mediumtext not null,
    index ix_packages_name (name),
    index ix_packages_last_modified (last_modified)) ${ofText}`,
  sql`alter table packages convert to ${ofText}`,
  sql`alter table packages modify last_modified datetime(6) not null,
    modify summary mediumtext ${ofText}, modify data mediumtext ${ofText} not null`,
  sql`create table if not exists cairn_projects (
    name varchar(255) not null primary key,
    serial bigint not null,
    is_claimed integer not null) ${ofText}`,
  sql`create table if not exists cairn_cursors (
    name varchar(255) not null primary key,
    value text not null) ${ofText}`,
];

const mysqlDialect: SqlDialect = Object.freeze({
  placeholder: () => "?",
  lock: [sql`select serial from cairn_index for update`],
  openings: [indexTable()],
  tables,
  lastModified: sql`cast(last_modified as char)`,
  instant: (text: string) => sql`${text}`,
  texts: (array: string) =>
    sql`select value from json_table(${array}, '$[*]'
      columns (value varchar(1000) ${ofText} path '$')) as listed`,
  rows: (arrays: string) => {
    const fields = packageColumns.map((column, index) =>
      sql`${raw(column)} mediumtext ${ofText} path ${raw(`'$[${index}]'`)}`
    );
    const names = packageColumns.map((column) => raw(column));
    return sql`select ${joined(names)} from json_table(${arrays}, '$[*]'
      columns (${joined(fields)})) as listed`;
  },
  onConflict: (key: string, replaced: readonly string[]) => {
    if (replaced.length === 0) {
      return sql`on duplicate key update ${raw(key)} = ${raw(key)}`;
    }
    const sets = replaced.map((column) => sql`${raw(column)} = values(${raw(column)})`);
    return sql`on duplicate key update ${joined(sets)}`;
  },
});

/** How often a transaction is begun that others get in the way of. */
const attempts = 10;

class MysqlRunner implements SqlRunner {
  readonly name = "mysql";
  readonly #pool: MysqlPool;
  #collation = collations.mysql;

  constructor(pool: MysqlPool) {
    this.#pool = pool;
  }

  async prepare(): Promise<void> {
    const [[row]] = await this.read([{ sql: "select version() as version", parameters: [] }]) as [
      SqlRow[],
    ];
    if (String(row?.version).includes("MariaDB")) this.#collation = collations.mariadb;
  }

  read(statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    if (statements.length === 1) return this.#run([], statements);
    return this.#retried([
      "set transaction isolation level repeatable read",
      "start transaction with consistent snapshot, read only",
    ], statements);
  }

  // Each statement sees what ended before it began, so what follows the lock sees all changes.
  write(statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    const begin = ["set transaction isolation level read committed", "start transaction"];
    return this.#retried(begin, statements);
  }

  // Of transactions that wait for each other InnoDB undoes one, and says so: it can be run again.
  async #retried(
    begin: readonly string[],
    statements: readonly SqlStatement[],
  ): Promise<SqlRow[][]> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#run(begin, statements);
      } catch (error) {
        if ((error as { code?: unknown }).code !== "ER_LOCK_DEADLOCK" || attempt === attempts) {
          throw error;
        }
      }
    }
  }

  async #run(begin: readonly string[], statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    const connection = await this.#pool.getConnection();
    try {
      for (const statement of begin) await connection.query(statement);
      const answers: SqlRow[][] = [];
      for (const { sql, parameters } of statements) {
        const [rows] = await connection.query(this.#spoken(sql), [...parameters]);
        answers.push(Array.isArray(rows) ? rows : []);
      }
      if (begin.length > 0) await connection.query("commit");
      connection.release();
      return answers;
    } catch (error) {
      // The server rolls back what a closed connection had begun.
      connection.destroy();
      throw error;
    }
  }

  #spoken(statement: string): string {
    return statement.replaceAll(binary, this.#collation);
  }
}
