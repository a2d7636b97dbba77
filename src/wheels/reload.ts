/**
 * Bringing the index into agreement with the files in the store: files put there by hand are taken
 * in, changed ones again, records whose files were removed by hand go.
 *
 * First all files are gone through, then all records. Readers never see an index emptier than both
 * its states: what is there stays until its file is found gone. Nothing is read of a file whose
 * record agrees with it in path, length and time; a thorough reload trusts no record and reads them
 * all, and what is read is compared by its digest. Where files were read, which takes long, they are
 * listed again before the records are judged, for some may have been removed meanwhile; and where a
 * part of them was seen by another run.
 *
 * The work is done in batches, and after each of them a mark in the index says how far it is. Whoever
 * comes after a stop, which may be within a batch, or after a crash goes on there. The mark is also
 * the lease by which of many nodes one works: it names its holder and an instant, and is only ever
 * moved from what it was. A holder that was too slow finds it moved and stops; its last file was not
 * done in vain, nor did harm, because no change of a record depends on the lease.
 *
 * A run may die of a file, as a Worker does of one whose reading takes too long. Whoever finds a mark
 * that was not given back therefore goes on file by file, and if it dies as well without having got
 * ahead, the next one skips the file that is then first to be read.
 */

import type { Clock } from "../contracts/clock.ts";
import { comparePaths } from "../contracts/file_rules.ts";
import type { StoredFile } from "../contracts/file_store.ts";
import { randomId } from "../contracts/random.ts";
import { isBesidePath } from "./paths.ts";
import { nothingScanned, Scan, type ScanParts, type ScanReport } from "./scan.ts";

/** What a reload works on. */
export interface ReloadParts extends ScanParts {
  /** Measures the lease and the speed. */
  readonly clock: Clock;
}

/** How to reload. */
export interface ReloadOptions {
  /** Whether every file is read again, also where its record agrees. Default: no. */
  readonly isThorough?: boolean;
  /**
   * Asked after every file or record that a store was asked about, or after every `atOnce` files, and
   * after every batch. The reload stops there when it answers no, and the next one goes on. Default:
   * yes.
   */
  readonly mayGoOn?: () => boolean;
  /** How many files and records make a batch, 1 to 1,000. Default: 1,000. */
  readonly batch?: number;
  /** How many files are read at once, 1 to 1,000. Default: 8. */
  readonly atOnce?: number;
  /** How long a node that says nothing keeps others from going on, in milliseconds. Default: 60,000. */
  readonly leaseMs?: number;
  /** How long after the end of the last reload none begins, in milliseconds. Default: 0. */
  readonly restMs?: number;
  /** Told whenever {@linkcode ReloadOptions.mayGoOn} is asked how far it is. */
  readonly onProgress?: (progress: ReloadProgress) => void;
}

/** How far a reload is. */
export interface ReloadProgress extends ScanReport {
  /** How many files it has gone through, counting those before a stop. */
  readonly files: number;
  /** How many it has gone through in a second, since it was last taken up. */
  readonly filesPerSecond: number;
  /** About how many files are left, judged by the last reload; `undefined` when this is the first. */
  readonly remaining: number | undefined;
}

/** How a reload ended. */
export interface ReloadReport extends ScanReport {
  /**
   * `"done"`; `"stopped"` where it may not go on, so that the next reload does; `"busy"` when another
   * node is at it, or has taken it over; `"recent"` when the last one ended less than `restMs` ago.
   */
  readonly state: "done" | "stopped" | "busy" | "recent";
}

/** What is kept in the index between two batches. */
interface Mark {
  readonly holder: string;
  readonly until: number;
  readonly phase: "files" | "records" | "done";
  /** Where the batch begins. */
  readonly cursor?: string | undefined;
  /** What was gone through last, where that was within a batch. */
  readonly last?: string | undefined;
  readonly isThorough: boolean;
  readonly files: number;
  /** Set when there are so many files that they could not be listed at one go. */
  readonly isVast?: true;
  /** How many runs in a row have died without having moved it. */
  readonly deaths?: number;
  readonly endedAt?: number;
  readonly expected?: number;
  readonly report: ScanReport;
}

const LARGEST_BATCH = 1_000;

/** After so many deaths at one place a file is skipped. */
const MOST_DEATHS = 2;

/** How far a run goes file by file, and how many files it lists then at once. */
const CAREFUL_FILES = 1_000;
const CAREFUL_BATCH = 32;

/**
 * Reloads the index, or goes on with the reload that was stopped.
 *
 * A `RangeError` for options that make no sense. It rejects when a store fails, and can be called again.
 */
export async function reloadIndex(
  parts: ReloadParts,
  options: ReloadOptions = {},
): Promise<ReloadReport> {
  const { batch = LARGEST_BATCH, atOnce = 8, leaseMs = 60_000, restMs = 0 } = options;
  for (const [name, count] of Object.entries({ batch, atOnce })) {
    if (Number.isInteger(count) && count >= 1 && count <= LARGEST_BATCH) continue;
    throw new RangeError(`Cannot reload: "${name}" is ${count}, not 1 to ${LARGEST_BATCH}`);
  }
  if (!(leaseMs > 0 && leaseMs < Infinity)) {
    throw new RangeError(`Cannot reload: "leaseMs" is ${leaseMs}`);
  }
  if (!(restMs >= 0)) throw new RangeError(`Cannot reload: "restMs" is ${restMs}`);
  const { mayGoOn = () => true, onProgress = () => {} } = options;
  const settings = { ...options, batch, atOnce, leaseMs, restMs, mayGoOn, onProgress };
  return await new Reload(parts, settings).run();
}

type Settings = Pick<ReloadOptions, "isThorough"> & Required<Omit<ReloadOptions, "isThorough">>;

/** What has been gone through of a batch. */
interface Stretch {
  /** How many packages, of files. */
  readonly files: number;
  /** Whether it is the rest of the batch. */
  readonly isWhole: boolean;
  /** What was gone through last, if what follows it may be before the next cursor, or beyond it. */
  readonly last: string | undefined;
  /** Where the next batch begins, if there is one. */
  readonly cursor: string | undefined;
  /** What follows the last batch. */
  readonly following: Mark["phase"];
}

class Reload {
  readonly #parts: ReloadParts;
  readonly #settings: Settings;
  readonly #holder = randomId();
  readonly #startedAt: number;
  #mark!: Mark;
  #text: string | undefined;
  #scan!: Scan;
  #visited = 0;
  #isStopping = false;
  /** Whether others have seen a part of the files. */
  #isPartial = false;
  /** How many more files are gone through one by one. */
  #careful = 0;

  constructor(parts: ReloadParts, settings: Settings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#startedAt = parts.clock.now();
  }

  async run(): Promise<ReloadReport> {
    const hindrance = await this.#take();
    if (hindrance !== undefined) return ended(hindrance, nothingScanned);
    this.#scan = new Scan(this.#parts, this.#mark.isThorough, this.#mark.report);
    const { deaths = 0, phase } = this.#mark;
    if (deaths > 0) this.#careful = CAREFUL_FILES;
    if (deaths >= MOST_DEATHS && phase === "files") this.#scan.skipNext();
    try {
      while (!this.#isDone() && !this.#isStopping) {
        await (this.#mark.phase === "files" ? this.#visitFiles() : this.#judgeRecords());
      }
      return ended(this.#isDone() ? "done" : "stopped", this.#scan.report());
    } catch (error) {
      if (error === lost) return ended("busy", this.#scan.report());
      await this.#giveBack();
      throw error;
    }
  }

  /** Gives the mark back after a failure, if the index is not what failed. */
  async #giveBack(): Promise<void> {
    const mark = JSON.stringify({ ...this.#mark, until: 0 });
    await this.#parts.index.moveCursor(this.#text, mark).catch(() => false);
  }

  /** Takes up the mark, or answers why not. */
  async #take(): Promise<"busy" | "recent" | undefined> {
    const { index, clock } = this.#parts;
    const text = await index.cursor();
    const found = text === undefined ? undefined : JSON.parse(text) as Mark;
    const now = clock.now();
    if (found !== undefined && found.until > now) return "busy";
    // Another node's clock may be ahead of this one's, by more than the rest even.
    if (found?.endedAt !== undefined && Math.abs(now - found.endedAt) < this.#settings.restMs) {
      return "recent";
    }
    const begun = this.#begun(found);
    this.#isPartial = begun === found;
    const deaths = begun === found && found.until > 0 ? (found.deaths ?? 0) + 1 : 0;
    this.#mark = { ...begun, deaths, holder: this.#holder, until: this.#untilNow() };
    const next = JSON.stringify(this.#mark);
    if (!await index.moveCursor(text, next)) return "busy";
    this.#text = next;
    return undefined;
  }

  #begun(found: Mark | undefined): Omit<Mark, "holder" | "until"> {
    const isThorough = this.#settings.isThorough ?? found?.isThorough ?? false;
    const isUnderWay = found !== undefined && found.phase !== "done";
    if (isUnderWay && found.isThorough === isThorough) return found;
    return {
      phase: "files",
      isThorough: this.#settings.isThorough ?? false,
      files: 0,
      ...found?.phase === "done" && { expected: found.files },
      report: nothingScanned,
    };
  }

  async #visitFiles(): Promise<void> {
    const { files, cursor } = await this.#parts.files.list(this.#page());
    const { last } = this.#mark;
    const rest = last === undefined
      ? files
      : files.filter(({ path }) => comparePaths(path, last) > 0);
    const isCareful = this.#careful > 0;
    const count = await this.#scan.visit(
      rest,
      async (gone) => await this.#goesOn(packagesIn(rest.slice(0, gone))) && !isCareful,
      isCareful ? { atOnce: 1 } : this.#settings,
    );
    this.#careful -= count;
    await this.#moveOn({
      files: packagesIn(rest.slice(0, count)),
      isWhole: count === rest.length,
      // Files that came since then may have moved the last one into a batch after this one.
      last: rest.length === 0 ? last : count < rest.length ? rest[count - 1]!.path : undefined,
      cursor,
      following: "records",
    });
  }

  async #judgeRecords(): Promise<void> {
    if ((this.#isPartial || this.#scan.hasRead) && !this.#mark.isVast) await this.#lookAgain();
    const { files, cursor } = await this.#parts.index.list(this.#page());
    const rest = after(files, ({ filename }) => filename === this.#mark.last);
    const count = await this.#scan.judge(rest, () => this.#goesOn(0));
    const isWhole = count === rest.length;
    const last = isWhole ? undefined : rest[count - 1]!.filename;
    await this.#moveOn({ files: 0, isWhole, last, cursor, following: "done" });
  }

  /**
   * Lists the files once more; one that is not seen is asked for when its record is judged. A thousand
   * files cost one request so, and a thousand otherwise.
   */
  async #lookAgain(): Promise<void> {
    this.#scan.forget();
    this.#isPartial = false;
    let cursor: string | undefined;
    do {
      const limit = LARGEST_BATCH;
      const page = await this.#parts.files.list(
        cursor === undefined ? { limit } : { limit, cursor },
      );
      this.#scan.see(page.files);
      cursor = page.cursor;
    } while (await this.#goesOn(0) && cursor !== undefined);
    if (cursor !== undefined) this.#mark = { ...this.#mark, isVast: true };
  }

  #page(): { limit: number; cursor?: string } {
    const { cursor } = this.#mark;
    const { batch } = this.#settings;
    const limit = this.#careful > 0 ? Math.min(batch, CAREFUL_BATCH) : batch;
    return { limit, ...cursor !== undefined && { cursor } };
  }

  /** Keeps the lease while a batch takes long, and asks whether it is to be ended. */
  async #goesOn(files: number): Promise<boolean> {
    if (this.#parts.clock.now() >= this.#mark.until - this.#settings.leaseMs / 2) {
      await this.#move({ ...this.#mark, until: this.#untilNow() });
    }
    this.#ask(files);
    return !this.#isStopping;
  }

  #ask(files: number): void {
    this.#tell(files);
    this.#isStopping ||= !this.#settings.mayGoOn();
  }

  async #moveOn({ files, isWhole, last, cursor, following }: Stretch): Promise<void> {
    const mark = this.#mark;
    const place = isWhole && cursor === undefined
      ? { phase: following, cursor: undefined, last: undefined }
      : { cursor: isWhole ? cursor : mark.cursor, last };
    this.#visited += files;
    const report = this.#scan.report();
    this.#mark = { ...mark, ...place, files: mark.files + files, report, deaths: 0 };
    this.#ask(0);
    const now = this.#parts.clock.now();
    const isOver = this.#isDone() || this.#isStopping;
    await this.#move({
      ...this.#mark,
      until: isOver ? 0 : this.#untilNow(),
      ...this.#isDone() && { endedAt: now },
    });
  }

  async #move(mark: Mark): Promise<void> {
    this.#mark = mark;
    const next = JSON.stringify(mark);
    if (next === this.#text) return;
    if (!await this.#parts.index.moveCursor(this.#text, next)) throw lost;
    this.#text = next;
  }

  #isDone(): boolean {
    return this.#mark.phase === "done";
  }

  #untilNow(): number {
    return this.#parts.clock.now() + this.#settings.leaseMs;
  }

  /** Tells how far it is, so many files into a batch. */
  #tell(inBatch: number): void {
    const { phase, expected } = this.#mark;
    const files = this.#mark.files + inBatch;
    const seconds = (this.#parts.clock.now() - this.#startedAt) / 1_000;
    this.#settings.onProgress(Object.freeze({
      ...this.#scan.report(),
      files,
      filesPerSecond: seconds > 0 ? (this.#visited + inBatch) / seconds : 0,
      remaining: phase === "files" ? expected && Math.max(0, expected - files) : 0,
    }));
  }
}

function ended(state: ReloadReport["state"], report: ScanReport): ReloadReport {
  return Object.freeze({ ...report, state });
}

/** What follows the one that is meant; all, if it is not among them. */
function after<T>(items: readonly T[], isMeant: (item: T) => boolean): readonly T[] {
  return items.slice(items.findIndex(isMeant) + 1);
}

function packagesIn(files: readonly StoredFile[]): number {
  return files.filter(({ path }) => !isBesidePath(path)).length;
}

/** Thrown and caught within this file when another node has taken the mark over. */
const lost: Error = new Error("The reload was taken over");
