/** Files that the upstream has and we need not hold: found in its pages, fetched as they are asked for. */

import type { Clock } from "../../contracts/clock.ts";
import { IntegrityError, UpstreamError } from "../../contracts/errors.ts";
import type { ByteRange, FileStore } from "../../contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../../contracts/index_cache.ts";
import type { DigestFactory } from "../digests.ts";
import { type Log, reasonOf } from "../log.ts";
import type { Lookups, Note } from "../lookups.ts";
import { parseFilename, projectCandidates } from "../packages/names.ts";
import { isStorable, upstreamFolder, upstreamPath } from "../paths.ts";
import { EVERYTHING, type Reach } from "../reach.ts";
import type { Rules } from "../rules/rules.ts";
import { bodyAt, type WheelFile } from "../wheel_file.ts";
import { ColdMetadata } from "./cold_metadata.ts";
import { Evictions } from "./evictions.ts";
import { type ColdFile, Fills } from "./fill.ts";
import { passedRange } from "./passed_range.ts";
import type { Upstream } from "./upstream.ts";
import type { UpstreamFile } from "./upstream_page.ts";
import { uploadedAtOf } from "./upstream_policy.ts";

/** What they are found and kept with. */
export interface ColdParts {
  /** Where files go. */
  readonly files: FileStore;
  /** Where records go. */
  readonly index: IndexCache;
  /** Where files come from. */
  readonly upstream: Upstream;
  /** What is laid down for them. */
  readonly rules: Rules;
  /** Counts what becomes of what is asked for. */
  readonly lookups: Lookups;
  /** Computes digests. */
  readonly digests: DigestFactory;
  /** For ages and time limits. */
  readonly clock: Clock;
  /** Told of fills and failures. */
  readonly log: Log;
  /** Keeps the process going until a promise is settled. */
  readonly background: (work: Promise<unknown>) => void;
}

/** A file of the upstream's by its name, and what else is known of it. */
export interface AskedFile {
  /** Its name. */
  readonly filename: string;
  /** The normalised name of its project. */
  readonly project?: string | undefined;
  /** The key in its address. */
  readonly key?: string;
}

/** Of a smaller file the whole is as quickly here as a part of it. */
const PASSED_FROM_BYTES = 1_048_576;

/** How file hosts say that they lack something; some say 403 of what is not there. */
const ABSENT: ReadonlySet<number> = new Set([403, 404, 410]);

/** The files of an upstream. */
export class ColdFiles {
  readonly #parts: ColdParts;
  readonly #fills: Fills;
  readonly #metadata: ColdMetadata;
  readonly #evictions: Evictions;

  /** Does no I/O. Throws for a bound on what is kept, or a pinned name, that is none. */
  constructor(parts: ColdParts) {
    const { upstream, background } = parts;
    this.#parts = Object.freeze({ ...parts });
    this.#fills = new Fills({
      ...parts,
      onStored: ({ path, sizeBytes }) => background(this.#evictions.stored(path, sizeBytes)),
    });
    this.#metadata = new ColdMetadata(parts);
    const isBusy = (path: string): boolean => this.#fills.isFilling(path);
    this.#evictions = new Evictions({ ...parts, isBusy }, {
      folder: upstreamFolder(upstream.id),
      maxBytes: upstream.keeping.maxHeldBytes,
      pinned: upstream.keeping.pinned,
    });
  }

  /** Counts a use of a file that is held. */
  used({ path, upstream }: PackageFile): void {
    if (upstream !== undefined) this.#evictions.used(path);
  }

  /**
   * The upstream's file that is asked for. A name with dashes may belong to one of several projects;
   * the upstream is asked for none behind one of ours, or one that is hidden. Throws a `HeldBackError`
   * for what nobody gets, or not yet.
   */
  async find(asked: AskedFile, reach: Reach): Promise<ColdFile | undefined> {
    const { index, upstream } = this.#parts;
    const { filename } = asked;
    if (!reach.mayFill || !isStorable(filename)) return undefined;
    for (const project of projectCandidates(filename)) {
      if (project !== (asked.project ?? project)) continue;
      if (!reach.mayRead(project) || upstream.policy.isReserved(project)) return undefined;
      if ((await index.project(project)).isClaimed) return undefined;
      const file = await this.#listed(project, asked);
      if (file === undefined) continue;
      return { project, path: upstreamPath(upstream.id, project, filename), file };
    }
    return undefined;
  }

  /** The file, whose digest its listing states. */
  async file(cold: ColdFile, record: PackageFile | undefined): Promise<WheelFile> {
    const { sha256 = "", sizeBytes, uploadTime } = cold.file;
    const { lookups } = this.#parts;
    if (record !== undefined) checkUnreplaced(cold, record);
    return {
      sha256,
      sizeBytes: sizeBytes ?? await this.#fills.sizeOf(cold),
      ...(uploadTime === undefined ? {} : { modifiedAt: Date.parse(uploadTime) }),
      open: (range) => lookups.counted("file", (note) => this.#open(cold, range, note)),
    };
  }

  /** The record of the file, once it is stored. */
  stored(cold: ColdFile): Promise<PackageFile> {
    return this.#fills.stored(cold);
  }

  /** A file that was held, and of which only the record is left. */
  async refilled(
    record: PackageFile,
    range: ByteRange | undefined,
    note: Note,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    if (record.upstream === undefined) return undefined;
    const { index, files } = this.#parts;
    const { sha256: key, filename } = record;
    const now = await index.fetch(filename);
    // An upload of the same bytes has made them ours since the record was read.
    if (now?.sha256 === key && now.path !== record.path) {
      return await bodyAt(files, now.path, range);
    }
    const cold = await this.find({ key, filename }, EVERYTHING);
    return cold && await this.#open(cold, range, note);
  }

  /**
   * The metadata that the upstream announces for a file, if it does. What it announces and does not
   * have, or has with another digest, is taken from the wheel itself: that is the announced one, or
   * else, now that we hold the wheel, its own is announced in place of it.
   */
  async metadata(
    cold: ColdFile,
    record: PackageFile | undefined,
  ): Promise<WheelFile | undefined> {
    const sha256 = cold.file.metadataSha256;
    if (sha256 === undefined) return undefined;
    if (record !== undefined) checkUnreplaced(cold, record);
    try {
      return await this.#metadata.file(cold, sha256);
    } catch (error) {
      if (!isFalseAnnouncement(error)) throw error;
      const { log, upstream } = this.#parts;
      log("warn", `Cannot read metadata of "${cold.file.filename}": ${reasonOf(error)}`, {
        upstream: upstream.id,
      });
      const { metadataSha256 } = await this.#fills.stored(cold);
      if (metadataSha256 === sha256) return await this.#metadata.file(cold, sha256);
      throw error;
    }
  }

  async #listed(project: string, { filename, key }: AskedFile): Promise<UpstreamFile | undefined> {
    const { upstream, rules, clock } = this.#parts;
    const version = parseFilename(filename, project)?.version;
    const served = { project, filename, ...version === undefined ? {} : { version } };
    rules.check(served);
    const { listing, heldBack } = await upstream.page(project);
    if (listing?.status?.status === "quarantined") return undefined;
    const isAsked = (each: UpstreamFile): boolean =>
      each.filename === filename && (key === undefined || each.key === key);
    const young = heldBack.find(isAsked);
    if (young !== undefined) {
      const aged = { project, filename, uploadedAt: uploadedAtOf(young) };
      upstream.policy.check(aged, clock.now());
    }
    const file = listing?.files.find(isAsked);
    if (file !== undefined) rules.check({ ...served, sha256: file.sha256 });
    return file;
  }

  async #open(
    cold: ColdFile,
    range: ByteRange | undefined,
    note: Note,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    note(this.#fills.isFilling(cold.path) ? "wait" : "fill");
    if (range === undefined) return await this.#fills.open(cold);
    return await this.#passed(cold, range) ??
      await bodyAt(this.#parts.files, (await this.#fills.stored(cold)).path, range);
  }

  /** A part of a large file, from the upstream itself while the whole is on its way. */
  async #passed(
    cold: ColdFile,
    range: ByteRange,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    const { upstream, files, clock } = this.#parts;
    const { url, sizeBytes = 0 } = cold.file;
    if (!upstream.keeping.passesRanges || sizeBytes < PASSED_FROM_BYTES) return undefined;
    if (await files.head(cold.path) !== undefined) return undefined;
    this.#fills.begin(cold);
    const fetched = await upstream.openRange(url, range, sizeBytes);
    return fetched && passedRange(fetched, range, clock);
  }
}

// An upstream that cannot be reached says nothing about the metadata.
function isFalseAnnouncement(error: unknown): boolean {
  if (error instanceof IntegrityError) return true;
  return error instanceof UpstreamError && ABSENT.has(error.status ?? 0);
}

/** The first bytes of a name stay its bytes, whatever the upstream has under it now. */
function checkUnreplaced({ file: { filename, sha256 } }: ColdFile, record: PackageFile): void {
  if (sha256 === undefined || sha256 === record.sha256) return;
  const sides = { expected: record.sha256, actual: sha256 };
  throw new IntegrityError(`"${filename}" of the upstream`, "sha256", sides);
}
