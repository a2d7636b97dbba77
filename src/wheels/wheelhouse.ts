/**
 * The wheel cache without HTTP: an index of projects and files, a store of their bytes, and
 * optionally an upstream that is read through.
 */

import { type Clock, systemClock } from "../contracts/clock.ts";
import { IntegrityError } from "../contracts/errors.ts";
import type { ByteRange, FileStore } from "../contracts/file_store.ts";
import type { Health, IndexCache, PackageFile } from "../contracts/index_cache.ts";
import type { Region } from "../region/region.ts";
import { ColdMetadata } from "./upstream/cold_metadata.ts";
import { type DigestFactory, portableDigests } from "./digests.ts";
import { type ColdFile, Fills } from "./upstream/fill.ts";
import { type Log, noLog, reasonOf } from "./log.ts";
import { projectCandidates } from "./packages/names.ts";
import type { Page, Variant } from "./pages/page.ts";
import { type PageAnswer, Pages } from "./pages/pages.ts";
import { isStorable, metadataPath, upstreamPath } from "./paths.ts";
import { reloadIndex, type ReloadOptions, type ReloadReport } from "./reload.ts";
import { removeFile } from "./removal.ts";
import type { ScanReport } from "./scan.ts";
import { type PublishOptions, type StagedUpload, type UploadClaims, Uploads } from "./upload.ts";
import type { Upstream } from "./upstream/upstream.ts";
import type { UpstreamFile } from "./upstream/upstream_page.ts";
import { uploadedAtOf } from "./upstream/upstream_policy.ts";
import { bodyAt, type WheelFile } from "./wheel_file.ts";

/** What a wheelhouse is made of. */
export interface WheelhouseOptions {
  /** The table of projects and files. */
  readonly index: IndexCache;
  /** The bytes of the files. */
  readonly files: FileStore;
  /** Keeps rendered pages; it must not outlive the index. */
  readonly pages: Region;
  /** The upstream that unclaimed projects are read through from. Default: none. */
  readonly upstream?: Upstream;
  /** Default: the platform's clock. */
  readonly clock?: Clock;
  /** Computes digests of what streams by. Default: in JavaScript. */
  readonly digests?: DigestFactory;
  /** Told what happens. Default: nobody. */
  readonly log?: Log;
  /** Keeps the process going until work is done that no client waits for. Default: nothing. */
  readonly background?: (work: Promise<unknown>) => void;
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

/** Which projects and files are there for whoever asks. Default: all. */
export interface Reach {
  /** Whether a project, by its normalised name, is there. */
  mayRead(project: string): boolean;
  /** Whether the upstream is asked. */
  readonly mayFill: boolean;
}

const ALL: Reach = Object.freeze({ mayRead: () => true, mayFill: true });

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
  readonly #parts: Parts;
  readonly #pages: Pages;
  readonly #uploads: Uploads;
  readonly #cold: { readonly fills: Fills; readonly metadata: ColdMetadata } | undefined;

  /** Takes the parts; does no I/O. */
  constructor(options: WheelhouseOptions) {
    const parts: Parts = Object.freeze({
      index: options.index,
      files: options.files,
      pages: options.pages,
      upstream: options.upstream,
      clock: options.clock ?? systemClock,
      digests: options.digests ?? portableDigests,
      log: options.log ?? noLog,
      background: options.background ?? (() => {}),
    });
    this.#parts = parts;
    this.index = parts.index;
    this.isReadThrough = parts.upstream !== undefined;
    this.#pages = new Pages({ ...parts, region: parts.pages });
    this.#uploads = new Uploads(parts);
    this.#cold = parts.upstream && {
      fills: new Fills({ ...parts, upstream: parts.upstream }),
      metadata: new ColdMetadata({ ...parts, upstream: parts.upstream }),
    };
  }

  /** The page that lists all projects held here or claimed. */
  list(variant: Variant): Promise<Page> {
    return this.#pages.list(variant);
  }

  /** The page that lists those of them that somebody may read. */
  listOf(mayRead: Reach["mayRead"], variant: Variant): Promise<Page> {
    return this.#pages.listOf(mayRead, variant);
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
    return this.#pages.project(project, variant);
  }

  /** The file of this name that pages list under this key, or `undefined`. */
  async file(key: string, filename: string, reach: Reach = ALL): Promise<WheelFile | undefined> {
    const record = await this.#parts.index.fetch(filename);
    if (record?.sha256 === key) return this.#readable(record, reach);
    const cold = await this.#coldFile({ key, filename }, reach);
    if (cold === undefined) return undefined;
    return await this.#filling(cold, record);
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
    const cold = await this.#coldFile({ project, filename }, reach);
    return cold && await this.#filling(cold, record);
  }

  /** The core metadata of that file, where pages announce it, or `undefined`. */
  async metadata(
    key: string,
    filename: string,
    reach: Reach = ALL,
  ): Promise<WheelFile | undefined> {
    const { index } = this.#parts;
    const record = await index.fetch(filename);
    if (record?.sha256 === key && record.metadataSha256 !== undefined) {
      if (this.#readable(record, reach) === undefined) return undefined;
      return await this.#storedFile(metadataPath(record.path), record.metadataSha256);
    }
    const cold = await this.#coldFile({ key, filename }, reach);
    const sha256 = cold?.file.metadataSha256;
    if (cold === undefined || sha256 === undefined) return undefined;
    if (record !== undefined) checkUnreplaced(cold, record);
    return await this.#cold!.metadata.file(cold, sha256);
  }

  /** Takes the bytes of an upload aside. End it with {@linkcode Wheelhouse.publish}. */
  stage(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<StagedUpload> {
    return this.#uploads.stage(body, maxBytes);
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
      open: async (range) =>
        await bodyAt(this.#parts.files, path, range) ?? await this.#refilled(record, range),
    };
  }

  /** A file read through whose bytes were removed to make room is fetched again. */
  async #refilled(
    record: PackageFile,
    range: ByteRange | undefined,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    if (record.upstream === undefined) return undefined;
    const { index, files } = this.#parts;
    const now = await index.fetch(record.filename);
    // An upload of the same bytes has made them ours since the record was read.
    if (now?.sha256 === record.sha256 && now.path !== record.path) {
      return await bodyAt(files, now.path, range);
    }
    const { sha256: key, filename } = record;
    const cold = await this.#coldFile({ key, filename }, ALL);
    return cold && await this.#openCold(cold, range);
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
  async #filling(cold: ColdFile, record: PackageFile | undefined): Promise<WheelFile> {
    const { fills } = this.#cold!;
    const { sha256, uploadTime } = cold.file;
    if (sha256 === undefined) return this.#heldFile(record ?? await fills.stored(cold));
    if (record !== undefined) checkUnreplaced(cold, record);
    return {
      sha256,
      sizeBytes: cold.file.sizeBytes ?? await fills.sizeOf(cold),
      ...(uploadTime === undefined ? {} : { modifiedAt: Date.parse(uploadTime) }),
      open: (range) => this.#openCold(cold, range),
    };
  }

  async #openCold(
    cold: ColdFile,
    range: ByteRange | undefined,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    const { fills } = this.#cold!;
    if (range === undefined) return await fills.open(cold);
    return await bodyAt(this.#parts.files, (await fills.stored(cold)).path, range);
  }

  /**
   * The upstream's file that is asked for. A name with dashes may belong to one of several projects;
   * the upstream is asked for none behind one of ours, or one that is hidden.
   */
  async #coldFile(asked: AskedFile, reach: Reach): Promise<ColdFile | undefined> {
    const { index, upstream } = this.#parts;
    const { key, filename } = asked;
    if (upstream === undefined || !reach.mayFill || !isStorable(filename)) return undefined;
    for (const project of projectCandidates(filename)) {
      if (project !== (asked.project ?? project)) continue;
      if (!reach.mayRead(project) || upstream.policy.isReserved(project)) return undefined;
      if ((await index.project(project)).isClaimed) return undefined;
      const { listing, heldBack } = await upstream.page(project);
      if (listing?.status?.status === "quarantined") continue;
      const isAsked = (each: UpstreamFile): boolean =>
        each.filename === filename && (key === undefined || each.key === key);
      const young = heldBack.find(isAsked);
      if (young !== undefined) {
        const aged = { project, filename, uploadedAt: uploadedAtOf(young) };
        upstream.policy.check(aged, this.#parts.clock.now());
      }
      const file = listing?.files.find(isAsked);
      if (file === undefined) continue;
      return { project, path: upstreamPath(upstream.id, project, filename), file };
    }
    return undefined;
  }
}

/** A file of the upstream's by its name, and what else is known of it. */
interface AskedFile {
  readonly filename: string;
  readonly project?: string | undefined;
  readonly key?: string;
}

/** The first bytes of a name stay its bytes, whatever the upstream has under it now. */
function checkUnreplaced({ file: { filename, sha256 } }: ColdFile, record: PackageFile): void {
  if (sha256 === undefined || sha256 === record.sha256) return;
  const sides = { expected: record.sha256, actual: sha256 };
  throw new IntegrityError(`"${filename}" of the upstream`, "sha256", sides);
}
