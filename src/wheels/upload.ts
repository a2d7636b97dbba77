/**
 * Taking an upload: staged as it streams in, judged as a whole, published in one step.
 *
 * The order is file, metadata, record: a reader who finds a record finds everything it speaks of,
 * and a process that dies in between leaves a file that the same upload, sent again, or the next
 * scan takes up. The first writer of a name wins; the same bytes again are a success. The project
 * is claimed before its first file is published, so that at no moment the upstream could be asked
 * for a name of ours. That goes for names that were read through before, too: their files stay in the
 * store for those who have their addresses, but no page lists them any more.
 */

import type { Clock } from "../contracts/clock.ts";
import { BackendError, InvalidFilenameError, UploadRefusedError } from "../contracts/errors.ts";
import { excerpt } from "../contracts/excerpt.ts";
import type { FileStore, StagedFile } from "../contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../contracts/index_cache.ts";
import { type ArchiveFacts, inspectArchive } from "./packages/archive.ts";
import { type DigestFactory, type Digests, DigestTap } from "./digests.ts";
import { digestStored, layMetadata } from "./intake.ts";
import { type Log, reasonOf } from "./log.ts";
import { normalizeName, parseFilename } from "./packages/names.ts";
import { isStorable, metadataPath, ownPath } from "./paths.ts";
import { compareVersions } from "../contracts/versions.ts";

/** What uploads go to. */
export interface UploadParts {
  /** Where files go. */
  readonly files: FileStore;
  /** Where records go. */
  readonly index: IndexCache;
  /** Computes digests. */
  readonly digests: DigestFactory;
  /** Dates records whose file the store cannot date. */
  readonly clock: Clock;
  /** Told of uploads. */
  readonly log: Log;
}

/** A file taken aside, with its digests. */
export interface StagedUpload {
  /** The bytes. */
  readonly staged: StagedFile;
  /** What they are. */
  readonly digests: Digests;
}

/** What the sender says of a file. Absent facts are not checked. */
export interface UploadClaims {
  /** Its name. */
  readonly filename: string;
  /** The name of the project. */
  readonly name?: string;
  /** The version. */
  readonly version?: string;
  /** `bdist_wheel` or `sdist`. */
  readonly filetype?: string;
  /** Its SHA-256 in hexadecimal. */
  readonly sha256?: string;
  /** Its MD5 in hexadecimal. */
  readonly md5?: string;
  /** Its BLAKE2b-256 in hexadecimal. */
  readonly blake2b?: string;
  /** Who sends it. */
  readonly uploader?: string;
}

/** How to publish. */
export interface PublishOptions {
  /** Whether the sender may upload to a project, by its normalised name. Default: to every one. */
  readonly mayWrite?: (project: string) => boolean;
}

/** How often a record is entered that others change meanwhile. */
const ATTEMPTS = 8;

/** Takes uploads. */
export class Uploads {
  readonly #parts: UploadParts;

  /** Takes what uploads go to. */
  constructor(parts: UploadParts) {
    this.#parts = Object.freeze({ ...parts });
  }

  /** Takes bytes aside. More than `maxBytes` of them are refused. */
  async stage(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<StagedUpload> {
    const tap = new DigestTap(undefined, this.#parts.digests);
    let sizeBytes = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
        controller.enqueue(chunk);
      },
    });
    try {
      const passing = body.pipeThrough(counted).pipeThrough(tap);
      const staged = await this.#parts.files.stage(passing, maxBytes);
      return { staged, digests: tap.result() };
    } catch (error) {
      // The store may wrap what the stream threw, or have counted faster.
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      throw error;
    }
  }

  /**
   * Judges and publishes what was staged, which is discarded in any other case. Answers the record
   * and whether it is new. Throws `UploadRefusedError`, `InvalidFilenameError` and
   * `InvalidDistributionError` for what is wrong with the upload.
   */
  async publish(
    upload: StagedUpload,
    claims: UploadClaims,
    { mayWrite = () => true }: PublishOptions = {},
  ): Promise<{ record: PackageFile; isNew: boolean }> {
    try {
      checkName(claims);
      checkDigests(claims, upload.digests);
      const known = await this.#parts.index.fetch(claims.filename);
      if (known !== undefined) {
        checkRight(known.project, claims, mayWrite);
        const same = this.#sameOrRefused(known, upload.digests);
        if (same.upstream === undefined) {
          return { record: await this.#completed(same, upload, claims), isNew: false };
        }
      }
      const facts = await inspectArchive(claims.filename, upload.staged);
      checkClaims(claims, facts);
      checkRight(normalizeName(facts.metadata.name), claims, mayWrite);
      return { record: await this.#publish(upload, claims, facts), isNew: true };
    } finally {
      await upload.staged.discard();
    }
  }

  async #publish(
    upload: StagedUpload,
    claims: UploadClaims,
    facts: ArchiveFacts,
  ): Promise<PackageFile> {
    const { files, index, log } = this.#parts;
    const project = normalizeName(facts.metadata.name);
    const path = ownPath(project, claims.filename);
    if (!(await index.project(project)).isClaimed) await index.claim(project, true);
    if (await upload.staged.publish(path) === "exists") {
      const found = await digestStored(files, path, this.#parts.digests);
      if (found !== upload.digests.hex.sha256) throw alreadyExists(claims.filename, undefined);
    }
    const archive = await layMetadata(files, path, facts);
    const record = { ...await this.#recordOf(upload, claims, path), ...archive };
    const entered = await this.#enter(record, upload.digests);
    log("info", `Published "${claims.filename}"`, { project, uploader: claims.uploader });
    return await this.#completed(entered, upload, claims);
  }

  /** Enters a record. One of the same bytes that were read through gives way to it. */
  async #enter(record: PackageFile, digests: Digests): Promise<PackageFile> {
    const { index } = this.#parts;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const there = this.#sameOrRefused(await index.add(record), digests);
      if (there.upstream === undefined) return there;
      if (!await index.replace(there, record)) continue;
      await this.#dropCopy(there);
      return record;
    }
    throw new BackendError(index.name, "add", `The record of "${record.filename}" keeps changing`);
  }

  /** Removes what was read through, now that the same bytes are ours. */
  async #dropCopy({ filename, path }: PackageFile): Promise<void> {
    const { files, log } = this.#parts;
    try {
      await files.delete(metadataPath(path));
      await files.delete(path);
    } catch (error) {
      log("warn", `Left the copy of "${filename}" that was read through: ${reasonOf(error)}`);
    }
  }

  /**
   * A record of the same bytes with what only an upload knows. A scan takes a file in that it finds
   * before its record is there, be it that the upload was slow or that its process died.
   */
  async #completed(
    record: PackageFile,
    { digests: { hex } }: StagedUpload,
    { uploader }: UploadClaims,
  ): Promise<PackageFile> {
    const { md5 = "", blake2b = "" } = hex;
    const known = { md5, blake2b, ...uploader === undefined ? {} : { uploader } };
    const complete = { ...known, ...record };
    if (Object.keys(complete).length === Object.keys(record).length) return record;
    return await this.#parts.index.replace(record, complete) ? complete : record;
  }

  #sameOrRefused(record: PackageFile, { hex }: Digests): PackageFile {
    const { filename, sha256, blake2b, upstream } = record;
    if (sha256 === hex.sha256) return record;
    if (upstream !== undefined) {
      this.#parts.log("warn", `Refused "${filename}": other content under it was read through`, {
        upstream,
      });
    }
    throw alreadyExists(filename, blake2b);
  }

  async #recordOf(
    { digests: { sizeBytes, hex } }: StagedUpload,
    { filename, uploader }: UploadClaims,
    path: string,
  ): Promise<Omit<PackageFile, "project" | "version">> {
    const { files, clock } = this.#parts;
    // The store's own date, so that a scan finds record and file in agreement.
    const uploadedAt = (await files.head(path))?.modifiedAt ?? clock.now();
    const { sha256 = "", md5 = "", blake2b = "" } = hex;
    const record = { filename, uploadedAt, sizeBytes, sha256, md5, blake2b, path };
    return uploader === undefined ? record : { ...record, uploader };
  }
}

function checkName({ filename, name, filetype }: UploadClaims): void {
  const parsed = isStorable(filename) ? parseFilename(filename, name) : undefined;
  if (parsed === undefined) {
    const whose = name === undefined ? "" : ` of project "${excerpt(name)}"`;
    throw new InvalidFilenameError(
      filename,
      `is no name of a wheel or source distribution${whose}; ` +
        `expected "name-version-python-abi-platform.whl" or "name-version.tar.gz"`,
    );
  }
  const kind = parsed.kind === "wheel" ? "bdist_wheel" : "sdist";
  if (filetype !== undefined && filetype !== kind) {
    throw new UploadRefusedError(
      "form",
      `Invalid value for filetype: "${excerpt(filetype)}" is not "${kind}"`,
    );
  }
}

// By the archive's own name: forms and filenames say what their senders like.
function checkRight(
  project: string,
  { uploader }: UploadClaims,
  mayWrite: NonNullable<PublishOptions["mayWrite"]>,
): void {
  if (mayWrite(project)) return;
  const who = uploader === undefined ? "A user" : `The user '${excerpt(uploader)}'`;
  const message = `${who} is not allowed to upload to project '${project}'.`;
  throw new UploadRefusedError("forbidden", message);
}

function checkDigests(claims: UploadClaims, { hex }: Digests): void {
  for (const algorithm of ["sha256", "md5", "blake2b"] as const) {
    const claimed = claims[algorithm];
    if (claimed === undefined || claimed.toLowerCase() === hex[algorithm]) continue;
    throw new UploadRefusedError(
      "digest",
      "The digest supplied does not match a digest calculated from the uploaded file.",
    );
  }
}

function checkClaims(claims: UploadClaims, { metadata }: ArchiveFacts): void {
  const { filename, name, version } = claims;
  if (name !== undefined && normalizeName(name) !== normalizeName(metadata.name)) {
    throw new InvalidFilenameError(
      filename,
      `is a file of project "${excerpt(metadata.name)}", not of "${excerpt(name)}"`,
    );
  }
  if (version !== undefined && compareVersions(version, metadata.version) !== 0) {
    throw new InvalidFilenameError(
      filename,
      `is a file of version "${excerpt(metadata.version)}", not of "${excerpt(version)}"`,
    );
  }
}

function alreadyExists(filename: string, blake2b: string | undefined): UploadRefusedError {
  const hash = blake2b === undefined ? "" : `, with blake2_256 hash '${blake2b}'`;
  return new UploadRefusedError("exists", `File already exists ('${filename}'${hash}).`);
}

function tooLarge(maxBytes: number): UploadRefusedError {
  const limit = maxBytes >= 1_048_576
    ? `${Math.floor(maxBytes / 1_048_576)} MB`
    : `${maxBytes} bytes`;
  return new UploadRefusedError("too-large", `File too large. The limit is ${limit}.`);
}
