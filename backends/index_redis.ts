/**
 * An index cache in Redis or Valkey, in PyPICloud's keys, with cairn's own beside them.
 *
 * On one server, or with Sentinel, each change is one script on PyPICloud's keys themselves. A cluster
 * spreads these over its servers, and no step spans two of them: there the index lies in the one slot
 * of `{pypicloud}`, and PyPICloud's keys are written after each change as a copy of it.
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
import * as scripts from "./index/redis_scripts.ts";
import { copiedFiles, copyFiles, type RunCommands } from "./index/redis_copy.ts";
import { withLeftovers } from "./index/package_data.ts";
import { leftoverFields, leftoversOf, recordOfFields, rowArguments } from "./index/package_hash.ts";
import type { RedisCommand, RedisCommands, RedisReply } from "./redis/commands.ts";
import { type LinkOptions, RedisLink, type ScriptCall } from "./redis/link.ts";
import type { RedisScript } from "./redis/scripts.ts";

export type { LinkOptions } from "./redis/link.ts";

/** The version of the layout of cairn's own keys. */
const schemaVersion = 1;

/** How many rows one script takes: while it runs, Redis answers nobody else. */
const rowsPerScript = 500;

/** How many hashes are asked for in one trip. */
const hashesPerTrip = 1_000;

/**
 * Makes an index in Redis, over a connection that the user makes and closes.
 *
 * @example
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { BackendError } from "@cairn/cache";
 * import { redisIndex } from "@cairn/cache/index-redis";
 *
 * // Elsewhere: redisIndex(ioredisCommands(new Redis())), or another connection.
 * const send = () => Promise.reject(new Error("refused"));
 * const index = redisIndex({ name: "example", slots: undefined, arguments: "bytes", send });
 * await rejects(() => index.distinct(), BackendError);
 * ```
 */
export function redisIndex(commands: RedisCommands, options: LinkOptions = {}): IndexCache {
  return new RedisIndex(commands, options);
}

class RedisIndex implements IndexCache {
  readonly name = "redis";
  readonly #link: RedisLink;
  readonly #isCluster: boolean;
  readonly #root: string;
  readonly #own: string;
  #opened: Promise<void> | undefined;

  constructor(commands: RedisCommands, options: LinkOptions) {
    this.#link = new RedisLink(commands, options);
    this.#isCluster = commands.slots !== undefined;
    this.#root = this.#isCluster ? "{pypicloud}:" : "pypicloud:";
    this.#own = this.#isCluster ? "{pypicloud}:cairn:" : "cairn:";
  }

  async fetch(filename: string): Promise<PackageFile | undefined> {
    const [fields] = await this.#run("fetch", [this.#hash(filename)]);
    return recordOfFields(fieldsOf(fields));
  }

  async fetchMany(filenames: readonly string[]): Promise<(PackageFile | undefined)[]> {
    const records: (PackageFile | undefined)[] = [];
    for (let start = 0; start < filenames.length; start += hashesPerTrip) {
      const asked = filenames.slice(start, start + hashesPerTrip);
      const replies = await this.#run("fetchMany", asked.map((filename) => this.#hash(filename)));
      records.push(...replies.map((fields) => recordOfFields(fieldsOf(fields))));
    }
    return records;
  }

  async all(project: string): Promise<ProjectFiles> {
    const reply = await this.#script("all", scripts.projectRows, [project]);
    const [serial, isClaimed, rows] = reply as readonly RedisReply[];
    return { files: recordsOf(rows), serial: numberOf(serial), isClaimed: isClaimed === 1 };
  }

  async project(project: string): Promise<ProjectState> {
    const [serial, isClaimed] = await this.#run("project", [
      ["HGET", `${this.#own}serials`, project],
      ["SISMEMBER", `${this.#own}claims`, project],
    ]);
    return { serial: numberOf(serial), isClaimed: isClaimed === 1 };
  }

  async distinct(): Promise<string[]> {
    const names = await this.#script("distinct", scripts.projectNames, []);
    return textsOf(names).sort();
  }

  async summary(): Promise<ProjectSummary[]> {
    const [names] = await this.#run("summary", [["SMEMBERS", `${this.#root}set`]]);
    const sorted = textsOf(names).sort();
    const summaries: ProjectSummary[] = [];
    for (let start = 0; start < sorted.length; start += hashesPerTrip) {
      const asked = sorted.slice(start, start + hashesPerTrip);
      const hashes = asked.map((name): RedisCommand => ["HGETALL", `${this.#root}summary:${name}`]);
      const replies = await this.#run("summary", hashes);
      summaries.push(...replies.map(summaryOf).filter((summary) => summary !== undefined));
    }
    return summaries;
  }

  async search(query: SearchQuery): Promise<ProjectSummary[]> {
    const isWanted = matcherOf(query);
    const found: PackageFile[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const page: RecordPage = await this.list({ limit: hashesPerTrip, cursor });
      found.push(...page.files.filter(isWanted));
      cursor = page.cursor;
    }
    return summariesOf(found);
  }

  async list({ limit, cursor = "" }: { limit: number; cursor?: string }): Promise<RecordPage> {
    const reply = await this.#script("list", scripts.pageRows, [cursor, String(limit)]);
    const [last, rows] = reply as readonly RedisReply[];
    return { files: recordsOf(rows), cursor: textOf(last) || undefined };
  }

  async serial(): Promise<number> {
    const [serial] = await this.#run("serial", [["HGET", `${this.#own}index`, "serial"]]);
    return numberOf(serial);
  }

  async add(file: PackageFile): Promise<PackageFile> {
    const [left, fields] = await this.#run("add", [
      ["HMGET", `pypicloud:package:${file.filename}`, ...leftoverFields],
      this.#call(scripts.addRow, rowArguments(file)),
    ]);
    await this.#copy("add", [file.filename]);
    const there = recordOfFields(fieldsOf(fields));
    if (!there) throw new BackendError(this.name, "add", new Error("The record is not there"));
    const complete = withLeftovers(there, leftoversOf(textsOf(left)));
    if (complete === there || !await this.replace(there, complete)) return there;
    return complete;
  }

  async save(file: PackageFile): Promise<void> {
    await this.#script("save", scripts.saveRows, rowArguments(file));
    await this.#copy("save", [file.filename]);
  }

  async saveMany(files: readonly PackageFile[]): Promise<void> {
    const latest = [...new Map(files.map((file) => [file.filename, file])).values()];
    const calls: ScriptCall[] = [];
    for (let start = 0; start < latest.length; start += rowsPerScript) {
      const rows = latest.slice(start, start + rowsPerScript).flatMap(rowArguments);
      calls.push(this.#call(scripts.saveRows, rows));
    }
    if (calls.length > 0) await this.#run("saveMany", calls);
    await this.#copy("saveMany", latest.map((file) => file.filename));
  }

  async replace(expected: PackageFile, next: PackageFile | undefined): Promise<boolean> {
    const args = [...rowArguments(expected), ...next ? rowArguments(next) : []];
    const isReplaced = await this.#script("replace", scripts.replaceRow, args) === 1;
    if (isReplaced) await this.#copy("replace", [expected.filename]);
    return isReplaced;
  }

  async clear(filename: string): Promise<boolean> {
    const isCleared = await this.#script("clear", scripts.clearRow, [filename]) === 1;
    if (isCleared) await this.#copy("clear", [filename]);
    return isCleared;
  }

  async clearAll(): Promise<void> {
    const copied = this.#isCluster ? await copiedFiles(this.#running("clearAll")) : [];
    await this.#script("clearAll", scripts.clearRows, []);
    await this.#copy("clearAll", copied);
  }

  async claim(project: string, isClaimed: boolean): Promise<void> {
    await this.#script("claim", scripts.claimProject, [project, isClaimed ? "1" : "0"]);
  }

  async cursor(): Promise<string | undefined> {
    const [cursor] = await this.#run("cursor", [["HGET", `${this.#own}index`, "cursor"]]);
    return cursor instanceof Uint8Array ? textOf(cursor) : undefined;
  }

  async moveCursor(from: string | undefined, to: string | undefined): Promise<boolean> {
    return await this.#script("moveCursor", scripts.moveMark, [from ?? "", to ?? ""]) === 1;
  }

  async checkHealth(): Promise<Health> {
    try {
      await this.serial();
      return { isHealthy: true, reason: "" };
    } catch (error) {
      return { isHealthy: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #copy(operation: string, filenames: readonly string[]): Promise<void> {
    if (this.#isCluster) await copyFiles(this.#running(operation), filenames);
  }

  #running(operation: string): RunCommands {
    return (commands) => commands.length > 0 ? this.#run(operation, commands) : Promise.resolve([]);
  }

  #hash(filename: string): RedisCommand {
    return ["HGETALL", `${this.#root}package:${filename}`];
  }

  #call(script: RedisScript, args: readonly string[]): ScriptCall {
    return { script, keys: [`${this.#own}index`], args: [this.#root, this.#own, ...args] };
  }

  async #script(
    operation: string,
    script: RedisScript,
    args: readonly string[],
  ): Promise<RedisReply> {
    const [reply] = await this.#run(operation, [this.#call(script, args)]);
    return reply!;
  }

  async #run(
    operation: string,
    calls: readonly (RedisCommand | ScriptCall)[],
  ): Promise<RedisReply[]> {
    await this.#open(operation);
    return await this.#link.run(operation, calls);
  }

  // A failed opening is not kept, so that the next operation tries again.
  #open(operation: string): Promise<void> {
    this.#opened ??= this.#checkLayout(operation).catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #checkLayout(operation: string): Promise<void> {
    const call = this.#call(scripts.layoutVersion, [String(schemaVersion)]);
    const [found] = await this.#link.run(operation, [call]);
    if (numberOf(found) <= schemaVersion) return;
    const reason = `The keys have schema ${numberOf(found)}, and this code knows ${schemaVersion}`;
    throw new BackendError(this.name, operation, new Error(reason));
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(reply: RedisReply | undefined): string {
  return reply instanceof Uint8Array ? decoder.decode(reply) : String(reply ?? "");
}

function numberOf(reply: RedisReply | undefined): number {
  return Number(textOf(reply));
}

function textsOf(reply: RedisReply | undefined): string[] {
  return (reply as readonly RedisReply[]).map(textOf);
}

/** The fields of a hash as Redis lists them: names and values in turn. */
function fieldsOf(reply: RedisReply | undefined): Map<string, string> {
  const texts = textsOf(reply);
  const fields = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) fields.set(texts[at]!, texts[at + 1]!);
  return fields;
}

function recordsOf(reply: RedisReply | undefined): PackageFile[] {
  return (reply as readonly RedisReply[]).map((row) => recordOfFields(fieldsOf(row)))
    .filter((record) => record !== undefined);
}

// A summary of PyPICloud's has no version; it is made anew when a file of the project is.
function summaryOf(reply: RedisReply): ProjectSummary | undefined {
  const fields = fieldsOf(reply);
  const [project, version] = [fields.get("name"), fields.get("version")];
  if (project === undefined || version === undefined) return undefined;
  const summary = fields.get("summary");
  const uploadedAt = Math.round(Number(fields.get("last_modified")) * 1_000);
  return Object.freeze({ project, version, ...summary && { summary }, uploadedAt });
}
