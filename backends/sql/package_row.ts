/** A record as PyPICloud keeps it in SQL: columns for what it searches, and `data` as JSON text. */

import type { PackageFile } from "../../src/contracts/index_cache.ts";
import { dataOf, type PackageData, recordOfData } from "../index/package_data.ts";
import type { SummaryFacts } from "../../src/contracts/project_summaries.ts";

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

/** The row of a record. */
export function rowOf(file: PackageFile): PackageRow {
  return {
    filename: file.filename,
    name: file.project,
    version: file.version,
    last_modified: new Date(file.uploadedAt).toISOString().replace("T", " ").replace("Z", "000"),
    summary: file.summary || null,
    data: JSON.stringify(dataOf(file)),
  };
}

/**
 * The record of a row; or `undefined` for a row that PyPICloud wrote, which lacks the length and
 * mostly the path, until a record of the same file replaces it.
 */
export function recordOf(row: PackageRow): PackageFile | undefined {
  return recordOfData(
    { ...factsOf(row), summary: row.summary ?? "" },
    JSON.parse(row.data) as PackageData,
  );
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
