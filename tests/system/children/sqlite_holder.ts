/**
 * A process at work in an SQLite file: `sqlite_holder.ts FILE batches|transaction`.
 *
 * `batches` writes 50 keys at once, again and again, and prints the number of each batch that is done.
 * `transaction` changes a key in a transaction, prints "held", and commits when it is told to.
 */

import { argv, stdin } from "node:process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { sqliteBackend } from "../../../backends/sqlite.ts";
import { NEVER } from "../../../src/contracts/clock.ts";

const [file, task] = argv.slice(2);
const database = new DatabaseSync(file!);
const backend = sqliteBackend(database);

async function writeBatches(): Promise<void> {
  for (let number = 1;; number++) {
    const value = new Uint8Array(10_000).fill(number % 251);
    const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
    await backend.set(keys.map((key) => ({ key, value, expiresAt: NEVER })));
    console.log(String(number));
  }
}

async function holdTransaction(): Promise<void> {
  await backend.get(["key"]);
  database.exec("BEGIN IMMEDIATE");
  database.exec("UPDATE cairn_entries SET value = x'02' WHERE key = 'key'");
  console.log("held");
  await once(stdin, "data");
  database.exec("COMMIT");
  database.close();
  stdin.destroy();
}

await (task === "batches" ? writeBatches() : holdTransaction());
