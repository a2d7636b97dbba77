/** Dogpile locks in the SQLite database that holds the entries: each step is one transaction. */

import { requireKeys } from "../../src/compose/limits.ts";
import { type Attempt, polled } from "../../src/compose/polled.ts";
import { UNLIMITED, type Write } from "../../src/contracts/backend.ts";
import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import { type Random, systemRandom } from "../../src/contracts/random.ts";
import { type SqliteHandle, type SqliteOptions, SqliteStore } from "./store.ts";

/** As for the entries, and how to wait. */
export interface SqliteLocksOptions extends SqliteOptions {
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Locks for all processes that share a database file. Give the same `tablePrefix` as to
 * `sqliteBackend`.
 *
 * Who waits asks again after 10 ms, and after pauses that grow to a quarter of a second.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { DatabaseSync } from "node:sqlite";
 * import { NEVER } from "@cairn/cache";
 * import { sqliteBackend, sqliteLocks } from "@cairn/cache/sqlite";
 *
 * const database = new DatabaseSync(":memory:");
 * const locks = sqliteLocks(database);
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * const { lease } = await locks.acquire("key", options);
 * equal((await locks.acquire("key", options)).lease, undefined);
 * await lease!.commit({ key: "key", value: Uint8Array.of(1), expiresAt: NEVER });
 * deepEqual(await sqliteBackend(database).get(["key"]), [Uint8Array.of(1)]);
 * database.close();
 * ```
 */
export function sqliteLocks(
  database: SqliteHandle,
  options: SqliteLocksOptions = {},
): Locks<Uint8Array> {
  return new SqliteLocks(database, options);
}

class SqliteLocks implements Locks<Uint8Array> {
  readonly name = "sqlite";
  readonly #store: SqliteStore;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(database: SqliteHandle, options: SqliteLocksOptions) {
    this.#store = new SqliteStore(database, options);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    requireKeys({ name: this.name, limits: UNLIMITED }, [key]);
    const { waitMs, signal } = options;
    const [clock, random] = [this.#clock, this.#random];
    return await polled(() => this.#attempt(key, options), { waitMs, signal, clock, random });
  }

  async revoke(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    this.#store.write("revoke", () => {
      for (const key of keys) this.#store.remove(key);
    });
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const { fence, value } = this.#store.write("acquire", () => {
      const now = this.#clock.now();
      return { fence: this.#take(key, now, now + leaseMs), value: this.#store.value(key, now) };
    });
    const lease = fence === undefined ? undefined : this.#leaseOf(key, fence);
    return { result: { lease, value }, isDone: lease !== undefined || enough(value) };
  }

  /** Takes the lease of a key if it is free, within a transaction; answers its fence. */
  #take(key: string, now: number, expiresAt: number): number | undefined {
    const sql = "SELECT 1 FROM $leases WHERE key = ? AND expires_at > ?";
    if (this.#store.row(sql, key, now)) return undefined;
    const row = this.#store.row("UPDATE $fence SET last = last + 1 RETURNING last");
    const fence = row![0] as number;
    this.#store.row(
      `INSERT INTO $leases (key, fence, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET fence = excluded.fence, expires_at = excluded.expires_at`,
      key,
      fence,
      expiresAt,
    );
    this.#store.sweep(now);
    return fence;
  }

  #leaseOf(key: string, fence: number): Lease<Uint8Array> {
    return Object.freeze({
      key,
      fence,
      renew: async (leaseMs: number): Promise<boolean> =>
        this.#store.write("renew", () => this.#renew(key, fence, leaseMs)),
      commit: async (write: Write<Uint8Array>): Promise<boolean> =>
        this.#store.write("commit", () => {
          const isHeld = this.#end(key, fence);
          if (isHeld) this.#store.put(write);
          return isHeld;
        }),
      release: async (): Promise<void> => {
        this.#store.write("release", () => this.#end(key, fence));
      },
    });
  }

  #renew(key: string, fence: number, leaseMs: number): boolean {
    const now = this.#clock.now();
    const sql = `UPDATE $leases SET expires_at = ? WHERE key = ? AND fence = ? AND expires_at > ?
      RETURNING 1`;
    return this.#store.row(sql, now + leaseMs, key, fence, now) !== undefined;
  }

  /** Ends a lease, within a transaction; answers whether it was still held. */
  #end(key: string, fence: number): boolean {
    const sql = "DELETE FROM $leases WHERE key = ? AND fence = ? AND expires_at > ? RETURNING 1";
    return this.#store.row(sql, key, fence, this.#clock.now()) !== undefined;
  }
}
