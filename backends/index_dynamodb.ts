/**
 * An index cache in DynamoDB, in PyPICloud's tables, with one of cairn's own beside them.
 *
 * Each change is a transaction over all three tables: rows, the project's summary and serial, and the
 * serial of the index. It expects the project's serial to be what it was when the change was thought
 * out, and is thought out anew otherwise. All reads are consistent.
 *
 * PyPICloud's tables are taken over, and PyPICloud can read them on. A row that PyPICloud removes after
 * that stays listed with its project until cairn saves or removes a file of that name.
 */

import { BackendError } from "../src/contracts/errors.ts";
import type {
  Health,
  IndexCache,
  PackageFile,
  ProjectFiles,
  ProjectState,
  ProjectSummary,
  RecordPage,
  SearchQuery,
} from "../src/contracts/index_cache.ts";
import { matcherOf, summariesOf } from "../src/contracts/project_summaries.ts";
import { DynamoApi, DynamoError, type DynamoSigner } from "./dynamodb/api.ts";
import {
  claimsName,
  type Decide,
  DynamoStore,
  indexName,
  stateName,
} from "./index/dynamodb_store.ts";
import {
  type DynamoIndexOptions,
  openTables,
  type TableNames,
  tableNamesOf,
} from "./index/dynamodb_tables.ts";
import { withLeftovers } from "./index/package_data.ts";
import {
  dataOfItem,
  type DynamoItem,
  factsOfItem,
  instantOf,
  numberOf,
  recordOfItem,
  textOf,
} from "./index/package_item.ts";

export type { DynamoApiOptions, DynamoSigner } from "./dynamodb/api.ts";
export type { DynamoIndexOptions } from "./index/dynamodb_tables.ts";

/** The version of the layout of cairn's own table. */
const schemaVersion = 1;

/**
 * Makes an index in DynamoDB. Missing tables are made at first use; none is ever removed.
 *
 * @example
 * ```ts
 * import { rejects, throws } from "node:assert/strict";
 * import { BackendError } from "@cairn/cache";
 * import { dynamodbIndex } from "@cairn/cache/index-dynamodb";
 *
 * // Elsewhere: new AwsClient({ accessKeyId, secretAccessKey, region, service: "dynamodb" }).
 * const signer = { fetch: () => Promise.reject(new Error("refused")) };
 * throws(() => dynamodbIndex(signer, {}), RangeError);
 * const index = dynamodbIndex(signer, { region: "eu-central-1" });
 * await rejects(() => index.distinct(), BackendError);
 * ```
 */
export function dynamodbIndex(signer: DynamoSigner, options: DynamoIndexOptions): IndexCache {
  return new DynamoIndex(signer, options);
}

class DynamoIndex implements IndexCache {
  readonly name = "dynamodb";
  readonly #api: DynamoApi;
  readonly #names: TableNames;
  readonly #options: DynamoIndexOptions;
  readonly #store: DynamoStore;
  #opened: Promise<void> | undefined;

  constructor(signer: DynamoSigner, options: DynamoIndexOptions) {
    this.#options = Object.freeze({ ...options });
    this.#api = new DynamoApi(signer, options);
    this.#names = tableNamesOf(options);
    this.#store = new DynamoStore(this.#api, this.#names);
  }

  async fetch(filename: string): Promise<PackageFile | undefined> {
    return (await this.#fetched("fetch", [filename]))[0];
  }

  fetchMany(filenames: readonly string[]): Promise<(PackageFile | undefined)[]> {
    return this.#fetched("fetchMany", filenames);
  }

  async all(project: string): Promise<ProjectFiles> {
    const { rows, state } = await this.#do("all", () => this.#store.project(project));
    return { files: recordsOf(rows), ...stateOf(state) };
  }

  async project(project: string): Promise<ProjectState> {
    return stateOf(await this.#do("project", () => this.#store.state(project)));
  }

  async distinct(): Promise<string[]> {
    return await this.#do("distinct", async () => {
      const held = await this.#summaries();
      const { rows } = await this.#store.project(claimsName);
      const claimed = rows.map(({ filename }) => textOf(filename));
      return [...new Set([...held.map(({ project }) => project), ...claimed])].sort();
    });
  }

  async summary(): Promise<ProjectSummary[]> {
    const summaries = await this.#do("summary", () => this.#summaries());
    return summaries.sort((left, right) => left.project < right.project ? -1 : 1);
  }

  async search(query: SearchQuery): Promise<ProjectSummary[]> {
    const isWanted = matcherOf(query);
    const items = await this.#do("search", () => this.#store.everyFile());
    return summariesOf(recordsOf(items).filter(isWanted));
  }

  async list({ limit, cursor = "" }: { limit: number; cursor?: string }): Promise<RecordPage> {
    const page = await this.#do("list", () => this.#store.page(cursor, limit));
    const last = page.LastEvaluatedKey?.filename;
    return { files: recordsOf(page.Items), cursor: last && textOf(last) };
  }

  async serial(): Promise<number> {
    const state = await this.#do("serial", () => this.#store.state(indexName));
    return numberOf(state.serial);
  }

  async add(file: PackageFile): Promise<PackageFile> {
    const [added] = withoutEmptySummaries([file]) as [PackageFile];
    let there = added;
    await this.#change("add", [file.filename], (_, held) => {
      const item = held.get(file.filename);
      const first = item && recordOfItem(item);
      there = first ?? withLeftovers(added, item && dataOfItem(item));
      return first ? undefined : { saved: [there], removed: [] };
    });
    return there;
  }

  async save(file: PackageFile): Promise<void> {
    await this.#save("save", [file]);
  }

  async saveMany(files: readonly PackageFile[]): Promise<void> {
    await this.#save("saveMany", files);
  }

  async replace(expected: PackageFile, next: PackageFile | undefined): Promise<boolean> {
    let isReplaced = false;
    const wanted = factsText(withoutEmptySummaries([expected])[0]);
    await this.#change("replace", [expected.filename], (filenames, held) => {
      const item = held.get(expected.filename);
      isReplaced = item !== undefined && factsText(recordOfItem(item)) === wanted;
      if (!isReplaced) return undefined;
      return next === undefined
        ? { saved: [], removed: filenames }
        : { saved: withoutEmptySummaries([next]), removed: [] };
    });
    return isReplaced;
  }

  async clear(filename: string): Promise<boolean> {
    let isThere = false;
    await this.#change("clear", [filename], (filenames, held) => {
      isThere = held.has(filename);
      return isThere ? { saved: [], removed: filenames } : undefined;
    });
    return isThere;
  }

  async clearAll(): Promise<void> {
    const items = await this.#do("clearAll", () => this.#store.everyFile());
    const filenames = items.map(({ filename }) => textOf(filename));
    await this.#change("clearAll", filenames, (asked, held) => {
      const removed = asked.filter((filename) => held.has(filename));
      return removed.length > 0 ? { saved: [], removed } : undefined;
    });
  }

  async claim(project: string, isClaimed: boolean): Promise<void> {
    await this.#do("claim", async () => {
      for (let attempt = 1;; attempt++) {
        const state = stateOf(await this.#store.state(project));
        if (state.isClaimed === isClaimed) return;
        const changed = this.#store.updateState(project, {
          UpdateExpression: "SET is_claimed = :wanted",
          ConditionExpression: "attribute_not_exists(is_claimed) or is_claimed <> :wanted",
          ExpressionAttributeValues: { ":wanted": { BOOL: isClaimed } },
        });
        const claim = this.#store.putClaim(project, isClaimed);
        if (await this.#store.transact([changed, claim, this.#store.raiseSerial()], attempt)) {
          return;
        }
      }
    });
  }

  async cursor(): Promise<string | undefined> {
    const state = await this.#do("cursor", () => this.#store.state(indexName));
    return textOf(state.reload) || undefined;
  }

  async moveCursor(from: string | undefined, to: string | undefined): Promise<boolean> {
    return await this.#do("moveCursor", async () => {
      try {
        await this.#api.call("UpdateItem", {
          TableName: this.#names.projects,
          Key: { name: { S: indexName }, filename: { S: stateName } },
          UpdateExpression: to === undefined ? "REMOVE reload" : "SET reload = :to",
          ConditionExpression: from === undefined
            ? "attribute_not_exists(reload)"
            : "reload = :from",
          ...valuesOf({ ":from": from, ":to": to }),
        });
        return true;
      } catch (error) {
        if (isCode(error, "ConditionalCheckFailedException")) return false;
        throw error;
      }
    });
  }

  async checkHealth(): Promise<Health> {
    try {
      await this.serial();
      return { isHealthy: true, reason: "" };
    } catch (error) {
      return { isHealthy: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  // A summary that PyPICloud wrote has no version. It may be of a project that cairn knows, too.
  async #summaries(): Promise<ProjectSummary[]> {
    const items = await this.#store.summaries();
    const theirs = items.filter((item) => item.version === undefined).map(({ name }) => name);
    const rows: DynamoItem[] = [];
    for (const name of await this.#store.known(theirs.map(textOf))) {
      rows.push(...(await this.#store.project(name)).rows);
    }
    return [...items.map(summaryOf).filter(isThere), ...summariesOf(recordsOf(rows))];
  }

  async #fetched(
    operation: string,
    filenames: readonly string[],
  ): Promise<(PackageFile | undefined)[]> {
    if (filenames.length === 0) return [];
    const items = await this.#do(operation, () => this.#store.files(filenames));
    return filenames.map((filename) => {
      const item = items.get(filename);
      return item && recordOfItem(item);
    });
  }

  async #save(operation: string, files: readonly PackageFile[]): Promise<void> {
    const latest = new Map(files.map((file) => [file.filename, file]));
    const byProject = [...latest.values()].sort((a, b) => a.project < b.project ? -1 : 1);
    await this.#change(operation, byProject.map((file) => file.filename), (asked) => ({
      saved: asked.map((filename) => latest.get(filename)!),
      removed: [],
    }));
  }

  async #change(operation: string, filenames: readonly string[], decide: Decide): Promise<void> {
    await this.#do(operation, () => this.#store.change(filenames, decide));
  }

  async #do<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      await this.#open();
      return await work();
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
    await openTables(this.#api, this.#names, this.#options);
    const { Attributes } = await this.#api.call<{ Attributes: DynamoItem }>("UpdateItem", {
      TableName: this.#names.projects,
      Key: { name: { S: indexName }, filename: { S: stateName } },
      UpdateExpression: "SET schema_version = if_not_exists(schema_version, :ours)",
      ExpressionAttributeValues: { ":ours": { N: String(schemaVersion) } },
      ReturnValues: "ALL_NEW",
    });
    const found = numberOf(Attributes.schema_version);
    if (found <= schemaVersion) return;
    throw new Error(`The tables have schema ${found}, and this code knows ${schemaVersion}`);
  }
}

function recordsOf(items: readonly DynamoItem[]): PackageFile[] {
  return items.map(recordOfItem).filter(isThere);
}

function stateOf({ serial, is_claimed }: DynamoItem): ProjectState {
  const isClaimed = is_claimed !== undefined && "BOOL" in is_claimed && is_claimed.BOOL;
  return { serial: numberOf(serial), isClaimed };
}

function summaryOf(item: DynamoItem): ProjectSummary | undefined {
  if (item.version === undefined) return undefined;
  const { project, version, summary } = factsOfItem(item);
  const uploadedAt = instantOf(item.last_modified);
  return Object.freeze({ project, version, ...summary && { summary }, uploadedAt });
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function withoutEmptySummaries(files: readonly PackageFile[]): PackageFile[] {
  return files.map(({ summary, ...facts }) =>
    Object.freeze(summary ? { ...facts, summary } : facts)
  );
}

function factsText(file: PackageFile | undefined): string {
  return JSON.stringify(Object.entries(file ?? {}).sort(([a], [b]) => a < b ? -1 : 1));
}

/** The values of an expression that has any; DynamoDB refuses an empty map. */
function valuesOf(texts: Readonly<Record<string, string | undefined>>): object {
  const given = Object.entries(texts).filter(([, text]) => text !== undefined);
  if (given.length === 0) return {};
  const values = given.map(([name, text]) => [name, { S: text }]);
  return { ExpressionAttributeValues: Object.fromEntries(values) };
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof DynamoError && error.code === code;
}
