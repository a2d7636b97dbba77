/** Entries in an SQLite database of `node:sqlite`, on Deno and Node. */

import { requireKeys, requireWrites } from "../src/compose/limits.ts";
import type { Atomics } from "../src/contracts/atomics.ts";
import { type Backend, type Limits, UNLIMITED, type Write } from "../src/contracts/backend.ts";
import { type Clock, systemClock } from "../src/contracts/clock.ts";
import { type SqliteHandle, type SqliteOptions, SqliteStore } from "./sqlite/store.ts";

export { sqliteListing } from "./sqlite/listing.ts";
export { sqliteLocks, type SqliteLocksOptions } from "./sqlite/locks.ts";
export type { SqliteHandle, SqliteOptions, SqliteQuery, SqliteValue } from "./sqlite/store.ts";

/**
 * A store of bytes in an SQLite database that the user opens and closes.
 *
 * Its tables are made on first use. Processes may share the file: they wait for each other's writes
 * for `busyTimeoutMs` at most. For speed, the user sets `PRAGMA journal_mode = WAL`. Queries are
 * synchronous, as `node:sqlite` is, so a batch holds up the process while it runs.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { DatabaseSync } from "node:sqlite";
 * import { NEVER } from "@cairn/cache";
 * import { sqliteBackend } from "@cairn/cache/sqlite";
 *
 * const database = new DatabaseSync(":memory:");
 * const backend = sqliteBackend(database);
 * await backend.set([{ key: "key", value: Uint8Array.of(1, 2), expiresAt: NEVER }]);
 * deepEqual(await backend.get(["key", "nowhere"]), [Uint8Array.of(1, 2), undefined]);
 * database.close();
 * ```
 */
export function sqliteBackend(
  database: SqliteHandle,
  options: SqliteOptions = {},
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return new SqliteBackend(database, options);
}

/** A row holds at most 10^9 bytes (SQLite's SQLITE_MAX_LENGTH). */
const limits: Limits = Object.freeze({
  ...UNLIMITED,
  keyBytes: 1_000_000,
  valueBytes: 998_000_000,
});

class SqliteBackend implements Backend<Uint8Array>, Atomics<Uint8Array> {
  readonly name = "sqlite";
  readonly limits: Limits = limits;
  readonly #store: SqliteStore;
  readonly #clock: Clock;

  constructor(database: SqliteHandle, options: SqliteOptions) {
    this.#store = new SqliteStore(database, options);
    this.#clock = options.clock ?? systemClock;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    if (keys.length === 0) return [];
    const now = this.#clock.now();
    return this.#store.read("get", () => keys.map((key) => this.#store.value(key, now)));
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, (value) => value.length);
    if (writes.length === 0) return;
    this.#store.write("set", () => {
      for (const write of writes) this.#store.put(write);
      this.#store.sweep(this.#clock.now());
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    if (keys.length === 0) return;
    this.#store.write("delete", () => {
      for (const key of keys) this.#store.remove(key);
    });
  }

  async add(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    const { key, value, expiresAt } = write;
    return this.#change("add", () => [
      `INSERT INTO $entries (key, value, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
         WHERE expires_at <= ? RETURNING 1`,
      key,
      value,
      expiresAt,
      this.#clock.now(),
    ]);
  }

  async replace(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    const { key, value, expiresAt } = write;
    return this.#change("replace", () => [
      `UPDATE $entries SET value = ?, expires_at = ? WHERE key = ? AND expires_at > ?
         RETURNING 1`,
      value,
      expiresAt,
      key,
      this.#clock.now(),
    ]);
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    requireKeys(this, [key]);
    const count = this.#store.write("increment", () => {
      const now = this.#clock.now();
      const [count = 0, heldUntil = expiresAt] = this.#store.row(
        "SELECT count, expires_at FROM $counters WHERE key = ? AND expires_at > ?",
        key,
        now,
      ) as [number, number] | undefined ?? [];
      const next = count + delta;
      if (!Number.isSafeInteger(next)) return undefined;
      this.#store.row(
        `INSERT INTO $counters (key, count, expires_at) VALUES (?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET count = excluded.count, expires_at = excluded.expires_at`,
        key,
        next,
        heldUntil,
      );
      this.#store.sweep(now);
      return next;
    });
    if (count !== undefined) return count;
    throw new RangeError(`Cannot increment "${key}" by ${delta}: it leaves the safe integers`);
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    requireKeys(this, [key]);
    return this.#change("touch", () => [
      "UPDATE $entries SET expires_at = ? WHERE key = ? AND expires_at > ? RETURNING 1",
      expiresAt,
      key,
      this.#clock.now(),
    ]);
  }

  async deleteIf(key: string, expected: Uint8Array): Promise<boolean> {
    requireKeys(this, [key]);
    return this.#change("deleteIf", () => [
      "DELETE FROM $entries WHERE key = ? AND value = ? AND expires_at > ? RETURNING 1",
      key,
      expected,
      this.#clock.now(),
    ]);
  }

  /** Runs one statement that decides, and answers whether it did something. */
  #change(
    operation: string,
    statement: () => readonly [string, ...(string | number | Uint8Array)[]],
  ): boolean {
    return this.#store.write(operation, () => this.#store.row(...statement()) !== undefined);
  }
}
