/**
 * The wheel cache without HTTP: an index of projects and files, a store of their bytes, and
 * optionally an upstream that is read through.
 */

import { type Clock, systemClock } from "../contracts/clock.ts";
import type { FileStore } from "../contracts/file_store.ts";
import type { Health, IndexCache, PackageFile } from "../contracts/index_cache.ts";
import type { Region } from "../region/region.ts";
import { type DigestFactory, portableDigests } from "./digests.ts";
import { type Log, noLog, reasonOf } from "./log.ts";
import type { Page, Variant } from "./pages/page.ts";
import { type AsOfOptions, type PageAnswer, Pages } from "./pages/pages.ts";
import { Lookups } from "./lookups.ts";
import { metadataPath } from "./paths.ts";
import { readProvenance } from "./provenance.ts";
import { EVERYTHING, type Reach } from "./reach.ts";
import { reloadIndex, type ReloadOptions, type ReloadReport } from "./reload.ts";
import { removeFile, wasRemoved } from "./removal.ts";
import { Reservations } from "./reservations.ts";
import { Rules } from "./rules/rules.ts";
import type { ScanReport } from "./scan.ts";
import { type PublishOptions, type StagedUpload, type UploadClaims, Uploads } from "./upload.ts";
import { type AskedFile, ColdFiles } from "./upstream/cold_files.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { bodyAt, type WheelFile } from "./wheel_file.ts";

/** What a wheelhouse needs from where it runs. */
export interface Surroundings {
  /** Default: the platform's clock. */
  readonly clock?: Clock;
  /** Computes digests of what streams by. Default: in JavaScript. */
  readonly digests?: DigestFactory;
  /** Told what happens. Default: nobody. */
  readonly log?: Log;
  /** Keeps the process going until work is done that no client waits for. Default: nothing. */
  readonly background?: (work: Promise<unknown>) => void;
}

/** What a wheelhouse is made of. */
export interface WheelhouseOptions extends Surroundings {
  /** The table of projects and files. */
  readonly index: IndexCache;
  /** The bytes of the files. */
  readonly files: FileStore;
  /** Keeps rendered pages; it must not outlive the index. */
  readonly pages: Region;
  /** The upstream that unclaimed projects are read through from. Default: none. */
  readonly upstream?: Upstream;
  /** What is laid down for projects and files. Default: nothing. */
  readonly rules?: Rules;
  /**
   * The address under which clients reach it, for addresses that have to be whole: those of provenance.
   * Default: none, and then pages have no provenance of ours.
   */
  readonly publicUrl?: string;
}

/** The answer of a health check. */
export interface HouseHealth extends Health {
  /** What does not answer; `undefined` if healthy. */
  readonly part: "index" | "file store" | undefined;
}

/** What can be asked of the table of projects and files. */
export type IndexReader = Pick<
  IndexCache,
  "all" | "distinct" | "fetch" | "list" | "search" | "summary"
>;

/** Where nothing lies: asked for to see whether the file store answers. */
const PROBED_PATH = "health/probe";

/** How to scan. */
export interface ScanOptions extends Pick<ReloadOptions, "mayGoOn" | "onProgress"> {
  /** Told when it begins to wait for another node. */
  readonly onWait?: () => void;
}

const SCAN_WAITS = 120;
const SCAN_WAIT_MS = 1_000;

interface Parts {
  readonly index: IndexCache;
  readonly files: FileStore;
  readonly pages: Region;
  readonly upstream: Upstream | undefined;
  readonly rules: Rules;
  readonly publicUrl: string | undefined;
  readonly clock: Clock;
  readonly digests: DigestFactory;
  readonly log: Log;
  readonly background: (work: Promise<unknown>) => void;
}

/**
 * The front door of the wheel cache.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { makeRegion } from "@cairn/cache";
 * import { memoryIndex } from "@cairn/cache/index-memory";
 * import { memoryFiles } from "@cairn/cache/memory-files";
 * import { Wheelhouse } from "@cairn/cache/wheels";
 *
 * const wheelhouse = new Wheelhouse({
 *   index: memoryIndex(),
 *   files: memoryFiles(),
 *   pages: makeRegion(),
 * });
 * assert.deepEqual(await wheelhouse.scan(), { unchanged: 0, taken: 0, removed: 0, skipped: 0 });
 * assert.equal(await wheelhouse.page("demo", { form: "json", encoding: "gzip" }), undefined);
 * ```
 */
export class Wheelhouse {
  /** The table, for questions that no page answers. */
  readonly index: IndexReader;
  /** Whether there is an upstream. */
  readonly isReadThrough: boolean;
  /** What is laid down for projects and files. */
  readonly rules: Rules;
  /** What became of the pages and files that were looked for. */
  readonly lookups: Lookups = new Lookups();
  /** Uploads that come in parts. */
  readonly reservations: Reservations;
  readonly #parts: Parts;
  readonly #pages: Pages;
  readonly #uploads: Uploads;
  readonly #cold: ColdFiles | undefined;

  /** Takes the parts; does no I/O. Throws a `TypeError` for a public address that is none. */
  constructor(options: WheelhouseOptions) {
    const parts: Parts = Object.freeze({
      index: options.index,
      files: options.files,
      pages: options.pages,
      upstream: options.upstream,
      rules: options.rules ?? new Rules(),
      publicUrl: options.publicUrl === undefined ? undefined : addressOf(options.publicUrl),
      clock: options.clock ?? systemClock,
      digests: options.digests ?? portableDigests,
      log: options.log ?? noLog,
      background: options.background ?? (() => {}),
    });
    this.#parts = parts;
    this.index = parts.index;
    this.isReadThrough = parts.upstream !== undefined;
    this.rules = parts.rules;
    this.#pages = new Pages({ ...parts, region: parts.pages });
    this.#uploads = new Uploads(parts);
    this.reservations = new Reservations(parts);
    this.#cold = parts.upstream && new ColdFiles({
      ...parts,
      upstream: parts.upstream,
      lookups: this.lookups,
    });
  }

  /** The page that lists all projects held here or claimed. */
  list(variant: Variant): Promise<Page> {
    return this.#pages.list(variant);
  }

  /** The page that lists those of them that somebody may read. */
  listOf(mayRead: Reach["mayRead"], variant: Variant): Promise<Page> {
    return this.#pages.listOf(mayRead, variant);
  }

  /**
   * The page of a project as it would have been at an instant: of the files that were uploaded before
   * it. A file whose upload time is not known is not among them.
   */
  pageAsOf(
    project: string,
    instant: number,
    options: AsOfOptions,
  ): Promise<PageAnswer | undefined> {
    return this.#pages.asOf(project, instant, options);
  }

  /** The page of a project's files that are held here; `undefined` where there are none. */
  heldPage(project: string, variant: Variant): Promise<PageAnswer | undefined> {
    return this.#pages.held(project, variant);
  }

  /**
   * The page of a project by its normalised name; `undefined` where nobody knows the project.
   * Rejects with an `UpstreamError` where only the upstream could tell, and fails.
   */
  page(project: string, variant: Variant): Promise<PageAnswer | undefined> {
    return this.lookups.counted("page", (note) => this.#pages.project(project, variant, note));
  }

  /** The file of this name that pages list under this key, or `undefined`. */
  async file(
    key: string,
    filename: string,
    reach: Reach = EVERYTHING,
  ): Promise<WheelFile | undefined> {
    const record = await this.#parts.index.fetch(filename);
    if (record?.sha256 === key) return this.#readable(record, reach);
    return await this.#coldFile({ key, filename }, { record, reach });
  }

  /** The file of this name, of one project by its normalised name if one is given, or `undefined`. */
  async fileOf(
    project: string | undefined,
    filename: string,
    reach: Reach,
  ): Promise<WheelFile | undefined> {
    const record = await this.#parts.index.fetch(filename);
    const isHeld = record !== undefined && record.project === (project ?? record.project);
    if (isHeld) return this.#readable(record, reach);
    return await this.#coldFile({ project, filename }, { record, reach });
  }

  /** The core metadata of that file, where pages announce it, or `undefined`. */
  async metadata(
    key: string,
    filename: string,
    reach: Reach = EVERYTHING,
  ): Promise<WheelFile | undefined> {
    const record = await this.#parts.index.fetch(filename);
    if (record?.sha256 === key && record.metadataSha256 !== undefined) {
      if (this.#readable(record, reach) === undefined) return undefined;
      return await this.#storedFile(metadataPath(record.path), record.metadataSha256);
    }
    const cold = await this.#cold?.find({ key, filename }, reach);
    return cold && await this.#cold!.metadata(cold, record);
  }

  /** The provenance of a file of ours (PEP 740), as bytes of JSON; `undefined` where it has none. */
  async provenance(
    { key, filename }: { readonly key?: string; readonly filename: string },
    reach: Reach = EVERYTHING,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const record = await this.#parts.index.fetch(filename);
    if (record === undefined || record.sha256 !== (key ?? record.sha256)) return undefined;
    if (!record.hasProvenance || this.#readable(record, reach) === undefined) return undefined;
    return await readProvenance(this.#parts.files, record.path);
  }

  /** Whether a file that had this name and digest was deleted here. */
  wasRemoved(key: string, filename: string, reach: Reach = EVERYTHING): Promise<boolean> {
    return wasRemoved(this.#parts.files, { key, filename }, reach);
  }

  /** Takes the bytes of an upload aside. End it with {@linkcode Wheelhouse.publish}. */
  stage(
    body: ReadableStream<Uint8Array>,
    maxBytes: number,
    options: { readonly project?: string } = {},
  ): Promise<StagedUpload> {
    return this.#uploads.stage(body, maxBytes, options);
  }

  /** Judges and publishes an upload. See {@linkcode Uploads.publish}. */
  publish(
    upload: StagedUpload,
    claims: UploadClaims,
    options: PublishOptions = {},
  ): Promise<{ record: PackageFile; isNew: boolean }> {
    return this.#uploads.publish(upload, claims, options);
  }

  /**
   * Removes a file with its metadata and its record; answers whether there was a record. The project
   * stays claimed. See {@linkcode removeFile}.
   */
  remove(filename: string): Promise<boolean> {
    return removeFile(this.#parts, filename);
  }

  /**
   * Brings the index into agreement with the files in the store. While another node does, this waits
   * for it, two minutes at most.
   */
  async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const { mayGoOn = () => true, onWait = () => {} } = options;
    for (let wait = 0;; wait++) {
      const { state, ...report } = await this.reload(options);
      if (state !== "busy" || wait === SCAN_WAITS || !mayGoOn()) return report;
      if (wait === 0) onWait();
      await this.#parts.clock.sleep(SCAN_WAIT_MS);
    }
  }

  /** As {@linkcode Wheelhouse.scan}, in slices if need be. See {@linkcode reloadIndex}. */
  reload(options: ReloadOptions = {}): Promise<ReloadReport> {
    return reloadIndex(this.#parts, options);
  }

  /** Begins a reload that nobody waits for. What becomes of it is logged. */
  beginReload(): void {
    const { background, log } = this.#parts;
    const ended = ({ state, ...report }: ReloadReport): void =>
      log("info", `Reloaded the index: ${state}`, { ...report });
    const failed = (error: unknown): void =>
      log("error", `Cannot reload the index: ${reasonOf(error)}`);
    background(this.reload().then(ended, failed));
  }

  /** Whether index and file store answer, and which of them does not. Never rejects. */
  async checkHealth(): Promise<HouseHealth> {
    const { index, files } = this.#parts;
    const health = await index.checkHealth();
    if (!health.isHealthy) return { ...health, part: "index" };
    try {
      await files.head(PROBED_PATH);
      return { ...health, part: undefined };
    } catch (error) {
      return { isHealthy: false, part: "file store", reason: reasonOf(error) };
    }
  }

  #readable(record: PackageFile, reach: Reach): WheelFile | undefined {
    if (!reach.mayRead(record.project)) return undefined;
    this.#parts.rules.check(record);
    this.#checkAge(record);
    return this.#heldFile(record);
  }

  /** Throws a `HeldBackError` for a file of the upstream that its rules do not let through yet. */
  #checkAge(record: PackageFile): void {
    const { upstream, clock } = this.#parts;
    if (record.upstream !== undefined) upstream?.policy.check(record, clock.now());
  }

  #heldFile(record: PackageFile): WheelFile {
    const { sha256, sizeBytes, uploadedAt, path } = record;
    return {
      sha256,
      sizeBytes,
      modifiedAt: uploadedAt,
      // A file read through whose bytes were removed to make room is fetched again.
      open: (range) =>
        this.lookups.counted("file", async (note) => {
          this.#cold?.used(record);
          const held = await bodyAt(this.#parts.files, path, range);
          if (held !== undefined) return held;
          note("error");
          return await this.#cold?.refilled(record, range, note);
        }),
    };
  }

  async #storedFile(path: string, sha256: string): Promise<WheelFile | undefined> {
    const { files } = this.#parts;
    const stored = await files.head(path);
    return stored && {
      sha256,
      sizeBytes: stored.sizeBytes,
      modifiedAt: stored.modifiedAt,
      open: (range) => bodyAt(files, path, range),
    };
  }

  /**
   * A file that the upstream has. Without a digest in its listing it is fetched now, for nothing is
   * served whose digest is not known.
   */
  async #coldFile(
    asked: AskedFile,
    { record, reach }: { readonly record: PackageFile | undefined; readonly reach: Reach },
  ): Promise<WheelFile | undefined> {
    const cold = await this.#cold?.find(asked, reach);
    if (cold === undefined) return undefined;
    if (cold.file.sha256 !== undefined) return await this.#cold!.file(cold, record);
    const stored = record ?? await this.#cold!.stored(cold);
    this.#parts.rules.check(stored);
    return this.#heldFile(stored);
  }
}

/** An address that ends in a slash. */
function addressOf(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url?.protocol === "https:" && url.search === "" && url.hash === "" && url.username === "") {
    return url.href.replace(/\/*$/, "/");
  }
  throw new TypeError(`Cannot use public address "${publicUrl}": it is no plain https: address`);
}
