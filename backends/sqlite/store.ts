/**
 * The tables in which SQLite keeps entries, counters and leases, and the transactions on them.
 *
 * Values, counters and leases of one key are apart, so a counter cannot be read as a value. Fences
 * come from one counter for all keys: it only ever grows, so leases need not be kept to be fenced.
 * Deadlines are REAL, in which `NEVER` is SQLite's infinity and compares as such. What has expired is
 * removed in passing, a bounded number with each batch of writes.
 */

import type { Write } from "../../src/contracts/backend.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";

/** The part of `DatabaseSync` of `node:sqlite` that entries need. */
export interface SqliteHandle {
  /** Runs SQL without parameters or rows. */
  exec(sql: string): unknown;
  /** Compiles a statement. */
  prepare(sql: string): SqliteQuery;
}

/** The part of `StatementSync` of `node:sqlite` that entries need. */
export interface SqliteQuery {
  /** Runs the statement and answers its first row. */
  get(...parameters: SqliteValue[]): unknown;
  /** Whether rows are lists of their columns (Node 22.16 and later). */
  setReturnArrays(isOn: boolean): void;
}

/** What is bound to a parameter. */
export type SqliteValue = string | number | Uint8Array;

/** Where the entries are, and what time it is. */
export interface SqliteOptions {
  /** Before the names of the tables; letters, digits and underscores. Default: `"cairn_"`. */
  readonly tablePrefix?: string;
  /**
   * How long to wait for another process that writes to the file, in milliseconds. Nothing else runs
   * in this process meanwhile. Default: 5,000.
   */
  readonly busyTimeoutMs?: number;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

/** How many expired rows of each table a batch of writes removes. */
const sweptRows = 100;

/** Entries, counters and leases in one SQLite database. */
export class SqliteStore {
  readonly #database: SqliteHandle;
  readonly #prefix: string;
  readonly #busyTimeoutMs: number;
  readonly #compiled: Map<string, SqliteQuery> = new Map();
  #isPrepared = false;

  /** A `RangeError` for a prefix that would have to be quoted, or a wait that is none. */
  constructor(database: SqliteHandle, options: SqliteOptions) {
    const { tablePrefix = "cairn_", busyTimeoutMs = 5_000 } = options;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(tablePrefix)) {
      throw new RangeError(`Cannot use SQLite: "tablePrefix" is "${tablePrefix}"`);
    }
    if (!(busyTimeoutMs >= 0 && busyTimeoutMs < 2 ** 31)) {
      throw new RangeError(`Cannot use SQLite: "busyTimeoutMs" is ${busyTimeoutMs}`);
    }
    this.#database = database;
    this.#busyTimeoutMs = Math.ceil(busyTimeoutMs);
    this.#prefix = tablePrefix;
  }

  /** Runs one statement and answers its first row, a list of the columns, or `undefined`. */
  row(sql: string, ...parameters: SqliteValue[]): readonly unknown[] | undefined {
    const query = this.#compiled.get(sql) ?? this.#compile(sql);
    return query.get(...parameters) as readonly unknown[] | undefined;
  }

  /** Runs `work`, which only reads. Whatever it throws becomes a `BackendError`. */
  read<T>(operation: string, work: () => T): T {
    try {
      this.#prepare();
      return work();
    } catch (error) {
      throw new BackendError("sqlite", operation, error);
    }
  }

  /** As {@linkcode read}, for work that writes: all of it is done, or nothing. */
  write<T>(operation: string, work: () => T): T {
    return this.read(operation, () => this.#transact(work));
  }

  /** The live value of a key. */
  value(key: string, now: number): Uint8Array | undefined {
    const row = this.row("SELECT value FROM $entries WHERE key = ? AND expires_at > ?", key, now);
    return row?.[0] as Uint8Array | undefined;
  }

  /** Stores a value. Call it within a transaction, as the two below. */
  put({ key, value, expiresAt }: Write<Uint8Array>): void {
    this.row(
      `INSERT INTO $entries (key, value, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
      key,
      value,
      expiresAt,
    );
  }

  /** Removes a value and ends the lease of its key. */
  remove(key: string): void {
    this.row("DELETE FROM $entries WHERE key = ?", key);
    this.row("DELETE FROM $leases WHERE key = ?", key);
  }

  /** Removes some of what has expired. */
  sweep(now: number): void {
    for (const table of ["entries", "counters", "leases"]) {
      this.row(
        `DELETE FROM $${table} WHERE rowid IN
           (SELECT rowid FROM $${table} WHERE expires_at <= ? LIMIT ${sweptRows})`,
        now,
      );
    }
  }

  // node:sqlite is synchronous: nothing of this process comes between BEGIN and COMMIT.
  #transact<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // After some failures, as of a full disk, SQLite has rolled back by itself, and says that
      // there is nothing to roll back. The caller hears of the failure itself.
    }
  }

  #compile(sql: string): SqliteQuery {
    const query = this.#database.prepare(sql.replaceAll("$", this.#prefix));
    // An object with a name for each column takes a third of the time of a read.
    query.setReturnArrays(true);
    this.#compiled.set(sql, query);
    return query;
  }

  #prepare(): void {
    if (this.#isPrepared) return;
    this.#database.exec(`PRAGMA busy_timeout = ${this.#busyTimeoutMs}`);
    this.#transact(() => this.#database.exec(schema.replaceAll("$", this.#prefix)));
    this.#isPrepared = true;
  }
}

const schema = `
CREATE TABLE IF NOT EXISTS $entries (
  key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS $entries_by_expiry ON $entries (expires_at);
CREATE TABLE IF NOT EXISTS $counters (
  key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS $counters_by_expiry ON $counters (expires_at);
CREATE TABLE IF NOT EXISTS $leases (
  key TEXT PRIMARY KEY, fence INTEGER NOT NULL, expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS $leases_by_expiry ON $leases (expires_at);
CREATE TABLE IF NOT EXISTS $fence (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);
INSERT OR IGNORE INTO $fence (id, last) VALUES (1, 0);
`;
