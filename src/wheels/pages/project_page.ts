/** What a project's page says, before it is written as JSON or HTML. */

/** The content of a project's page. */
export interface ProjectPage {
  /** The normalised name. */
  readonly project: string;
  /** The serial of the project's own files; 0 where it never had any. */
  readonly serial: number;
  /** The files, ordered by version and filename. */
  readonly files: readonly IndexFile[];
  /** Every version of the files, and others the upstream knows, in PEP 440 order. */
  readonly versions: readonly string[];
  /** The status of the project (PEP 792), where it is known. */
  readonly status?: ProjectStatus;
}

/** A project's status marker (PEP 792). */
export interface ProjectStatus {
  /** `active`, `archived`, `quarantined` or `deprecated`. */
  readonly status: string;
  /** Why, in the words of the project or the index. */
  readonly reason?: string;
}

/** One file as a page lists it. Absent facts are left out, never `null`. */
export interface IndexFile {
  /** Its name. */
  readonly filename: string;
  /** Where it is to be had, relative to the page and percent-encoded. */
  readonly url: string;
  /** Its SHA-256 in hexadecimal, where it is known. */
  readonly sha256?: string;
  /** Its length, where it is known. */
  readonly sizeBytes?: number;
  /** When it was uploaded, as an ISO 8601 instant in UTC with at most six decimals. */
  readonly uploadTime?: string;
  /** `Requires-Python` of its metadata. */
  readonly requiresPython?: string;
  /** SHA-256 of its core metadata, where those bytes are to be had. */
  readonly metadataSha256?: string;
  /** Whether it is yanked: `true`, or the reason. */
  readonly yanked?: true | string;
  /** The absolute address of its provenance. */
  readonly provenance?: string;
}

/**
 * The address of a file relative to its project's page: below `packages/`, the key in three parts
 * and the filename. The key is the file's SHA-256, so that other content has another address.
 */
export function fileUrl(key: string, filename: string): string {
  return `../../packages/${key.slice(0, 2)}/${key.slice(2, 4)}/${key.slice(4)}/${
    encodeURIComponent(filename)
  }`;
}
