/**
 * The map `data` in which PyPICloud keeps what it does not search.
 *
 * Its own keys are `requires_python`, `hash_sha256`, `hash_md5`, `uploader` and `path`; the others are
 * cairn's additions, which PyPICloud carries along unread.
 */

import type { PackageFile } from "../../src/contracts/index_cache.ts";
import type { SummaryFacts } from "../../src/contracts/project_summaries.ts";

/** The map as cairn writes it; PyPICloud may have put anything into it. */
export interface PackageData {
  readonly requires_python?: string;
  readonly hash_sha256?: string;
  readonly hash_md5?: string;
  readonly uploader?: string;
  readonly path?: string;
  readonly hash_blake2b?: string;
  readonly hash_metadata_sha256?: string;
  readonly size?: number;
  readonly provenance?: true;
  readonly yanked?: true | string;
  readonly upstream?: string;
}

/** What of a record goes into the map. */
export function dataOf(file: PackageFile): PackageData {
  return {
    size: file.sizeBytes,
    hash_sha256: file.sha256,
    path: file.path,
    ...file.md5 !== undefined && { hash_md5: file.md5 },
    ...file.blake2b !== undefined && { hash_blake2b: file.blake2b },
    ...file.requiresPython !== undefined && { requires_python: file.requiresPython },
    ...file.metadataSha256 !== undefined && { hash_metadata_sha256: file.metadataSha256 },
    ...file.hasProvenance && { provenance: true as const },
    ...file.yanked !== undefined && { yanked: file.yanked },
    ...file.uploader !== undefined && { uploader: file.uploader },
    ...file.upstream !== undefined && { upstream: file.upstream },
  };
}

/**
 * A record that takes the place of a row of PyPICloud's, with what is known from there only: who
 * uploaded the file, and its MD5. A row of other bytes than the record's tells nothing.
 */
export function withLeftovers(
  file: PackageFile,
  left: Readonly<Record<string, unknown>> | undefined,
): PackageFile {
  if (left === undefined || left.size !== undefined) return file;
  const { uploader, hash_sha256: sha256, hash_md5: md5 } = left;
  if (sha256 !== undefined && sha256 !== file.sha256) return file;
  const known = {
    ...typeof uploader === "string" && { uploader },
    ...typeof md5 === "string" && sha256 !== undefined && { md5 },
  };
  const isKnown = Object.keys(known).every((name) => Object.hasOwn(file, name));
  return isKnown ? file : Object.freeze({ ...known, ...file });
}

/**
 * The record of what is kept of it; `undefined` for what PyPICloud wrote, which lacks the length and
 * mostly the path, until a record of the same file replaces it.
 */
export function recordOfData(facts: SummaryFacts, data: PackageData): PackageFile | undefined {
  const { size, hash_sha256: sha256, path } = data;
  if (size === undefined || sha256 === undefined || path === undefined) return undefined;
  const { filename, project, version, uploadedAt, summary } = facts;
  return Object.freeze({
    filename,
    project,
    version,
    uploadedAt,
    sizeBytes: size,
    sha256,
    path,
    ...data.hash_md5 !== undefined && { md5: data.hash_md5 },
    ...data.hash_blake2b !== undefined && { blake2b: data.hash_blake2b },
    ...data.requires_python !== undefined && { requiresPython: data.requires_python },
    ...summary && { summary },
    ...data.hash_metadata_sha256 !== undefined && { metadataSha256: data.hash_metadata_sha256 },
    ...data.provenance && { hasProvenance: true as const },
    ...data.yanked !== undefined && { yanked: data.yanked },
    ...data.uploader !== undefined && { uploader: data.uploader },
    ...data.upstream !== undefined && { upstream: data.upstream },
  });
}
