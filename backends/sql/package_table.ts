/** An index cache in the tables of any SQL database. */

import { BackendError } from "../../src/contracts/errors.ts";
import type {
  Health,
  IndexCache,
  PackageFile,
  ProjectFiles,
  ProjectState,
  ProjectSummary,
  RecordPage,
  SearchQuery,
} from "../../src/contracts/index_cache.ts";
import {
  matcherOf,
  summariesOf,
  type SummaryFacts,
} from "../../src/contracts/project_summaries.ts";
import { withLeftovers } from "../index/package_data.ts";
import { IndexStatements, schemaVersion } from "./package_statements.ts";
import { factsOf, type PackageRow, recordOf, rowOf } from "./package_row.ts";
import { chunked } from "./row_chunks.ts";
import type { SqlDialect } from "./dialect.ts";
import type { SqlRow, SqlRunner, SqlStatement } from "./runner.ts";

/**
 * How many chunks go into one transaction, which holds them all in memory. Its statements unite them,
 * and D1 unites at most five.
 */
const chunksPerTrip = 5;

/** Makes an index on a database that `runner` runs statements on, in the language of `dialect`. */
export function sqlIndex(runner: SqlRunner, dialect: SqlDialect): IndexCache {
  return new SqlIndex(runner, new IndexStatements(dialect));
}

class SqlIndex implements IndexCache {
  readonly name: string;
  readonly #runner: SqlRunner;
  readonly #statements: IndexStatements;
  #opened: Promise<void> | undefined;

  constructor(runner: SqlRunner, statements: IndexStatements) {
    this.name = runner.name;
    this.#runner = runner;
    this.#statements = statements;
  }

  async fetch(filename: string): Promise<PackageFile | undefined> {
    const [rows] = await this.#do("fetch", "read", [this.#statements.file(filename)]);
    return recordsOf(rows)[0];
  }

  async fetchMany(filenames: readonly string[]): Promise<(PackageFile | undefined)[]> {
    if (filenames.length === 0) return [];
    const statement = this.#statements.fileMany(JSON.stringify(filenames));
    const [rows] = await this.#do("fetchMany", "read", [statement]);
    const found = new Map(recordsOf(rows).map((record) => [record.filename, record]));
    return filenames.map((filename) => found.get(filename));
  }

  async all(project: string): Promise<ProjectFiles> {
    const statements = [this.#statements.files(project), this.#statements.project(project)];
    const [rows, states] = await this.#do("all", "read", statements);
    return { files: recordsOf(rows), ...stateOf(states) };
  }

  async project(project: string): Promise<ProjectState> {
    const [states] = await this.#do("project", "read", [this.#statements.project(project)]);
    return stateOf(states);
  }

  async distinct(): Promise<string[]> {
    const [rows = []] = await this.#do("distinct", "read", [this.#statements.names()]);
    return rows.map((row) => row.name as string).sort();
  }

  async summary(): Promise<ProjectSummary[]> {
    return summariesOf(await this.#facts("summary"));
  }

  async search(query: SearchQuery): Promise<ProjectSummary[]> {
    const isWanted = matcherOf(query);
    return summariesOf((await this.#facts("search")).filter(isWanted));
  }

  async list({ limit, cursor = "" }: { limit: number; cursor?: string }): Promise<RecordPage> {
    const [rows = []] = await this.#do("list", "read", [this.#statements.page(cursor, limit)]);
    const next = rows.length < limit ? undefined : rows.at(-1)!.filename as string;
    return { files: recordsOf(rows), cursor: next };
  }

  async serial(): Promise<number> {
    const [rows] = await this.#do("serial", "read", [this.#statements.serial()]);
    return Number(rows?.[0]?.serial);
  }

  async add(file: PackageFile): Promise<PackageFile> {
    const answers = await this.#do("add", "write", this.#statements.add(rowOf(file)));
    const [there] = recordsOf(answers.at(-1));
    if (!there) throw new BackendError(this.name, "add", new Error("The record is not there"));
    const [left] = this.#first(answers);
    const complete = withLeftovers(there, left && JSON.parse(left.data as string));
    if (complete === there || !await this.replace(there, complete)) return there;
    return complete;
  }

  async save(file: PackageFile): Promise<void> {
    await this.saveMany([file]);
  }

  async saveMany(files: readonly PackageFile[]): Promise<void> {
    const latest = new Map(files.map((file) => [file.filename, file]));
    const chunks = chunked([...latest.values()].map(rowOf));
    for (let start = 0; start < chunks.length; start += chunksPerTrip) {
      const trip = chunks.slice(start, start + chunksPerTrip);
      await this.#do("saveMany", "write", this.#statements.save(trip));
    }
  }

  async clear(filename: string): Promise<boolean> {
    const answers = await this.#do("clear", "write", this.#statements.clear(filename));
    return this.#first(answers).length > 0;
  }

  async replace(expected: PackageFile, next: PackageFile | undefined): Promise<boolean> {
    const statements = this.#statements.replace(rowOf(expected), next && rowOf(next));
    return this.#first(await this.#do("replace", "write", statements)).length > 0;
  }

  async clearAll(): Promise<void> {
    await this.#do("clearAll", "write", this.#statements.clearAll());
  }

  async claim(project: string, isClaimed: boolean): Promise<void> {
    await this.#do("claim", "write", this.#statements.claim(project, isClaimed));
  }

  async cursor(): Promise<string | undefined> {
    const [rows] = await this.#do("cursor", "read", [this.#statements.cursor()]);
    return rows?.[0]?.value as string | undefined;
  }

  async moveCursor(from: string | undefined, to: string | undefined): Promise<boolean> {
    const statements = this.#statements.moveCursor(from, to);
    const [held] = this.#first(await this.#do("moveCursor", "write", statements));
    return held?.value === (from ?? "");
  }

  async checkHealth(): Promise<Health> {
    try {
      await this.serial();
      return { isHealthy: true, reason: "" };
    } catch (error) {
      return { isHealthy: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #facts(operation: string): Promise<SummaryFacts[]> {
    const [rows = []] = await this.#do(operation, "read", [this.#statements.facts()]);
    return rows.map((row) => factsOf(row as unknown as PackageRow));
  }

  #first(answers: readonly SqlRow[][]): readonly SqlRow[] {
    return answers[this.#statements.lockStatements] ?? [];
  }

  async #do(
    operation: string,
    kind: "read" | "write",
    statements: readonly SqlStatement[],
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
    const found = (await this.#runner.write(this.#statements.version())).at(-1)?.[0]
      ?.schema_version;
    if (Number(found) > schemaVersion) {
      throw new Error(`The tables have schema ${found}, and this code knows ${schemaVersion}`);
    }
    if (Number(found) < schemaVersion) await this.#runner.write(this.#statements.tables());
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
