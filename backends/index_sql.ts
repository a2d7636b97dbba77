/**
 * An index cache in SQL tables: an SQLite file through `node:sqlite`, or Cloudflare D1.
 *
 * The table `packages` is PyPICloud's, column for column; what cairn adds to a record is in its
 * `data`, and what it adds to the index is in tables of its own. A row that PyPICloud wrote is not
 * answered until a record of the same file replaces it, because it lacks the file's length.
 */

import { BackendError } from "../src/contracts/errors.ts";
import type {
  Health,
  IndexCache,
  PackageFile,
  ProjectFiles,
  ProjectState,
} from "../src/contracts/index_cache.ts";
import { type D1Database, d1Runner } from "./d1_runner.ts";
import {
  addStatements,
  claimStatements,
  clearAllStatements,
  clearStatements,
  type RowChunk,
  saveStatements,
  schemaVersion,
  selectFile,
  selectFiles,
  selectNames,
  selectProject,
  selectSerial,
  tableStatements,
  versionStatements,
} from "./index_sql_statements.ts";
import { type PackageRow, recordOf, rowOf } from "./package_row.ts";
import type { SqlRow, SqlRunner } from "./sql_runner.ts";
import { type SqliteDatabase, sqliteRunner } from "./sqlite_runner.ts";

export type { D1Database, D1Statement } from "./d1_runner.ts";
export type { SqlValue } from "./sql_runner.ts";
export type { SqliteDatabase, SqliteStatement } from "./sqlite_runner.ts";

/**
 * Makes an index on an SQLite database opened with `node:sqlite`. The tables are made at first use;
 * the database stays the caller's to close.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { DatabaseSync } from "node:sqlite";
 * import { sqliteIndex } from "@cairn/cache/index-sql";
 *
 * const database = new DatabaseSync(":memory:");
 * const index = sqliteIndex(database);
 * await index.claim("acme-tools", true);
 * deepEqual(await index.distinct(), ["acme-tools"]);
 * database.close();
 * ```
 */
export function sqliteIndex(database: SqliteDatabase): IndexCache {
  return new SqlIndex(sqliteRunner(database));
}

/** Makes an index on a D1 binding. The tables are made at first use. */
export function d1Index(database: D1Database): IndexCache {
  return new SqlIndex(d1Runner(database));
}

class SqlIndex implements IndexCache {
  readonly name: string;
  readonly #runner: SqlRunner;
  #opened: Promise<void> | undefined;

  constructor(runner: SqlRunner) {
    this.name = runner.name;
    this.#runner = runner;
  }

  async fetch(filename: string): Promise<PackageFile | undefined> {
    const [rows] = await this.#do("fetch", "read", [selectFile(filename)]);
    return recordsOf(rows)[0];
  }

  async all(project: string): Promise<ProjectFiles> {
    const statements = [selectFiles(project), selectProject(project)];
    const [rows, states] = await this.#do("all", "read", statements);
    return { files: recordsOf(rows), ...stateOf(states) };
  }

  async project(project: string): Promise<ProjectState> {
    const [states] = await this.#do("project", "read", [selectProject(project)]);
    return stateOf(states);
  }

  async distinct(): Promise<string[]> {
    const [rows = []] = await this.#do("distinct", "read", [selectNames()]);
    return rows.map((row) => row.name as string).sort();
  }

  async serial(): Promise<number> {
    const [rows] = await this.#do("serial", "read", [selectSerial()]);
    return Number(rows?.[0]?.serial);
  }

  async add(file: PackageFile): Promise<PackageFile> {
    const answers = await this.#do("add", "write", addStatements(rowOf(file)));
    const [there] = recordsOf(answers.at(-1));
    if (!there) throw new BackendError(this.name, "add", new Error("The record is not there"));
    return there;
  }

  async save(file: PackageFile): Promise<void> {
    await this.saveMany([file]);
  }

  async saveMany(files: readonly PackageFile[]): Promise<void> {
    const latest = new Map(files.map((file) => [file.filename, file]));
    const chunks = chunked([...latest.values()].map(rowOf));
    for (let start = 0; start < chunks.length; start += chunksPerTrip) {
      const trip = chunks.slice(start, start + chunksPerTrip);
      await this.#do("saveMany", "write", saveStatements(trip));
    }
  }

  async clear(filename: string): Promise<boolean> {
    const [found] = await this.#do("clear", "write", clearStatements(filename));
    return found !== undefined && found.length > 0;
  }

  async clearAll(): Promise<void> {
    await this.#do("clearAll", "write", clearAllStatements());
  }

  async claim(project: string, isClaimed: boolean): Promise<void> {
    await this.#do("claim", "write", claimStatements(project, isClaimed));
  }

  async checkHealth(): Promise<Health> {
    try {
      await this.serial();
      return { isHealthy: true, reason: "" };
    } catch (error) {
      return { isHealthy: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #do(
    operation: string,
    kind: "read" | "write",
    statements: Parameters<SqlRunner["read"]>[0],
  ): Promise<SqlRow[][]> {
    try {
      await this.#open();
      return await this.#runner[kind](statements);
    } catch (error) {
      throw new BackendError(this.name, operation, error);
    }
  }

  // A failed opening is not kept, so that the next operation tries again.
  #open(): Promise<void> {
    this.#opened ??= this.#prepare().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #prepare(): Promise<void> {
    await this.#runner.prepare();
    const found = (await this.#runner.write(versionStatements)).at(-1)?.[0]?.schema_version;
    if (Number(found) > schemaVersion) {
      throw new Error(`The tables have schema ${found}, and this code knows ${schemaVersion}`);
    }
    if (Number(found) < schemaVersion) await this.#runner.write(tableStatements);
  }
}

function recordsOf(rows: readonly SqlRow[] = []): PackageFile[] {
  return rows.map((row) => recordOf(row as unknown as PackageRow))
    .filter((record) => record !== undefined);
}

function stateOf(states: readonly SqlRow[] = []): ProjectState {
  const [state] = states;
  return { serial: Number(state?.serial ?? 0), isClaimed: Number(state?.is_claimed ?? 0) === 1 };
}

/** D1 takes texts of at most 2,000,000 bytes, and PyPICloud's other databases some more. */
const chunkBytes = 1_000_000;

/** How many chunks go into one transaction, which holds them all in memory. */
const chunksPerTrip = 8;

const encoder = new TextEncoder();

function chunked(rows: readonly PackageRow[]): RowChunk[] {
  const chunks: RowChunk[] = [];
  let texts: string[] = [];
  let start = 0;
  let sizeBytes = 0;
  for (const [index, row] of rows.entries()) {
    const { filename, name, version, last_modified, summary, data } = row;
    const text = JSON.stringify([filename, name, version, last_modified, summary, data]);
    const textBytes = encoder.encode(text).length + 1;
    if (texts.length > 0 && sizeBytes + textBytes > chunkBytes) {
      chunks.push(chunkOf(texts, rows.slice(start, index)));
      [texts, start, sizeBytes] = [[], index, 0];
    }
    texts.push(text);
    sizeBytes += textBytes;
  }
  if (texts.length > 0) chunks.push(chunkOf(texts, rows.slice(start)));
  return chunks;
}

function chunkOf(texts: readonly string[], rows: readonly PackageRow[]): RowChunk {
  return {
    rows: `[${texts.join()}]`,
    filenames: JSON.stringify(rows.map((row) => row.filename)),
    names: JSON.stringify([...new Set(rows.map((row) => row.name))]),
  };
}
