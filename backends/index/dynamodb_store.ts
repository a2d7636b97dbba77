/** Reading and changing the index's items in DynamoDB. */

import { summariesOf, type SummaryFacts } from "../../src/contracts/project_summaries.ts";
import type { PackageFile } from "../../src/contracts/index_cache.ts";
import { groupsOf, sideBySide } from "../../src/compose/side_by_side.ts";
import { type DynamoApi, DynamoError } from "../dynamodb/api.ts";
import type { TableNames } from "./dynamodb_tables.ts";
import {
  type DynamoItem,
  type DynamoValue,
  factsOfItem,
  itemOf,
  numberOf,
  secondsOf,
  textOf,
} from "./package_item.ts";

/**
 * In cairn's table a project's items are its rows by filename, each a copy of PyPICloud's item, and
 * its state under this name, which no file has. The copy is there because PyPICloud's index of files
 * by name may be late, and the items of one key never are.
 */
export const stateName = "#state";

/** The project whose state is that of the whole index. */
export const indexName = "#index";

/** The project whose items are the names of claimed projects. */
export const claimsName = "#claims";

/** What becomes of some files. */
export interface Change {
  /** Stored, whether there were such files or not. */
  readonly saved: readonly PackageFile[];
  /** Removed; each of them is there. */
  readonly removed: readonly string[];
}

/** Decides what to do with files, given the items that some of them have. */
export type Decide = (
  filenames: readonly string[],
  held: ReadonlyMap<string, DynamoItem>,
) => Change | undefined;

/** DynamoDB takes so many items in a transaction, and keys in a batch. */
const itemsPerTransaction = 100;
const keysPerBatch = 100;

/** How many files a transaction begins with; it is halved where it is too large. */
const filesPerChange = 45;

/** The items of so many files are read at once, ahead of what becomes of them. */
const filesAhead = 20 * filesPerChange;

/** How often a change is tried while others change the same projects. */
const attempts = 64;

/** The items of one index. */
export class DynamoStore {
  readonly #api: DynamoApi;
  readonly #names: TableNames;

  /** On tables that are there before anything else is called. */
  constructor(api: DynamoApi, names: TableNames) {
    this.#api = api;
    this.#names = names;
  }

  /** The items of files by name. */
  async files(filenames: readonly string[]): Promise<Map<string, DynamoItem>> {
    const keys = [...new Set(filenames)].map((filename) => ({ filename: { S: filename } }));
    const items = await this.#batch(this.#names.files, keys);
    return new Map(items.map((item) => [textOf(item.filename), item]));
  }

  /** Those of some projects that ever had files here. */
  async known(names: readonly string[]): Promise<string[]> {
    const states = await this.#batch(this.#names.projects, names.map(stateKey));
    return states.filter(({ serial }) => numberOf(serial) > 0).map(({ name }) => textOf(name));
  }

  /** A project's rows and state. */
  async project(name: string): Promise<{ rows: DynamoItem[]; state: DynamoItem }> {
    for (let attempt = 1;; attempt++) {
      const { items, pages } = await this.#all("Query", {
        TableName: this.#names.projects,
        KeyConditionExpression: "#name = :name",
        ExpressionAttributeNames: { "#name": "name" },
        ExpressionAttributeValues: { ":name": { S: name } },
      });
      const state = items.find((item) => textOf(item.filename) === stateName) ?? {};
      const rows = items.filter((item) => textOf(item.filename) !== stateName);
      if (pages === 1 || attempt === attempts) return { rows, state };
      // Between two pages the project may have changed.
      const { serial } = await this.state(name);
      if (numberOf(serial) === numberOf(state.serial)) return { rows, state };
    }
  }

  /** The state of a project. */
  async state(name: string): Promise<DynamoItem> {
    const { Item = {} } = await this.#api.call<{ Item?: DynamoItem }>("GetItem", {
      TableName: this.#names.projects,
      Key: stateKey(name),
      ConsistentRead: true,
    });
    return Item;
  }

  /** Every item of PyPICloud's table of summaries. */
  async summaries(): Promise<readonly DynamoItem[]> {
    return (await this.#all("Scan", { TableName: this.#names.summaries })).items;
  }

  /** At most `limit` items of PyPICloud's table of files after a filename, and where to go on. */
  async page(after: string, limit: number): Promise<Page> {
    return await this.#api.call<Page>("Scan", {
      TableName: this.#names.files,
      Limit: limit,
      ConsistentRead: true,
      ...after && { ExclusiveStartKey: { filename: { S: after } } },
    });
  }

  /** Every item of PyPICloud's table of files. */
  async everyFile(): Promise<readonly DynamoItem[]> {
    return (await this.#all("Scan", { TableName: this.#names.files })).items;
  }

  /**
   * Changes files, their projects' states and summaries, and the serial, some files in a transaction.
   *
   * One follows the other, since each raises the serial of the index. What they begin with is read but
   * once: a transaction leaves the projects as it has made them, and where somebody else was faster it
   * is refused, and thought out anew by what is there then.
   */
  async change(filenames: readonly string[], decide: Decide): Promise<void> {
    const views: Views = new Map();
    for (const ahead of groupsOf(filenames, filesAhead)) {
      const held = await this.files(ahead);
      for (const some of groupsOf(ahead, filesPerChange)) {
        await this.#changeSome(some, { decide, held, views });
      }
    }
  }

  async #changeSome(filenames: readonly string[], changing: Changing): Promise<void> {
    const { decide, views } = changing;
    let { held } = changing;
    for (let attempt = 1;; attempt++) {
      const change = decide(filenames, held);
      if (change === undefined) return;
      const changed = await this.#changed(change, { held, views });
      if (changed === undefined) {
        const middle = filenames.length >> 1;
        await this.#changeSome(filenames.slice(0, middle), { ...changing, held });
        return await this.#changeSome(filenames.slice(middle), { ...changing, held });
      }
      views.clear();
      if (await this.transact(changed.items, attempt)) {
        for (const [name, view] of changed.views) views.set(name, view);
        return;
      }
      held = await this.files(filenames);
    }
  }

  /** Runs a transaction; answers `false` after a pause where another one was in its way. */
  async transact(items: readonly unknown[], attempt: number): Promise<boolean> {
    try {
      await this.#api.call("TransactWriteItems", { TransactItems: items });
      return true;
    } catch (error) {
      if (!isInTheWay(error) || attempt >= attempts) throw error;
    }
    await this.#api.pause(attempt);
    return false;
  }

  /** The part of a transaction that updates a state. */
  updateState(name: string, update: Readonly<Record<string, unknown>>): unknown {
    return { Update: { TableName: this.#names.projects, Key: stateKey(name), ...update } };
  }

  /** The part of a transaction that raises the serial of the index. */
  raiseSerial(): unknown {
    return this.updateState(indexName, {
      UpdateExpression: "ADD serial :one",
      ExpressionAttributeValues: { ":one": { N: "1" } },
    });
  }

  /** The part of a transaction that claims a project or gives it up. */
  putClaim(project: string, isClaimed: boolean): unknown {
    const key = { name: { S: claimsName }, filename: { S: project } };
    const TableName = this.#names.projects;
    return isClaimed ? { Put: { TableName, Item: key } } : { Delete: { TableName, Key: key } };
  }

  async #batch(table: string, keys: readonly DynamoItem[]): Promise<DynamoItem[]> {
    const items: DynamoItem[] = [];
    await sideBySide(groupsOf(keys, keysPerBatch), async (group) => {
      await this.#api.untilDone(group, async (Keys) => {
        const { Responses, UnprocessedKeys } = await this.#api.call<Batch>("BatchGetItem", {
          RequestItems: { [table]: { Keys, ConsistentRead: true } },
        });
        items.push(...Responses[table] ?? []);
        return UnprocessedKeys[table]?.Keys ?? [];
      });
    });
    return items;
  }

  /** The transaction of a change and what it makes of its projects; `undefined` if it is too large. */
  async #changed(
    { saved, removed }: Change,
    { held, views }: Pick<Changing, "held" | "views">,
  ): Promise<{ items: unknown[]; views: Views } | undefined> {
    const items = [
      ...saved.flatMap((file) => this.#saving(file, held.get(file.filename))),
      ...removed.flatMap((filename) => this.#removing(held.get(filename)!)),
    ];
    const gone = new Set([...saved.map(({ filename }) => filename), ...removed]);
    const projects = new Set(saved.map(({ project }) => project));
    for (const filename of gone) {
      if (held.has(filename)) projects.add(textOf(held.get(filename)!.name));
    }
    const isLarge = items.length + 2 * projects.size + 1 > itemsPerTransaction;
    if (isLarge && gone.size > 1) return undefined;
    const left: Views = new Map();
    for (const name of projects) {
      const { serial, files } = views.get(name) ?? await this.#view(name);
      const staying = files.filter(({ filename }) => !gone.has(filename));
      const coming = saved.filter(({ project }) => project === name);
      const view = { serial: serial + 1, files: [...staying, ...coming] };
      items.push(this.#raiseProject(name, serial), this.#summarising(name, view.files));
      left.set(name, view);
    }
    return { items: [...items, this.raiseSerial()], views: left };
  }

  async #view(name: string): Promise<View> {
    const { rows, state } = await this.project(name);
    return { serial: numberOf(state.serial), files: rows.map(factsOfItem) };
  }

  #saving(file: PackageFile, old: DynamoItem | undefined): unknown[] {
    const item = itemOf(file);
    const copy = { Put: { TableName: this.#names.projects, Item: item } };
    const put = { TableName: this.#names.files, Item: item, ...stillThere(old) };
    if (old === undefined || textOf(old.name) === file.project) return [{ Put: put }, copy];
    return [{ Put: put }, copy, this.#removingRow(old)];
  }

  #removing(old: DynamoItem): unknown[] {
    const Key = { filename: old.filename };
    const remove = { TableName: this.#names.files, Key, ...stillThere(old) };
    return [{ Delete: remove }, this.#removingRow(old)];
  }

  #removingRow({ name, filename }: DynamoItem): unknown {
    return { Delete: { TableName: this.#names.projects, Key: { name, filename } } };
  }

  #raiseProject(name: string, serial: number): unknown {
    return this.updateState(name, {
      UpdateExpression: "SET serial = :next",
      ConditionExpression: serial === 0 ? "attribute_not_exists(serial)" : "serial = :serial",
      ExpressionAttributeValues: {
        ":next": { N: String(serial + 1) },
        ...serial > 0 && { ":serial": { N: String(serial) } },
      },
    });
  }

  #summarising(name: string, files: readonly SummaryFacts[]): unknown {
    const TableName = this.#names.summaries;
    const [summary] = summariesOf(files);
    if (summary === undefined) return { Delete: { TableName, Key: { name: { S: name } } } };
    const Item = {
      name: { S: name },
      version: { S: summary.version },
      last_modified: secondsOf(summary.uploadedAt),
      ...summary.summary && { summary: { S: summary.summary } },
    };
    return { Put: { TableName, Item } };
  }

  async #all(call: "Query" | "Scan", input: Readonly<Record<string, unknown>>): Promise<Collected> {
    const items: DynamoItem[] = [];
    let start: unknown;
    let pages = 0;
    do {
      const page: Page = await this.#api.call(call, {
        ...input,
        ConsistentRead: true,
        ...start === undefined ? {} : { ExclusiveStartKey: start },
      });
      items.push(...page.Items);
      start = page.LastEvaluatedKey;
      pages++;
    } while (start !== undefined);
    return { items, pages };
  }
}

/** A project as it was read, or as a transaction has left it. */
interface View {
  readonly serial: number;
  readonly files: readonly SummaryFacts[];
}

type Views = Map<string, View>;

interface Changing {
  readonly decide: Decide;
  /** The items of the files, and of others, as they were read. */
  readonly held: ReadonlyMap<string, DynamoItem>;
  /** The projects of the transaction before. */
  readonly views: Views;
}

interface Collected {
  readonly items: readonly DynamoItem[];
  readonly pages: number;
}

interface Page {
  readonly Items: readonly DynamoItem[];
  readonly LastEvaluatedKey?: DynamoItem;
}

interface Batch {
  readonly Responses: Readonly<Record<string, readonly DynamoItem[]>>;
  readonly UnprocessedKeys: Readonly<Record<string, { Keys: DynamoItem[] }>>;
}

function stateKey(name: string): Readonly<Record<string, DynamoValue>> {
  return { name: { S: name }, filename: { S: stateName } };
}

const attributes = ["name", "version", "last_modified", "summary", "data"];

/** That a file has no item still, or still the same one. */
function stillThere(old: DynamoItem | undefined): Readonly<Record<string, unknown>> {
  if (old === undefined) return { ConditionExpression: "attribute_not_exists(filename)" };
  const held = attributes.filter((name) => old[name] !== undefined);
  const conditions = attributes.map((name) =>
    held.includes(name) ? `#${name} = :${name}` : `attribute_not_exists(#${name})`
  );
  return {
    ConditionExpression: conditions.join(" and "),
    ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(held.map((name) => [`:${name}`, old[name]])),
  };
}

function isInTheWay(error: unknown): boolean {
  if (!(error instanceof DynamoError)) return false;
  if (/^Transaction(Conflict|InProgress)Exception$/.test(error.code)) return true;
  return error.code === "TransactionCanceledException" &&
    /ConditionalCheckFailed|TransactionConflict|Throttling|ThroughputExceeded/.test(error.message);
}
