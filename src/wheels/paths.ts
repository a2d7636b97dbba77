/**
 * Where things lie in the file store.
 *
 * Files of our own lie at `PROJECT/FILENAME`, those read through at `upstream.ID/PROJECT/FILENAME`,
 * so that a rebuilt index still knows which are which: a project name has no dot, so the two cannot
 * meet. Core metadata lies beside its file.
 */

const METADATA_SUFFIX = ".metadata";

/** File stores take names of 255 bytes, and the metadata's name is the longer one. */
const LONGEST_FILENAME = 255 - METADATA_SUFFIX.length;

/** Where a file of our own lies. */
export function ownPath(project: string, filename: string): string {
  return `${project}/${filename}`;
}

/** Where a file lies that was read through. */
export function upstreamPath(upstream: string, project: string, filename: string): string {
  return `upstream.${upstream}/${project}/${filename}`;
}

/** Which upstream a path belongs to; `undefined` for a file of our own. */
export function upstreamOf(path: string): string | undefined {
  return /^upstream\.([a-z0-9-]+)\//.exec(path)?.[1];
}

/** Where the core metadata of a file lies. */
export function metadataPath(path: string): string {
  return path + METADATA_SUFFIX;
}

/** Whether something at this path is core metadata. */
export function isMetadataPath(path: string): boolean {
  return path.endsWith(METADATA_SUFFIX);
}

/** Whether a file and its metadata can be stored under this name. */
export function isStorable(filename: string): boolean {
  return filename.length <= LONGEST_FILENAME;
}
