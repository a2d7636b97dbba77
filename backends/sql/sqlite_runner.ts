/** Statements on an SQLite database opened with `node:sqlite`, on Deno, Node and Bun. */

import type { SqlRow, SqlRunner, SqlStatement, SqlValue } from "./runner.ts";

/** The part of `DatabaseSync` of `node:sqlite` that cairn uses. */
export interface SqliteDatabase {
  /** Runs SQL without parameters or rows. */
  exec(sql: string): unknown;
  /** Compiles a statement. */
  prepare(sql: string): SqliteStatement;
}

/** The part of `StatementSync` of `node:sqlite` that cairn uses. */
export interface SqliteStatement {
  /** Runs the statement and answers its rows. */
  all(...parameters: SqlValue[]): unknown[];
}

/** How many compiled statements are kept; there are fewer than that in use. */
const keptStatements = 128;

/** How long a statement waits for another process that holds the file's lock. */
const busyTimeoutMs = 5_000;

/** Makes a runner on a database. */
export function sqliteRunner(database: SqliteDatabase): SqlRunner {
  return new SqliteRunner(database);
}

class SqliteRunner implements SqlRunner {
  readonly name = "sqlite";
  readonly #database: SqliteDatabase;
  readonly #compiled = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  // With a write-ahead log, readers and the one writer of the file do not wait for each other.
  async prepare(): Promise<void> {
    this.#database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    this.#database.exec("PRAGMA journal_mode = WAL");
  }

  async read(statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    if (statements.length === 1) return [this.#run(statements[0]!)];
    return this.#transact("BEGIN", statements);
  }

  // The write lock is taken at the start: a transaction that reads first and writes later could
  // find another one's writes in between, and would fail.
  async write(statements: readonly SqlStatement[]): Promise<SqlRow[][]> {
    return this.#transact("BEGIN IMMEDIATE", statements);
  }

  #transact(begin: string, statements: readonly SqlStatement[]): SqlRow[][] {
    this.#database.exec(begin);
    try {
      const rows = statements.map((statement) => this.#run(statement));
      this.#database.exec("COMMIT");
      return rows;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  // SQLite has already rolled back by itself after some errors, and then refuses to do it again.
  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch (error) {
      if (!String(error).includes("no transaction is active")) throw error;
    }
  }

  #run({ sql, parameters }: SqlStatement): SqlRow[] {
    return this.#compile(sql).all(...parameters as SqlValue[]) as SqlRow[];
  }

  #compile(sql: string): SqliteStatement {
    let statement = this.#compiled.get(sql);
    if (!statement) {
      if (this.#compiled.size >= keptStatements) this.#compiled.clear();
      statement = this.#database.prepare(sql);
      this.#compiled.set(sql, statement);
    }
    return statement;
  }
}
