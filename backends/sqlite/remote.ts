/** Entries in an SQLite database that is elsewhere and runs a batch of statements as one step. */

import { requireKeys, requireWrites, utf8Bytes } from "../../src/compose/limits.ts";
import type { Atomics } from "../../src/contracts/atomics.ts";
import { type Backend, type Limits, UNLIMITED, type Write } from "../../src/contracts/backend.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import {
  addition,
  conditionalRemoval,
  count,
  insertions,
  prolongation,
  type RemoteStatement,
  removals,
  replacement,
  selection,
} from "./remote_statements.ts";

/** A row: its values by column. Blobs are bytes in an `ArrayBuffer` or an array of numbers. */
export type RemoteRow = Readonly<Record<string, unknown>>;

/** A database with the tables of `remote_sqlite_statements.ts`. */
export interface RemoteDatabase {
  /** For messages and statistics. */
  readonly name: string;
  /** Runs with each batch of writes. */
  readonly sweep: readonly RemoteStatement[];
  /** Runs statements all or none, in one trip, one after the other; answers the rows of each. */
  run(statements: readonly RemoteStatement[]): Promise<readonly (readonly RemoteRow[])[]>;
}

/** A row holds 2,000,000 bytes on D1 and in a Durable Object: key, value and deadline. */
export const remoteLimits: Limits = Object.freeze({
  ...UNLIMITED,
  keyBytes: 1_024,
  valueBytes: 1_998_000,
});

/** How many bytes of keys are in one statement, and of values in one message. */
const keysBytes = 250_000;
const messageBytes = 8_000_000;

/** What a row takes besides its value, roughly. */
const rowBytes = 100;

/** Makes a backend on a database. */
export function remoteBackend(database: RemoteDatabase): Backend<Uint8Array> & Atomics<Uint8Array> {
  return new RemoteBackend(database);
}

class RemoteBackend implements Backend<Uint8Array>, Atomics<Uint8Array> {
  readonly name: string;
  readonly limits: Limits = remoteLimits;
  readonly #database: RemoteDatabase;

  constructor(database: RemoteDatabase) {
    this.name = database.name;
    this.#database = database;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    const found = new Map<string, Uint8Array>();
    for (const group of groupsOf([...new Set(keys)], keysBytes, utf8Bytes)) {
      await this.#read(group, found);
    }
    return keys.map((key) => found.get(key));
  }

  /** Reads values into `found`; those that were left out of an answer are asked for again. */
  async #read(keys: readonly string[], found: Map<string, Uint8Array>): Promise<void> {
    for (let wanted = keys; wanted.length > 0;) {
      const rows = await this.#run("get", [selection(wanted, messageBytes)]);
      const left: string[] = [];
      for (const { key, value } of rows[0]!) {
        if (value === null) left.push(key as string);
        else found.set(key as string, bytesOf(value));
      }
      wanted = left;
    }
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, (value) => value.length);
    const last = [...new Map(writes.map((write) => [write.key, write])).values()];
    const sizeOf = ({ key, value }: Write<Uint8Array>): number =>
      utf8Bytes(key) + value.length + rowBytes;
    for (const group of groupsOf(last, messageBytes, sizeOf)) {
      await this.#run("set", [...insertions(group), ...this.#database.sweep]);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    await removeRemote(this.#database, "delete", keys);
  }

  async add(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    return await this.#change("add", addition(write));
  }

  async replace(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    return await this.#change("replace", replacement(write));
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    requireKeys(this, [key]);
    const isSafe = Number.isSafeInteger(delta);
    const rows = isSafe && await this.#run("increment", [count(key, delta, expiresAt)]);
    const next = rows && rows[0]![0]?.["count"];
    if (typeof next === "number") return next;
    throw new RangeError(`Cannot increment "${key}" by ${delta}: it leaves the safe integers`);
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    requireKeys(this, [key]);
    return await this.#change("touch", prolongation(key, expiresAt));
  }

  async deleteIf(key: string, expected: Uint8Array): Promise<boolean> {
    requireKeys(this, [key]);
    return await this.#change("deleteIf", conditionalRemoval(key, expected));
  }

  /** Runs a statement that decides, and answers whether it did something. */
  async #change(operation: string, statement: RemoteStatement): Promise<boolean> {
    const [rows] = await this.#run(operation, [statement]);
    return rows!.length > 0;
  }

  async #run(
    operation: string,
    statements: readonly RemoteStatement[],
  ): Promise<readonly (readonly RemoteRow[])[]> {
    return await runRemote(this.#database, operation, statements);
  }
}

/** Runs a batch; whatever the database throws becomes a `BackendError`. */
export async function runRemote(
  database: RemoteDatabase,
  operation: string,
  statements: readonly RemoteStatement[],
): Promise<readonly (readonly RemoteRow[])[]> {
  try {
    return await database.run(statements);
  } catch (error) {
    throw new BackendError(database.name, operation, error);
  }
}

/** Removes entries and ends their leases. */
export async function removeRemote(
  database: RemoteDatabase,
  operation: string,
  keys: readonly string[],
): Promise<void> {
  for (const group of groupsOf(keys, keysBytes, utf8Bytes)) {
    await runRemote(database, operation, removals(group));
  }
}

/** The bytes of a blob. */
export function bytesOf(blob: unknown): Uint8Array {
  return blob instanceof ArrayBuffer ? new Uint8Array(blob) : Uint8Array.from(blob as number[]);
}

/** Items in groups of at most `limitBytes`, in order; a larger item is a group of its own. */
function groupsOf<T>(
  items: readonly T[],
  limitBytes: number,
  sizeOf: (item: T) => number,
): T[][] {
  const groups: T[][] = [];
  let filledBytes = Infinity;
  for (const item of items) {
    const sizeBytes = sizeOf(item);
    filledBytes += sizeBytes;
    if (filledBytes <= limitBytes) groups.at(-1)!.push(item);
    else {
      groups.push([item]);
      filledBytes = sizeBytes;
    }
  }
  return groups;
}
