/**
 * Bringing the index into agreement with the files in the store: files put there by hand are taken
 * in, changed ones again, records whose files were removed by hand go.
 *
 * First all files are gone through, then all records. Readers never see an index emptier than both
 * its states: what is there stays until its file is found gone. Nothing is read of a file whose
 * record agrees with it in path, length and time; a thorough reload trusts no record and reads them
 * all, and what is read is compared by its digest.
 *
 * The work is done in batches, and between two of them a mark in the index says how far it is. Whoever
 * comes after a stop or a crash goes on there. The mark is also the lease by which of many nodes one
 * works: it names its holder and an instant, and is only ever moved from what it was. A holder that
 * was too slow finds it moved and stops; its last file was not done in vain, nor did harm, because no
 * change of a record depends on the lease.
 */

import type { Clock } from "../contracts/clock.ts";
import { randomId } from "../contracts/random.ts";
import { isMetadataPath } from "./paths.ts";
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
  /** Stop after the batch in which so many files and records were gone through. Default: never. */
  readonly most?: number;
  /** How many files and records make a batch, 1 to 1,000. Default: 1,000. */
  readonly batch?: number;
  /** How long a node that says nothing keeps others from going on, in milliseconds. Default: 60,000. */
  readonly leaseMs?: number;
  /** Told after every batch how far it is. */
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
   * `"done"`; `"stopped"` after `most`, so that the next reload goes on; `"busy"` when another node is
   * at it, or has taken it over.
   */
  readonly state: "done" | "stopped" | "busy";
}

/** What is kept in the index between two batches. */
interface Mark {
  readonly holder: string;
  readonly until: number;
  readonly phase: "files" | "records" | "done";
  readonly cursor?: string;
  readonly isThorough: boolean;
  readonly files: number;
  readonly expected?: number;
  readonly report: ScanReport;
}

const LARGEST_BATCH = 1_000;

/**
 * Reloads the index, or goes on with the reload that was stopped.
 *
 * A `RangeError` for options that make no sense. It rejects when a store fails, and can be called again.
 */
export async function reloadIndex(
  parts: ReloadParts,
  options: ReloadOptions = {},
): Promise<ReloadReport> {
  const { batch = LARGEST_BATCH, most = Infinity, leaseMs = 60_000 } = options;
  if (!(Number.isInteger(batch) && batch >= 1 && batch <= LARGEST_BATCH)) {
    throw new RangeError(`Cannot reload: "batch" is ${batch}, not 1 to ${LARGEST_BATCH}`);
  }
  if (!(most >= 1)) throw new RangeError(`Cannot reload: "most" is ${most}`);
  if (!(leaseMs > 0 && leaseMs < Infinity)) {
    throw new RangeError(`Cannot reload: "leaseMs" is ${leaseMs}`);
  }
  return await new Reload(parts, { ...options, batch, most, leaseMs }).run();
}

type Settings = ReloadOptions & Required<Pick<ReloadOptions, "batch" | "most" | "leaseMs">>;

class Reload {
  readonly #parts: ReloadParts;
  readonly #settings: Settings;
  readonly #holder = randomId();
  readonly #startedAt: number;
  #mark!: Mark;
  #text: string | undefined;
  #scan!: Scan;
  #visited = 0;
  #done = 0;

  constructor(parts: ReloadParts, settings: Settings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#startedAt = parts.clock.now();
  }

  async run(): Promise<ReloadReport> {
    if (!await this.#take()) return this.#ended("busy", nothingScanned);
    this.#scan = new Scan(this.#parts, this.#mark.isThorough, this.#mark.report);
    try {
      while (!this.#isDone()) {
        await (this.#mark.phase === "files" ? this.#visitFiles() : this.#judgeRecords());
        this.#tell();
        if (!this.#isDone() && this.#done >= this.#settings.most) {
          await this.#move({ until: 0 });
          return this.#ended("stopped", this.#scan.report());
        }
      }
      return this.#ended("done", this.#scan.report());
    } catch (error) {
      if (error === lost) return this.#ended("busy", this.#scan.report());
      throw error;
    }
  }

  /** Takes up the mark, unless another node holds it. */
  async #take(): Promise<boolean> {
    const { index, clock } = this.#parts;
    const text = await index.cursor();
    const found = text === undefined ? undefined : JSON.parse(text) as Mark;
    if (found !== undefined && found.until > clock.now()) return false;
    const isThorough = this.#settings.isThorough ?? found?.isThorough ?? false;
    const isUnderWay = found !== undefined && found.phase !== "done" &&
      found.isThorough === isThorough;
    const begun: Omit<Mark, "holder" | "until"> = isUnderWay ? found : {
      phase: "files",
      isThorough: this.#settings.isThorough ?? false,
      files: 0,
      ...found?.phase === "done" && { expected: found.files },
      report: nothingScanned,
    };
    this.#mark = { ...begun, holder: this.#holder, until: this.#untilNow() };
    const next = JSON.stringify(this.#mark);
    if (!await index.moveCursor(text, next)) return false;
    this.#text = next;
    return true;
  }

  async #visitFiles(): Promise<void> {
    const { cursor, files } = this.#mark;
    const page = await this.#parts.files.list({
      limit: this.#settings.batch,
      ...cursor === undefined ? {} : { cursor },
    });
    await this.#scan.visit(page.files, () => this.#keep());
    const visited = page.files.filter(({ path }) => !isMetadataPath(path)).length;
    this.#visited += visited;
    this.#done += page.files.length;
    await this.#moveOn(page.cursor, "records", files + visited);
  }

  async #judgeRecords(): Promise<void> {
    const { cursor, files } = this.#mark;
    const page = await this.#parts.index.list({
      limit: this.#settings.batch,
      ...cursor === undefined ? {} : { cursor },
    });
    await this.#scan.judge(page.files);
    this.#done += page.files.length;
    await this.#moveOn(page.cursor, "done", files);
  }

  async #moveOn(
    cursor: string | undefined,
    following: Mark["phase"],
    files: number,
  ): Promise<void> {
    const { cursor: _, phase, ...mark } = this.#mark;
    this.#mark = {
      ...mark,
      phase: cursor === undefined ? following : phase,
      ...cursor !== undefined && { cursor },
      files,
      report: this.#scan.report(),
    };
    await this.#move({ until: this.#mark.phase === "done" ? 0 : this.#untilNow() });
  }

  /** Keeps the lease while a batch takes long. */
  async #keep(): Promise<void> {
    const { clock } = this.#parts;
    if (clock.now() < this.#mark.until - this.#settings.leaseMs / 2) return;
    await this.#move({ until: this.#untilNow() });
  }

  async #move(change: Pick<Mark, "until">): Promise<void> {
    this.#mark = { ...this.#mark, ...change };
    const next = JSON.stringify(this.#mark);
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

  #tell(): void {
    const { onProgress } = this.#settings;
    if (onProgress === undefined) return;
    const { files, expected } = this.#mark;
    const seconds = (this.#parts.clock.now() - this.#startedAt) / 1_000;
    onProgress(Object.freeze({
      ...this.#scan.report(),
      files,
      filesPerSecond: seconds > 0 ? this.#visited / seconds : 0,
      remaining: this.#mark.phase === "files" ? expected && Math.max(0, expected - files) : 0,
    }));
  }

  #ended(state: ReloadReport["state"], report: ScanReport): ReloadReport {
    return Object.freeze({ ...report, state });
  }
}

/** Thrown and caught within this file when another node has taken the mark over. */
const lost: Error = new Error("The reload was taken over");
