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
import { BackendError, UploadRefusedError } from "../contracts/errors.ts";
import type { FileStore, StagedFile } from "../contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../contracts/index_cache.ts";
import { type ArchiveFacts, inspectArchive } from "./packages/archive.ts";
import { type DigestFactory, type Digests, DigestTap } from "./digests.ts";
import { digestStored, layMetadata } from "./intake.ts";
import { type Log, reasonOf } from "./log.ts";
import { type Attestation, parseAttestations } from "./packages/attestations.ts";
import { normalizeName } from "./packages/names.ts";
import { metadataPath, ownPath } from "./paths.ts";
import { layProvenance } from "./provenance.ts";
import { isNameUsed } from "./removal.ts";
import type { Rules } from "./rules/rules.ts";
import {
  alreadyExists,
  checkClaims,
  checkDigests,
  checkName,
  checkRight,
  checkRules,
  nameUsed,
  tooLarge,
} from "./upload_checks.ts";

/** What uploads go to. */
export interface UploadParts {
  /** Where files go. */
  readonly files: FileStore;
  /** Where records go. */
  readonly index: IndexCache;
  /** Computes digests. */
  readonly digests: DigestFactory;
  /** What is laid down for uploads. */
  readonly rules: Rules;
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
  /** Its attestations (PEP 740): a list in JSON. They are checked, and kept with a new file. */
  readonly attestations?: string;
  /** Who sends it. */
  readonly uploader?: string;
}

/** How to publish. */
export interface PublishOptions {
  /** Whether the sender may upload to a project, by its normalised name. Default: to every one. */
  readonly mayWrite?: (project: string) => boolean;
  /** The largest file of projects of which nothing else is laid down, in bytes. Default: any. */
  readonly maxBytes?: number;
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

  /** Takes bytes aside. More than `maxBytes` of them are refused, for a project if it is named. */
  async stage(
    body: ReadableStream<Uint8Array>,
    maxBytes: number,
    { project }: { readonly project?: string } = {},
  ): Promise<StagedUpload> {
    const tap = new DigestTap(undefined, this.#parts.digests);
    let sizeBytes = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > maxBytes) throw tooLarge(maxBytes, project);
        controller.enqueue(chunk);
      },
    });
    try {
      const passing = body.pipeThrough(counted).pipeThrough(tap);
      const staged = await this.#parts.files.stage(passing, maxBytes);
      return { staged, digests: tap.result() };
    } catch (error) {
      // The store may wrap what the stream threw, or have counted faster.
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes, project);
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
    { mayWrite = () => true, maxBytes = Infinity }: PublishOptions = {},
  ): Promise<{ record: PackageFile; isNew: boolean }> {
    try {
      checkName(claims);
      checkDigests(claims, upload.digests);
      const attestations = attestationsOf(claims, upload.digests);
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
      const project = normalizeName(facts.metadata.name);
      checkRight(project, claims, mayWrite);
      checkRules(this.#parts.rules, {
        project,
        version: facts.metadata.version,
        digests: upload.digests,
      }, maxBytes);
      await this.#checkUnused(project, claims);
      const judged = { ...facts, ...attestations && { attestations } };
      return { record: await this.#publish(upload, claims, judged), isNew: true };
    } finally {
      await upload.staged.discard();
    }
  }

  async #publish(
    upload: StagedUpload,
    claims: UploadClaims,
    facts: ArchiveFacts & { readonly attestations?: readonly Attestation[] },
  ): Promise<PackageFile> {
    const { files, index, log } = this.#parts;
    const { attestations } = facts;
    const project = normalizeName(facts.metadata.name);
    const path = ownPath(project, claims.filename);
    if (!(await index.project(project)).isClaimed) await index.claim(project, true);
    if (await upload.staged.publish(path) === "exists") {
      const found = await digestStored(files, path, this.#parts.digests);
      if (found !== upload.digests.hex.sha256) throw alreadyExists(claims.filename, undefined);
    }
    const archive = await layMetadata(files, path, facts);
    if (attestations !== undefined) await layProvenance(files, path, attestations);
    const record = {
      ...await this.#recordOf(upload, claims, path),
      ...archive,
      ...attestations && { hasProvenance: true as const },
    };
    const entered = await this.#enter(record, upload.digests);
    log("info", `Published "${claims.filename}"`, { project, uploader: claims.uploader });
    return await this.#completed(entered, upload, claims);
  }

  async #checkUnused(project: string, { filename }: UploadClaims): Promise<void> {
    const { files, rules } = this.#parts;
    if (!rules.reusesNames && await isNameUsed(files, project, filename)) throw nameUsed();
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

function attestationsOf(
  { filename, attestations }: UploadClaims,
  { hex: { sha256 = "" } }: Digests,
): readonly Attestation[] | undefined {
  if (attestations === undefined) return undefined;
  try {
    const parsed = parseAttestations(attestations, { filename, sha256 });
    return parsed.length === 0 ? undefined : parsed;
  } catch (error) {
    throw new UploadRefusedError("form", `${reasonOf(error)}.`);
  }
}
