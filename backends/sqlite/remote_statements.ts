/**
 * The SQL of entries in an SQLite database that is elsewhere: D1, or the one of a Durable Object.
 *
 * Such a database runs a batch of statements as one transaction and in one trip, but nothing can be
 * decided between two of them. So every decision is in the SQL: a statement looks for the lease that
 * it needs, and tells by its rows whether it found it. `?1` is the present instant everywhere, put in
 * by whoever runs the batch, so one clock judges all deadlines.
 *
 * Deadlines are numbers of JSON: infinity is the largest of them. Fences come from one counter for
 * all keys: it only ever grows, so leases need not be kept to be fenced.
 */

import type { Write } from "../../src/contracts/backend.ts";
import { pageKeys, type PageStart } from "./listed_keys.ts";

/** A statement and what its parameters are from the second on. */
export interface RemoteStatement {
  /** With numbered parameters, of which the first is the present instant. */
  readonly sql: string;
  /** The values of the second and the following parameters. */
  readonly parameters: readonly (string | number | Uint8Array)[];
}

/** How many parameters a statement may have; D1 takes no more. */
const parametersLimit = 100;
/** How many parameters a row of entries has. */
const rowParameters = 3;
/** How many rows one statement writes. */
const rowsAtOnce = Math.floor((parametersLimit - 1) / rowParameters);

/** How many expired rows of each table a batch of writes removes. */
const sweptRows = 100;

const tables = ["entries", "counters", "leases"];

/** What makes the tables where they are missing. */
export const schema: readonly RemoteStatement[] = [
  `CREATE TABLE IF NOT EXISTS $entries (
     key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at REAL NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS $counters (
     key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires_at REAL NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS $leases (
     key TEXT PRIMARY KEY, fence INTEGER NOT NULL, expires_at REAL NOT NULL)`,
  ...tables.map((table) =>
    `CREATE INDEX IF NOT EXISTS $${table}_by_expiry ON $${table} (expires_at)`
  ),
  `CREATE TABLE IF NOT EXISTS $fence (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL)`,
  `INSERT OR IGNORE INTO $fence (id, last) VALUES (1, 0)`,
].map((sql) => statement(sql));

/**
 * The live values of `keys`; a value that would make the answer longer than `limitBytes` is left out,
 * and its row says so by a null. The first one always comes.
 */
export function selection(keys: readonly string[], limitBytes: number): RemoteStatement {
  return statement(
    `SELECT key, iif(upto <= ?3 OR nth = 1, value, NULL) AS value FROM (
       SELECT key, value, sum(length(value)) OVER places AS upto, row_number() OVER places AS nth
       FROM $entries WHERE key IN (SELECT value FROM json_each(?2)) AND expires_at > ?1
       WINDOW places AS (ORDER BY key ROWS UNBOUNDED PRECEDING))`,
    JSON.stringify(keys),
    limitBytes,
  );
}

/** A page of the keys whose values live, in the order of their UTF-8. */
export function page({ after, key }: PageStart): RemoteStatement {
  return statement(
    `SELECT key FROM $entries WHERE key ${after} ?2 AND expires_at > ?1 ORDER BY key
       LIMIT ${pageKeys}`,
    key,
  );
}

/** What stores writes of different keys. */
export function insertions(writes: readonly Write<Uint8Array>[]): RemoteStatement[] {
  const statements: RemoteStatement[] = [];
  for (let start = 0; start < writes.length; start += rowsAtOnce) {
    const rows = writes.slice(start, start + rowsAtOnce);
    const places = rows.map((_, row) => {
      const first = 2 + rowParameters * row;
      return `(?${first}, ?${first + 1}, ?${first + 2})`;
    });
    const values = rows.flatMap(({ key, value, expiresAt }) => [key, value, instantOf(expiresAt)]);
    statements.push(statement(
      `INSERT INTO $entries (key, value, expires_at) VALUES ${places.join(", ")} ${replacing}`,
      ...values,
    ));
  }
  return statements;
}

const replacing =
  "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at";

/** What removes some of what has expired. */
export const sweep: readonly RemoteStatement[] = tables.map((table) =>
  statement(
    `DELETE FROM $${table} WHERE rowid IN
       (SELECT rowid FROM $${table} WHERE expires_at <= ?1 LIMIT ${sweptRows})`,
  )
);

/** The earliest deadline of all, as `at`; null if there is none. */
export const nextDeadline: RemoteStatement = statement(
  `SELECT min(at) AS at FROM (${
    tables.map((table) => `SELECT min(expires_at) AS at FROM $${table}`).join(" UNION ALL ")
  })`,
);

/** What removes entries and ends their leases. */
export function removals(keys: readonly string[]): RemoteStatement[] {
  return ["entries", "leases"].map((table) =>
    statement(
      `DELETE FROM $${table} WHERE key IN (SELECT value FROM json_each(?2))`,
      JSON.stringify(keys),
    )
  );
}

/** Stores a value where there is none; a row if it did. */
export function addition({ key, value, expiresAt }: Write<Uint8Array>): RemoteStatement {
  return statement(
    `INSERT INTO $entries (key, value, expires_at) VALUES (?2, ?3, ?4) ${replacing}
       WHERE expires_at <= ?1 RETURNING 1 AS done`,
    key,
    value,
    instantOf(expiresAt),
  );
}

/** Stores a value where there is one; a row if it did. */
export function replacement({ key, value, expiresAt }: Write<Uint8Array>): RemoteStatement {
  return statement(
    "UPDATE $entries SET value = ?3, expires_at = ?4 WHERE key = ?2 AND expires_at > ?1 " +
      "RETURNING 1 AS done",
    key,
    value,
    instantOf(expiresAt),
  );
}

/** Moves the deadline of a value; a row if there was one. */
export function prolongation(key: string, expiresAt: number): RemoteStatement {
  return statement(
    "UPDATE $entries SET expires_at = ?3 WHERE key = ?2 AND expires_at > ?1 RETURNING 1 AS done",
    key,
    instantOf(expiresAt),
  );
}

/** Removes a value that is as expected; a row if it did. */
export function conditionalRemoval(key: string, expected: Uint8Array): RemoteStatement {
  return statement(
    "DELETE FROM $entries WHERE key = ?2 AND value = ?3 AND expires_at > ?1 RETURNING 1 AS done",
    key,
    expected,
  );
}

/** Counts on; a row with the count unless it would leave the safe integers. */
export function count(key: string, delta: number, expiresAt: number): RemoteStatement {
  return statement(
    `INSERT INTO $counters (key, count, expires_at) VALUES (?2, ?3, ?4)
       ON CONFLICT (key) DO UPDATE SET
         count = iif(expires_at > ?1, count, 0) + excluded.count,
         expires_at = iif(expires_at > ?1, expires_at, excluded.expires_at)
       WHERE abs(iif(expires_at > ?1, count, 0) + excluded.count) <= ${Number.MAX_SAFE_INTEGER}
       RETURNING count`,
    key,
    delta,
    instantOf(expiresAt),
  );
}

/** Takes the lease of a key if it is free; the second statement has a row with its fence if it was. */
export function acquisition(key: string, leaseMs: number): RemoteStatement[] {
  return [
    statement(
      `UPDATE $fence SET last = last + 1 WHERE NOT EXISTS
         (SELECT 1 FROM $leases WHERE key = ?2 AND expires_at > ?1)`,
      key,
    ),
    statement(
      `INSERT INTO $leases (key, fence, expires_at) SELECT ?2, last, ?1 + ?3 FROM $fence WHERE TRUE
         ON CONFLICT (key) DO UPDATE SET fence = excluded.fence, expires_at = excluded.expires_at
         WHERE expires_at <= ?1 RETURNING fence`,
      key,
      leaseMs,
    ),
  ];
}

/** Extends a lease; a row if it was held. */
export function renewal({ key, fence }: HeldLease, leaseMs: number): RemoteStatement {
  return statement(
    `UPDATE $leases SET expires_at = ?1 + ?4 WHERE key = ?2 AND fence = ?3 AND expires_at > ?1
       RETURNING 1 AS done`,
    key,
    fence,
    leaseMs,
  );
}

/** Stores a value if a lease is held, and ends it; a row of the first statement if it was. */
export function commitment(lease: HeldLease, write: Write<Uint8Array>): RemoteStatement[] {
  const { key, value, expiresAt } = write;
  return [
    statement(
      `INSERT INTO $entries (key, value, expires_at) SELECT ?2, ?3, ?4 WHERE EXISTS
         (SELECT 1 FROM $leases WHERE key = ?5 AND fence = ?6 AND expires_at > ?1)
         ${replacing} RETURNING 1 AS done`,
      key,
      value,
      instantOf(expiresAt),
      lease.key,
      lease.fence,
    ),
    end(lease),
  ];
}

/** Ends a lease if it is held. */
export function end({ key, fence }: HeldLease): RemoteStatement {
  return statement("DELETE FROM $leases WHERE key = ?2 AND fence = ?3", key, fence);
}

/** Which lease is meant. */
export interface HeldLease {
  /** Its key. */
  readonly key: string;
  /** Its fence. */
  readonly fence: number;
}

function statement(sql: string, ...parameters: RemoteStatement["parameters"]): RemoteStatement {
  return { sql, parameters };
}

/** A deadline as JSON can hold it. */
function instantOf(deadline: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(deadline, Number.MAX_VALUE));
}
