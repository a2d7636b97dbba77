/** `cairn push`: sends wheels and source distributions to an index, and tells how far it is. */

import process from "node:process";
import { systemClock } from "../contracts/clock.ts";
import { systemRandom } from "../contracts/random.ts";
import { reasonOf } from "../wheels/log.ts";
import { INTERRUPTED, Interruption } from "./interruption.ts";
import { filesToPush, type PushFile } from "./push_files.ts";
import { CurdlingListings } from "./push_listings.ts";
import { type HeldFiles, IndexPages } from "./push_pages.ts";
import { parsePushOptions, PUSH_USAGE, type PushCommand } from "./push_options.ts";
import { Poster } from "./push_post.ts";
import { PushProgress, sizeText } from "./push_progress.ts";
import { type Outcome, Push, type PushWatch } from "./push_run.ts";
import { type PushTarget, targetOf } from "./push_target.ts";
import { curdlingWay, twineWay } from "./push_way.ts";
import { counted } from "./reload_progress.ts";
import { StatusLine } from "./status_line.ts";
import { complain, painted, say, visible } from "./terminal.ts";

const NOT_ALL = 1;
const NOT_POSSIBLE = 2;

/** How often progress is told where there is no terminal. */
const TOLD_MS = 10_000;

/** Runs the command and answers the exit code. Rejects where it cannot begin. */
export async function runPush(args: readonly string[]): Promise<number> {
  const command = parsePushOptions(args);
  if (command === undefined) {
    say(PUSH_USAGE);
    return 0;
  }
  const target = await targetOf(command.to, command);
  const files = await filesToPush(command.paths);
  const poster = new Poster({
    url: target.uploadUrl,
    authorization: target.authorization,
    connections: command.jobs,
    clock: systemClock,
    // As the platform has it for fetch, by which the index is asked what it has.
    proxies: process.env["NODE_USE_ENV_PROXY"] === "1" ? process.env : undefined,
  });
  try {
    return await new Run(command, files).run(target, poster);
  } finally {
    poster.close();
  }
}

class Run implements PushWatch {
  readonly #command: PushCommand;
  readonly #files: readonly PushFile[];
  readonly #progress: PushProgress;
  readonly #line = new StatusLine();
  readonly #stopping = new AbortController();
  readonly #startedAt = systemClock.now();
  readonly #counts: Record<Outcome, number> = { pushed: 0, there: 0, other: 0, failed: 0 };
  #toldAt = systemClock.now();

  constructor(command: PushCommand, files: readonly PushFile[]) {
    this.#command = command;
    this.#files = files;
    this.#progress = new PushProgress(files, systemClock);
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  async run(target: PushTarget, poster: Poster): Promise<number> {
    const interruption = new Interruption(() => this.#stopping.abort());
    try {
      await this.#pushTo(target, poster);
    } catch (error) {
      this.#line.clear();
      this.#conclude(target);
      complain(`cairn: Cannot push to ${shown(target)}: ${visible(reasonOf(error))}`);
      return NOT_POSSIBLE;
    } finally {
      this.#line.clear();
      interruption.end();
    }
    this.#conclude(target);
    if (this.signal.aborted && this.#left > 0) return INTERRUPTED;
    return this.#counts.other + this.#counts.failed > 0 ? NOT_ALL : 0;
  }

  async #pushTo(target: PushTarget, poster: Poster): Promise<void> {
    const push = new Push({
      poster: this.#command.isDryRun ? undefined : poster,
      pages: heldFiles(target, this.#files),
      way: target.isCurdling ? curdlingWay(target.uploadUrl) : twineWay,
      isAsked: this.#command.isAsked,
      user: target.user,
      clock: systemClock,
      random: systemRandom,
      watch: this,
    });
    await push.run(this.#files, this.#command.jobs);
  }

  onRead(lengthBytes: number): void {
    this.#progress.read(lengthBytes);
    this.#tell();
  }

  onSent(file: PushFile, lengthBytes: number): void {
    this.#progress.sent(file, lengthBytes);
    this.#tell();
  }

  onAgain(file: PushFile, reason: string, waitMs: number): void {
    this.#progress.again(file);
    const wait = `${(waitMs / 1_000).toFixed(1)} s`;
    this.#say(`  ${painted("again ", "warn")}  ${file.filename} in ${wait}: ${visible(reason)}`);
  }

  onUnasked(reason: string): void {
    const what = painted("every file is sent", "warn");
    this.#say(`  ${what}: the index cannot be asked what it has: ${visible(reason)}`);
  }

  onDone(file: PushFile, outcome: Outcome, reason = ""): void {
    this.#counts[outcome]++;
    this.#progress.done(file);
    const isBad = outcome === "other" || outcome === "failed";
    const what = isBad ? visible(reason) : painted(sizeText(file.sizeBytes), "dim");
    const line = `  ${this.#word(outcome)}  ${file.filename}${isBad ? ":" : "  "} ${what}`;
    if (isBad) this.#line.above(() => complain(line));
    else if (outcome === "pushed" || this.#command.telling === "all") this.#say(line);
    this.#tell();
  }

  #word(outcome: Outcome): string {
    if (outcome === "pushed") return painted(this.#command.isDryRun ? "to push" : "pushed", "info");
    const word = outcome.padEnd(6);
    if (outcome === "there") return painted(word, "dim");
    return this.#line.isSeen ? painted(word, outcome === "other" ? "warn" : "error") : word;
  }

  #say(line: string): void {
    if (this.#command.telling !== "problems") this.#line.above(() => say(line));
  }

  #tell(): void {
    if (this.#command.telling === "problems") return;
    this.#line.show(() => `  ${this.#progress.text()}`);
    const now = systemClock.now();
    if (this.#line.isSeen || now < this.#toldAt + TOLD_MS) return;
    this.#toldAt = now;
    say(`  ${this.#progress.text()}`);
  }

  get #left(): number {
    const { pushed, there, other, failed } = this.#counts;
    return this.#files.length - pushed - there - other - failed;
  }

  #conclude(target: PushTarget): void {
    if (this.#command.telling === "problems") return;
    const { isDryRun } = this.#command;
    const { pushed, there, other, failed } = this.#counts;
    const seconds = ((systemClock.now() - this.#startedAt) / 1_000).toFixed(1);
    const done = isDryRun ? "would push" : this.#left === 0 ? "pushed" : "stopped pushing";
    const parts = [
      `${counted(pushed)} ${isDryRun ? "to push" : "pushed"}`,
      `${counted(there)} there already`,
      painted(`${counted(other)} other bytes there`, other > 0 ? "warn" : "dim"),
      painted(`${counted(failed)} failed`, failed > 0 ? "error" : "dim"),
      ...this.#left > 0 ? [painted(`${counted(this.#left)} left`, "warn")] : [],
    ];
    say(`\n  ${painted("cairn", "bold")} ${done} to ${shown(target)} after ${seconds} s`);
    say(`  ${parts.join("   ")}`);
    if (this.signal.aborted && this.#left > 0) {
      say(`\n  ${painted("The same command goes on from here", "dim")}`);
    }
    say();
  }
}

function heldFiles({ indexUrl, isIndexSimple }: PushTarget, files: readonly PushFile[]): HeldFiles {
  const options = {
    url: indexUrl,
    fetch: (url: string, init: RequestInit) => fetch(url, init),
    clock: systemClock,
  };
  if (!isIndexSimple) return new CurdlingListings(options);
  return new IndexPages({ ...options, filenames: new Set(files.map(({ filename }) => filename)) });
}

/** An upload address may bear a token in its query. */
function shown({ uploadUrl }: PushTarget): string {
  const { origin, pathname } = new URL(uploadUrl);
  return origin + pathname;
}
