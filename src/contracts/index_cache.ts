/**
 * The table of projects and their files, so that the index answers without touching the files.
 * The layouts are PyPICloud's, with additions beside them. Every table keeps these clauses;
 * `tests/conformance/index_cache_suite.ts` checks them.
 *
 * 1. **Identity.** A file is its filename; project names are given and kept normalised (PEP 503).
 *    Records come back as they were given, except that an empty summary is no summary.
 * 2. **Strong reads.** Every read sees every change that ended before it began.
 * 3. **Serials.** Each change of a project's files gives the project a serial greater than every
 *    one it had before, in the same step; the serial survives the last file. A call that finds
 *    nothing to change changes no serial; a `save` always counts as a change.
 * 4. **Claims.** A claimed project stays claimed, also without files, until it is unclaimed.
 * 5. **Failure** of the store is a `BackendError`, never an empty answer.
 * 6. **Versions** are ordered by PEP 440 (`contracts/versions.ts`) on every store; of files of one
 *    version the one whose filename is greater by code unit counts as the higher.
 */

/** The index of package files. */
export interface IndexCache {
  /** For messages and statistics, e.g. `"sqlite"`. */
  readonly name: string;
  /** The record of a file, or `undefined`. */
  fetch(filename: string): Promise<PackageFile | undefined>;
  /** The records of files in the order asked for, `undefined` for each unknown one. */
  fetchMany(filenames: readonly string[]): Promise<(PackageFile | undefined)[]>;
  /** A project's files, in no particular order, with its serial and claim. */
  all(project: string): Promise<ProjectFiles>;
  /** What is known of a project without reading its files. */
  project(project: string): Promise<ProjectState>;
  /** The names of all projects with files or a claim, each once, sorted by code unit. */
  distinct(): Promise<string[]>;
  /** One line about each project with files, sorted by name by code unit. */
  summary(): Promise<ProjectSummary[]>;
  /**
   * The projects with files that a query finds, as {@linkcode IndexCache.summary} tells of them, but
   * of the files found only. A query without terms finds nothing; a term is taken as it is written.
   */
  search(query: SearchQuery): Promise<ProjectSummary[]>;
  /**
   * All records, in pages of about `limit` (1 to 1,000), in an order of the store's own. A record that is
   * there from the first page to the last is listed once, whatever else changes meanwhile; a page
   * may be shorter, or empty, although more follow.
   */
  list(options: { limit: number; cursor?: string }): Promise<RecordPage>;
  /** The serial of the whole index: greater after every change. 0 when nothing ever changed. */
  serial(): Promise<number>;
  /**
   * Stores a record unless another one has its filename. Answers the record that is there
   * afterwards: the caller's, or the one that was first.
   */
  add(file: PackageFile): Promise<PackageFile>;
  /** Stores a record, replacing the one with its filename. */
  save(file: PackageFile): Promise<void>;
  /**
   * Stores many records as {@linkcode save} does, in as few trips as the store allows; of two with
   * one filename the later stays. No records do no I/O.
   */
  saveMany(files: readonly PackageFile[]): Promise<void>;
  /** Removes the record of a file; answers whether there was one. */
  clear(filename: string): Promise<boolean>;
  /**
   * Replaces a record, or removes it, if it is still the one expected; answers whether it was. What
   * replaces it has the same filename.
   */
  replace(expected: PackageFile, next: PackageFile | undefined): Promise<boolean>;
  /** Removes every record; claims and serials stay. */
  clearAll(): Promise<void>;
  /** Claims a project for this index, so that no upstream is ever asked for it; or gives it up. */
  claim(project: string, isClaimed: boolean): Promise<void>;
  /** The mark that reloads leave for each other, or `undefined`. */
  cursor(): Promise<string | undefined>;
  /** Replaces that mark if it is still `from`; answers whether it was. Changes no serial. */
  moveCursor(from: string | undefined, to: string | undefined): Promise<boolean>;
  /** Whether the table answers, and the reason if it does not. Never rejects. */
  checkHealth(): Promise<Health>;
}

/** The record of one file. Absent facts are left out, never `null` or `undefined`. */
export interface PackageFile {
  /** Its name, its identity. */
  readonly filename: string;
  /** The normalised project name (PEP 503). */
  readonly project: string;
  /** The version as the file states it. */
  readonly version: string;
  /** When it was uploaded, in epoch milliseconds. */
  readonly uploadedAt: number;
  /** Its length. */
  readonly sizeBytes: number;
  /** Its SHA-256 as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Where it lies in the file store. */
  readonly path: string;
  /** Its MD5 in hexadecimal, where it was computed. */
  readonly md5?: string;
  /** Its BLAKE2b-256 in hexadecimal, where it was computed. */
  readonly blake2b?: string;
  /** `Requires-Python` of its metadata. */
  readonly requiresPython?: string;
  /** `Summary` of its metadata. */
  readonly summary?: string;
  /** SHA-256 of its core metadata file (PEP 658), present only when those bytes are stored. */
  readonly metadataSha256?: string;
  /** Present only when attestations of it (PEP 740) are stored. */
  readonly hasProvenance?: true;
  /** Whether it is yanked (PEP 592): `true`, or the reason. */
  readonly yanked?: true | string;
  /** Who uploaded it. */
  readonly uploader?: string;
  /** The id of the upstream it was read through from; absent for files of our own. */
  readonly upstream?: string;
}

/** What is known of a project apart from its files. */
export interface ProjectState {
  /** Its serial; 0 for a project that never had files. */
  readonly serial: number;
  /** Whether it is claimed for this index. */
  readonly isClaimed: boolean;
}

/** A project's files and state, read in one step. */
export interface ProjectFiles extends ProjectState {
  /** The records. */
  readonly files: readonly PackageFile[];
}

/** What can be said of a project in one line. */
export interface ProjectSummary {
  /** Its normalised name. */
  readonly project: string;
  /** The highest version. */
  readonly version: string;
  /** The summary that the file of that version has; absent where it has none. */
  readonly summary?: string;
  /** When the newest file was uploaded, in epoch milliseconds. */
  readonly uploadedAt: number;
}

/**
 * What to look for. A term is found anywhere in a text, upper and lower case being the same
 * (Unicode's default lower-casing).
 */
export interface SearchQuery {
  /** Looked for in project names. Default: none. */
  readonly names?: readonly string[];
  /** Looked for in summaries. Default: none. */
  readonly summaries?: readonly string[];
  /**
   * `"or"`: any name term in the name, or any summary term in the summary. `"and"`: all name terms
   * in the name, or all summary terms in the summary; no terms find nothing.
   */
  readonly operator: "and" | "or";
}

/** One page of a listing of records. */
export interface RecordPage {
  /** The records. */
  readonly files: readonly PackageFile[];
  /** Where the next page starts, or `undefined` after the last one. */
  readonly cursor: string | undefined;
}

/** The answer of a health check. */
export interface Health {
  /** Whether the store answers. */
  readonly isHealthy: boolean;
  /** Why not; empty if healthy. */
  readonly reason: string;
}
