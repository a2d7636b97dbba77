/** Opening an SQLite file by an address. */

import { DatabaseSync } from "node:sqlite";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { sqliteBackend, sqliteLocks, type SqliteOptions } from "../sqlite.ts";

/**
 * Opens `sqlite:PATH`, or `sqlite::memory:`; a `TypeError` if there is no path. The file keeps a
 * write-ahead log. The argument `tablePrefix` is that of {@linkcode SqliteOptions}.
 */
export function openSqlite(args: OpenerArguments): OpenedStore {
  const { address = "", tablePrefix } = args;
  const path = address.slice(address.indexOf(":") + 1);
  if (path === "" || path === address) {
    throw new TypeError("Cannot open SQLite: its address names no file");
  }
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  const options: SqliteOptions = typeof tablePrefix === "string" ? { tablePrefix } : {};
  return {
    backend: serialized(json, sqliteBackend(database, options)),
    locks: serializedLocks(json, sqliteLocks(database, options)),
    close: async () => database.close(),
  };
}
