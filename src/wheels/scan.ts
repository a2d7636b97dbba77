/**
 * Bringing the index into agreement with the files in the store: files put there by hand are taken
 * in, records whose files were removed by hand go.
 *
 * Readers never see an index emptier than both its states: records are added as files are found, and
 * removed only at the end. A file published while the scan runs is safe, because before a record
 * goes its file is looked for once more. Nothing is read of a file whose record agrees with it in
 * path, length and time.
 */

import { InvalidDistributionError, InvalidFilenameError } from "../contracts/errors.ts";
import type { FileStore, StoredFile } from "../contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../contracts/index_cache.ts";
import type { DigestFactory } from "./digests.ts";
import { digestStored, takeIn } from "./intake.ts";
import { type Log, reasonOf } from "./log.ts";
import { parseFilename } from "./packages/names.ts";
import { isMetadataPath, isStorable, upstreamOf } from "./paths.ts";

/** What a scan works on. */
export interface ScanParts {
  /** The files. */
  readonly files: FileStore;
  /** The records. */
  readonly index: IndexCache;
  /** Computes digests. */
  readonly digests: DigestFactory;
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

const PAGE_FILES = 1_000;

/** Scans the whole store. */
export async function scanFiles(parts: ScanParts): Promise<ScanReport> {
  const scan = new Scan(parts);
  let cursor: string | undefined;
  do {
    const page = await parts.files.list({
      limit: PAGE_FILES,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const file of page.files) await scan.visit(file);
    cursor = page.cursor;
  } while (cursor !== undefined);
  await scan.removeVanished();
  return scan.report();
}

class Scan {
  readonly #parts: ScanParts;
  readonly #pathOf = new Map<string, string>();
  #counts = { unchanged: 0, taken: 0, removed: 0, skipped: 0 };

  constructor(parts: ScanParts) {
    this.#parts = parts;
  }

  report(): ScanReport {
    return Object.freeze({ ...this.#counts });
  }

  async visit(file: StoredFile): Promise<void> {
    const { path } = file;
    if (isMetadataPath(path)) return;
    const filename = path.slice(path.lastIndexOf("/") + 1);
    const other = this.#pathOf.get(filename);
    if (other !== undefined) return this.#skip(path, `"${other}" has the same name`);
    if (!isStorable(filename) || parseFilename(filename) === undefined) {
      return this.#skip(path, "it is no wheel or source distribution by its name");
    }
    const record = await this.#parts.index.fetch(filename);
    if (record !== undefined && record.path !== path && await this.#isThere(record)) {
      return this.#skip(path, `"${record.path}" has the same name`);
    }
    this.#pathOf.set(filename, path);
    if (record !== undefined && isAgreeing(record, file)) this.#counts.unchanged++;
    else await this.#takeIn(file, record);
  }

  async removeVanished(): Promise<void> {
    const { index, log } = this.#parts;
    for (const project of await index.distinct()) {
      for (const record of (await index.all(project)).files) {
        if (this.#pathOf.get(record.filename) === record.path) continue;
        if (await this.#isThere(record)) continue;
        await index.clear(record.filename);
        this.#counts.removed++;
        log("info", `Removed the record of "${record.filename}": its file is gone`);
      }
    }
  }

  async #takeIn(file: StoredFile, old: PackageFile | undefined): Promise<void> {
    const { index, log } = this.#parts;
    const record = await this.#recordOf(file, old);
    if (record === undefined) return;
    if (record.upstream === undefined) await index.claim(record.project, true);
    await index.save(record);
    this.#counts.taken++;
    log("info", `Took in "${record.filename}"`, { path: file.path });
  }

  async #recordOf(
    { path, sizeBytes, modifiedAt }: StoredFile,
    old: PackageFile | undefined,
  ): Promise<PackageFile | undefined> {
    const { files, digests } = this.#parts;
    try {
      const archive = await takeIn(files, path, sizeBytes);
      const sha256 = await digestStored(files, path, digests);
      if (sha256 === undefined) return undefined;
      const upstream = upstreamOf(path);
      return {
        ...(old?.sha256 === sha256 ? old : {}),
        ...archive,
        filename: path.slice(path.lastIndexOf("/") + 1),
        uploadedAt: modifiedAt,
        sizeBytes,
        sha256,
        path,
        ...(upstream === undefined ? {} : { upstream }),
      };
    } catch (error) {
      if (!(error instanceof InvalidDistributionError || error instanceof InvalidFilenameError)) {
        throw error;
      }
      this.#skip(path, reasonOf(error));
      return undefined;
    }
  }

  async #isThere({ path }: PackageFile): Promise<boolean> {
    return await this.#parts.files.head(path) !== undefined;
  }

  #skip(path: string, reason: string): void {
    this.#counts.skipped++;
    this.#parts.log("warn", `Skipped "${path}": ${reason}`);
  }
}

// The record of a file read through has the upstream's time.
function isAgreeing(record: PackageFile, file: StoredFile): boolean {
  return record.path === file.path && record.sizeBytes === file.sizeBytes &&
    (record.upstream !== undefined || record.uploadedAt === file.modifiedAt);
}
