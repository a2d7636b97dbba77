/**
 * A record as PyPICloud keeps it: columns for what it searches, and a JSON map `data` for the rest.
 *
 * PyPICloud's own keys are `requires_python`, `hash_sha256`, `hash_md5`, `uploader` and `path`; the
 * others are cairn's additions, which PyPICloud carries along unread.
 */

import type { PackageFile } from "../src/contracts/index_cache.ts";
import type { SummaryFacts } from "../src/contracts/project_summaries.ts";

/** A row of the table `packages`. */
export interface PackageRow {
  /** The file's name, the primary key. */
  readonly filename: string;
  /** The normalised project name. */
  readonly name: string;
  /** The version. */
  readonly version: string;
  /** UTC, as SQLAlchemy writes it to SQLite: `2023-11-14 22:13:20.123000`. */
  readonly last_modified: string;
  /** The summary, or `null` for none. */
  readonly summary: string | null;
  /** A JSON map. */
  readonly data: string;
}

interface PackageData {
  readonly requires_python?: string;
  readonly hash_sha256?: string;
  readonly hash_md5?: string;
  readonly uploader?: string;
  readonly path?: string;
  readonly hash_blake2b?: string;
  readonly hash_metadata_sha256?: string;
  readonly size?: number;
  readonly yanked?: true | string;
  readonly upstream?: string;
}

/** The row of a record. */
export function rowOf(file: PackageFile): PackageRow {
  const data: PackageData = {
    size: file.sizeBytes,
    hash_sha256: file.sha256,
    path: file.path,
    ...file.md5 !== undefined && { hash_md5: file.md5 },
    ...file.blake2b !== undefined && { hash_blake2b: file.blake2b },
    ...file.requiresPython !== undefined && { requires_python: file.requiresPython },
    ...file.metadataSha256 !== undefined && { hash_metadata_sha256: file.metadataSha256 },
    ...file.yanked !== undefined && { yanked: file.yanked },
    ...file.uploader !== undefined && { uploader: file.uploader },
    ...file.upstream !== undefined && { upstream: file.upstream },
  };
  return {
    filename: file.filename,
    name: file.project,
    version: file.version,
    last_modified: new Date(file.uploadedAt).toISOString().replace("T", " ").replace("Z", "000"),
    summary: file.summary || null,
    data: JSON.stringify(data),
  };
}

/**
 * The record of a row; or `undefined` for a row that PyPICloud wrote, which lacks the length and
 * mostly the path, until a record of the same file replaces it.
 */
export function recordOf(row: PackageRow): PackageFile | undefined {
  const data = JSON.parse(row.data) as PackageData;
  const { size, hash_sha256: sha256, path } = data;
  if (size === undefined || sha256 === undefined || path === undefined) return undefined;
  return Object.freeze({
    filename: row.filename,
    project: row.name,
    version: row.version,
    uploadedAt: instantOf(row.last_modified),
    sizeBytes: size,
    sha256,
    path,
    ...data.hash_md5 !== undefined && { md5: data.hash_md5 },
    ...data.hash_blake2b !== undefined && { blake2b: data.hash_blake2b },
    ...data.requires_python !== undefined && { requiresPython: data.requires_python },
    ...row.summary && { summary: row.summary },
    ...data.hash_metadata_sha256 !== undefined && { metadataSha256: data.hash_metadata_sha256 },
    ...data.yanked !== undefined && { yanked: data.yanked },
    ...data.uploader !== undefined && { uploader: data.uploader },
    ...data.upstream !== undefined && { upstream: data.upstream },
  });
}

/** What a summary is made of; the row's `data` is not looked at. */
export function factsOf(row: PackageRow): SummaryFacts {
  return {
    filename: row.filename,
    project: row.name,
    version: row.version,
    uploadedAt: instantOf(row.last_modified),
    ...row.summary && { summary: row.summary },
  };
}

// Microseconds are more than a JavaScript date can hold.
function instantOf(lastModified: string): number {
  return Date.parse(`${lastModified.slice(0, 23).replace(" ", "T")}Z`);
}
