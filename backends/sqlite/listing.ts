/** The keys of the entries in an SQLite database. */

import { systemClock } from "../../src/contracts/clock.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import { listedKeys, pageKeys, type PageStart } from "./listed_keys.ts";
import { type SqliteHandle, type SqliteOptions, SqliteStore } from "./store.ts";

/**
 * A listing of the keys that `sqliteBackend` holds. Give the same `tablePrefix`.
 *
 * Keys come in the order of their UTF-8, and only those whose values live. No query is open while
 * their reader works, so the database may be written to and closed meanwhile.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { DatabaseSync } from "node:sqlite";
 * import { NEVER } from "@cairn/cache";
 * import { sqliteBackend, sqliteListing } from "@cairn/cache/sqlite";
 *
 * const database = new DatabaseSync(":memory:");
 * const value = Uint8Array.of(1);
 * const writes = ["user:1", "user:2", "page:1"].map((key) => ({ key, value, expiresAt: NEVER }));
 * await sqliteBackend(database).set(writes);
 * const users = await Array.fromAsync(sqliteListing(database).keys("user:"));
 * deepEqual(users, ["user:1", "user:2"]);
 * database.close();
 * ```
 */
export function sqliteListing(database: SqliteHandle, options: SqliteOptions = {}): Listing {
  const store = new SqliteStore(database, options);
  const { clock = systemClock } = options;
  const readPage = async ({ after, key }: PageStart): Promise<string[]> =>
    store.read("list", () => {
      const row = store.row(
        `SELECT json_group_array(key) FROM (SELECT key FROM $entries
           WHERE key ${after} ? AND expires_at > ? ORDER BY key LIMIT ${pageKeys})`,
        key,
        clock.now(),
      );
      return JSON.parse(row![0] as string);
    });
  return Object.freeze({
    name: "sqlite",
    keys: (prefix: string): AsyncIterable<string> => listedKeys(prefix, readPage),
  });
}
