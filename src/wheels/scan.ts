/**
 * Comparing the files in a store with their records, and bringing the records into agreement.
 *
 * Files and records change while this runs. A publication stores the file first and then its record,
 * a removal takes the file away first and then its record, so a file is the truth about itself, and
 * these are the ways to go wrong:
 * 1. A record is read; somebody replaces it; ours is written. So records are added only where there is
 *    none, and replaced or removed only while they are what was compared.
 * 2. A file is read; it is removed, with its record; ours is added. So after a record was written its
 *    file is looked for again.
 * 3. A file is found gone; it is published again, and its record is the old one; that is removed. So
 *    after a record was removed its file is looked for again, too.
 */

import type { Clock } from "../contracts/clock.ts";
import { InvalidDistributionError, InvalidFilenameError } from "../contracts/errors.ts";
import type { FileStore, StoredFile } from "../contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../contracts/index_cache.ts";
import type { DigestFactory } from "./digests.ts";
import { digestStored, takeIn } from "./intake.ts";
import { type Log, reasonOf } from "./log.ts";
import { parseFilename } from "./packages/names.ts";
import { isBesidePath, isStorable, upstreamOf } from "./paths.ts";
import { isStalePath } from "./pending_paths.ts";
import { hasProvenance } from "./provenance.ts";

/** What a scan works on. */
export interface ScanParts {
  /** The files. */
  readonly files: FileStore;
  /** The records. */
  readonly index: IndexCache;
  /** Computes digests. */
  readonly digests: DigestFactory;
  /** Tells which uploads were never ended. */
  readonly clock: Clock;
  /** Told of every file that is skipped. */
  readonly log: Log;
}

/** What a scan did. */
export interface ScanReport {
  /** How many files were found whose records agree. */
  readonly unchanged: number;
  /** How many files were taken in. */
  readonly taken: number;
  /** How many records went, their files being gone. */
  readonly removed: number;
  /** How many files were skipped, being no packages. */
  readonly skipped: number;
}

/** The report of a scan that has done nothing. */
export const nothingScanned: ScanReport = Object.freeze({
  unchanged: 0,
  taken: 0,
  removed: 0,
  skipped: 0,
});

/** How many files are remembered as seen; the others are looked for once more. */
const MOST_SEEN = 250_000;

/** How often a file that changes while it is taken in is taken in again. */
const ATTEMPTS = 8;

/** A scan under way. */
export class Scan {
  readonly #parts: ScanParts;
  readonly #isThorough: boolean;
  readonly #seen = new Map<string, string>();
  #hasRead = false;
  #isSkipping = false;
  readonly #counts: { -readonly [Count in keyof ScanReport]: number };

  /** Goes on counting from `report`. A thorough scan reads every file again. */
  constructor(parts: ScanParts, isThorough: boolean, report: ScanReport) {
    this.#parts = parts;
    this.#isThorough = isThorough;
    this.#counts = { ...report };
  }

  /** What has been done so far. */
  report(): ScanReport {
    return Object.freeze({ ...this.#counts });
  }

  /**
   * Compares files of the store with their records, so many at once. `mayGoOn` is asked whenever a
   * store was asked about some, with the number of files gone through; these are answered at the
   * end, too.
   */
  async visit(
    files: readonly StoredFile[],
    mayGoOn: (gone: number) => Promise<boolean>,
    { atOnce }: { readonly atOnce: number },
  ): Promise<number> {
    const filenames = files.map(({ path }) => nameOf(path)).filter(isPackageName);
    const records = await this.#parts.index.fetchMany(filenames);
    const held = new Map(filenames.map((filename, at) => [filename, records[at]]));
    for (let gone = 0; gone < files.length;) {
      const group = distinctlyNamed(files.slice(gone, gone + atOnce));
      const asked = await all(group.map((file) => this.#visitOne(file, held)));
      gone += group.length;
      if (asked.includes(true) && !await mayGoOn(gone)) return gone;
    }
    return files.length;
  }

  /** Skips the next file that would be read. */
  skipNext(): void {
    this.#isSkipping = true;
  }

  /** Answers whether a store was asked about the file. */
  async #visitOne(
    file: StoredFile,
    held: ReadonlyMap<string, PackageFile | undefined>,
  ): Promise<boolean> {
    const { path } = file;
    const filename = nameOf(path);
    if (held.has(filename)) return await this.#compare(file, held.get(filename));
    if (isStalePath(path, this.#parts.clock.now())) return await this.#sweep(path);
    if (!isBesidePath(path)) {
      this.#skip(path, "it is no wheel or source distribution by its name");
    }
    return false;
  }

  /** Removes what is left of an upload that came in parts, and not to its end. */
  async #sweep(path: string): Promise<true> {
    await this.#parts.files.delete(path);
    return true;
  }

  /** Whether a file was read since files were seen: that takes long, and some may be gone by now. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  /** Forgets which files were seen, so that others can be named. */
  forget(): void {
    this.#seen.clear();
    this.#hasRead = false;
  }

  /** Takes files for seen that a listing has just named. */
  see(files: readonly StoredFile[]): void {
    for (const { path } of files) if (!isBesidePath(path)) this.#see(nameOf(path), path);
  }

  /** Removes those of the records whose files are gone; `mayGoOn` and the answer are as of `visit`. */
  async judge(
    records: readonly PackageFile[],
    mayGoOn: (gone: number) => Promise<boolean>,
  ): Promise<number> {
    for (const [at, record] of records.entries()) {
      if (this.#seen.get(record.filename) === record.path) continue;
      if (!await this.#head(record.path)) await this.#remove(record);
      if (!await mayGoOn(at + 1)) return at + 1;
    }
    return records.length;
  }

  async #compare(file: StoredFile, record: PackageFile | undefined): Promise<boolean> {
    const filename = nameOf(file.path);
    const other = this.#seen.get(filename) ?? record?.path ?? file.path;
    if (other !== file.path && await this.#head(other) !== undefined) {
      this.#skip(file.path, `"${other}" has the same name`);
      return true;
    }
    if (record !== undefined && !this.#isThorough && isAgreeing(record, file)) {
      this.#counts.unchanged++;
      this.#see(filename, file.path);
      return false;
    }
    if (this.#isSkipping) this.#skip(file.path, "two runs have died while they read it");
    else await this.#takeIn(file, record);
    this.#isSkipping = false;
    return true;
  }

  /** Takes a file in, and again if it became another one meanwhile. */
  async #takeIn(file: StoredFile, old: PackageFile | undefined): Promise<void> {
    const { index } = this.#parts;
    let [found, held]: [StoredFile | undefined, PackageFile | undefined] = [file, old];
    for (let attempt = 1; found !== undefined && attempt <= ATTEMPTS; attempt++) {
      const record = await this.#recordOf(found, held);
      const taken = record && await this.#put(record, held);
      const now: StoredFile | undefined = await this.#head(found.path);
      if (taken && now === undefined) await index.replace(taken, undefined);
      if (now === undefined || isSameFile(now, found)) {
        if (taken && now !== undefined) this.#count(taken);
        return;
      }
      found = now;
      held = await index.fetch(nameOf(found.path));
      if (held !== undefined && isAgreeing(held, found)) return;
    }
  }

  /** Answers the record that is there afterwards, if it is of this file. */
  async #put(
    record: PackageFile,
    old: PackageFile | undefined,
  ): Promise<PackageFile | undefined> {
    const { index } = this.#parts;
    if (record.upstream === undefined && !(await index.project(record.project)).isClaimed) {
      await index.claim(record.project, true);
    }
    if (old !== undefined) return await index.replace(old, record) ? record : undefined;
    const there = await index.add(record);
    if (there.path !== record.path) this.#skip(record.path, `"${there.path}" has the same name`);
    const isOurs = there.path === record.path && there.sha256 === record.sha256 &&
      there.uploadedAt === record.uploadedAt;
    return isOurs ? there : undefined;
  }

  #count({ filename, path }: PackageFile): void {
    this.#counts.taken++;
    this.#see(filename, path);
    this.#parts.log("info", `Took in "${filename}"`, { path });
  }

  #see(filename: string, path: string): void {
    if (this.#seen.size < MOST_SEEN) this.#seen.set(filename, path);
  }

  async #remove(record: PackageFile): Promise<void> {
    const { index, log } = this.#parts;
    if (!await index.replace(record, undefined)) return;
    const file = await this.#head(record.path);
    if (file !== undefined) return await this.#takeIn(file, undefined);
    this.#counts.removed++;
    log("info", `Removed the record of "${record.filename}": its file is gone`);
  }

  async #recordOf(
    file: StoredFile,
    old: PackageFile | undefined,
  ): Promise<PackageFile | undefined> {
    const { path, sizeBytes, modifiedAt } = file;
    const { files, digests } = this.#parts;
    this.#hasRead = true;
    try {
      const archive = await takeIn(files, path, sizeBytes);
      const sha256 = await digestStored(files, path, digests);
      if (sha256 === undefined) return undefined;
      const upstream = upstreamOf(path);
      const facts = { filename: nameOf(path), uploadedAt: modifiedAt, sizeBytes, sha256, path };
      const kept = old?.sha256 === sha256 ? old : await this.#besides(facts, upstream);
      return { ...kept, ...archive, ...facts, ...upstream === undefined ? {} : { upstream } };
    } catch (error) {
      const now = await this.#head(path);
      // What is wrong with it may be that it was replaced or removed while it was read.
      if (now === undefined || !isSameFile(now, file)) return undefined;
      if (!(error instanceof InvalidDistributionError || error instanceof InvalidFilenameError)) {
        throw error;
      }
      this.#skip(path, reasonOf(error));
      return undefined;
    }
  }

  /** What a record says of what lies beside its file, where no record tells. */
  async #besides(
    facts: Pick<PackageFile, "path" | "filename" | "sha256">,
    upstream: string | undefined,
  ): Promise<Partial<PackageFile>> {
    if (upstream !== undefined) return {};
    return await hasProvenance(this.#parts.files, facts) ? { hasProvenance: true } : {};
  }

  #head(path: string): Promise<StoredFile | undefined> {
    return this.#parts.files.head(path);
  }

  #skip(path: string, reason: string): void {
    this.#counts.skipped++;
    this.#parts.log("warn", `Skipped "${path}": ${reason}`);
  }
}

/** Those up to the first whose filename is another one's before it: the first of a name counts. */
function distinctlyNamed(files: readonly StoredFile[]): readonly StoredFile[] {
  const names = files.map(({ path }) => nameOf(path));
  const again = names.findIndex((name, at) => names.indexOf(name) < at);
  return again === -1 ? files : files.slice(0, again);
}

/** What all come to, once all have ended; rejects with the first failure among them. */
async function all<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

function isPackageName(filename: string): boolean {
  return isStorable(filename) && parseFilename(filename) !== undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isSameFile(left: StoredFile, right: StoredFile): boolean {
  return left.sizeBytes === right.sizeBytes && left.modifiedAt === right.modifiedAt;
}

// The record of a file read through has the upstream's time.
function isAgreeing(record: PackageFile, file: StoredFile): boolean {
  return record.path === file.path && record.sizeBytes === file.sizeBytes &&
    (record.upstream !== undefined || record.uploadedAt === file.modifiedAt);
}
