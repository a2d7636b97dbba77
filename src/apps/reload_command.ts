/** `cairn reload`: brings the index of a folder into agreement with its files, and tells how far it is. */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { folder } from "../../backends/folder.ts";
import { sqliteIndex } from "../../backends/index_sql.ts";
import { systemClock } from "../contracts/clock.ts";
import type { FileStore } from "../contracts/file_store.ts";
import { type Log, reasonOf } from "../wheels/log.ts";
import { isBesidePath } from "../wheels/paths.ts";
import {
  reloadIndex,
  type ReloadParts,
  type ReloadProgress,
  type ReloadReport,
} from "../wheels/reload.ts";
import { openFolderIndex } from "./folder_index.ts";
import { INTERRUPTED, Interruption } from "./interruption.ts";
import { nodeDigests } from "./node_digests.ts";
import { parseReloadOptions, RELOAD_USAGE, type ReloadCommand } from "./reload_options.ts";
import { counted, progressText } from "./reload_progress.ts";
import { StatusLine } from "./status_line.ts";
import { complain, painted, say, terminalLog } from "./terminal.ts";

const STRICT = 1;

/** Nobody waits longer than a lease lasts, and some. */
const WAITS = 120;
const WAIT_MS = 1_000;

/** How often progress is logged where there is no terminal. */
const LOGGED_MS = 10_000;

/** Runs the command and answers the exit code. Rejects where the folder cannot be had. */
export async function runReload(args: readonly string[]): Promise<number> {
  const command = parseReloadOptions(args);
  if (command === undefined) {
    say(RELOAD_USAGE);
    return 0;
  }
  const root = resolve(command.directory);
  const database = await databaseOf(root);
  try {
    return await new Run(command, folder(root)).run(sqliteIndex(database));
  } finally {
    database.close();
  }
}

async function databaseOf(root: string): ReturnType<typeof openFolderIndex> {
  try {
    if (!(await stat(root)).isDirectory()) throw new Error("it is no folder");
    return await openFolderIndex(root);
  } catch (cause) {
    throw new Error(`Cannot reload "${root}": ${reasonOf(cause)}`, { cause });
  }
}

class Run {
  readonly #command: ReloadCommand;
  readonly #files: FileStore;
  readonly #line = new StatusLine();
  readonly #startedAt = systemClock.now();
  #loggedAt = systemClock.now();
  #counted: number | undefined;
  #isCounting = false;
  #isOver = false;

  readonly #log: Log = (level, message, facts) => {
    if (level === "info" && !this.#command.isVerbose) return;
    this.#line.above(() => terminalLog(level, message, facts));
  };

  constructor(command: ReloadCommand, files: FileStore) {
    this.#command = command;
    this.#files = files;
  }

  async run(index: ReloadParts["index"]): Promise<number> {
    const interruption = new Interruption(() => {
      this.#say("  Stops as soon as the files at hand are done; once more stops at once");
    });
    try {
      const parts = { files: this.#files, index, log: this.#log };
      const report = await this.#reload(parts, () => !interruption.isAsked);
      this.#line.clear();
      return this.#conclude(report);
    } finally {
      this.#isOver = true;
      this.#line.clear();
      interruption.end();
    }
  }

  /** Reloads, after those who are at it. */
  async #reload(
    parts: Pick<ReloadParts, "files" | "index" | "log">,
    mayGoOn: () => boolean,
  ): Promise<ReloadReport> {
    const { isThorough } = this.#command;
    for (let wait = 0;; wait++) {
      const report = await reloadIndex({ ...parts, digests: nodeDigests, clock: systemClock }, {
        ...isThorough !== undefined && { isThorough },
        mayGoOn,
        onProgress: (progress) => this.#tell(progress),
      });
      if (report.state !== "busy" || !mayGoOn()) return report;
      if (wait === WAITS) throw new Error("Cannot reload: another reload does not end");
      if (wait === 0) {
        this.#say("  Waits for another reload, or for the lease of one that was killed");
      }
      await systemClock.sleep(WAIT_MS);
    }
  }

  #say(line: string): void {
    if (!this.#command.isQuiet) this.#line.above(() => complain(line));
  }

  #tell(progress: ReloadProgress): void {
    if (this.#command.isQuiet) return;
    if (progress.remaining === undefined) this.#count();
    this.#line.show(() => `  ${progressText(progress, this.#counted)}`);
    const now = systemClock.now();
    if (this.#line.isSeen || now < this.#loggedAt + LOGGED_MS) return;
    this.#loggedAt = now;
    say(progressText(progress, this.#counted));
  }

  /** Counts the files, where no reload before has: listing is a hundred times as fast as reading. */
  #count(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    countIn(this.#files, () => !this.#isOver).then((count) => this.#counted = count, () => {});
  }

  #conclude({ state, unchanged, taken, removed, skipped }: ReloadReport): number {
    const { directory, isQuiet, isStrict } = this.#command;
    const counts = [
      `${counted(unchanged)} unchanged`,
      `${counted(taken)} taken in`,
      `${counted(removed)} let go`,
      painted(`${counted(skipped)} skipped`, skipped > 0 ? "warn" : "dim"),
    ].join("   ");
    const isDone = state === "done";
    if (!isQuiet) {
      const seconds = ((systemClock.now() - this.#startedAt) / 1_000).toFixed(1);
      const word = isDone ? "reloaded" : "stopped reloading";
      say(`\n  ${painted("cairn", "bold")} ${word} ${directory} after ${seconds} s`);
      say(`  ${counts}`);
      if (!isDone) say(`\n  ${painted("The same command goes on from here", "dim")}`);
      say();
    }
    if (!isDone) return INTERRUPTED;
    return isStrict && skipped > 0 ? STRICT : 0;
  }
}

async function countIn(files: FileStore, isWanted: () => boolean): Promise<number> {
  let count = 0;
  let cursor: string | undefined = "";
  while (cursor !== undefined && isWanted()) {
    const page: Awaited<ReturnType<FileStore["list"]>> = await files.list({ limit: 1_000, cursor });
    count += page.files.filter(({ path }) => !isBesidePath(path)).length;
    cursor = page.cursor;
  }
  return count;
}
