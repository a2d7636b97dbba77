/**
 * Where things lie in the file store.
 *
 * Files of our own lie at `PROJECT/FILENAME`, those read through at `upstream.ID/PROJECT/FILENAME`,
 * so that a rebuilt index still knows which are which: a project name has no dot, so the two cannot
 * meet. Beside a file lie its core metadata and its provenance, and beside where one was that was
 * deleted, the mark that says so.
 */

import { isPendingPath } from "./pending_paths.ts";

const METADATA_SUFFIX = ".metadata";
const PROVENANCE_SUFFIX = ".provenance";
const REMOVAL_SUFFIX = ".removed";

const SUFFIXES = [METADATA_SUFFIX, PROVENANCE_SUFFIX, REMOVAL_SUFFIX];

/** File stores take names of 255 bytes, and those of what lies beside a file are longer. */
const LONGEST_FILENAME = 255 - PROVENANCE_SUFFIX.length;

/** Where a file of our own lies. */
export function ownPath(project: string, filename: string): string {
  return `${project}/${filename}`;
}

/** Where the files lie that were read through from an upstream. */
export function upstreamFolder(upstream: string): string {
  return `upstream.${upstream}/`;
}

/** Where a file lies that was read through. */
export function upstreamPath(upstream: string, project: string, filename: string): string {
  return `${upstreamFolder(upstream)}${project}/${filename}`;
}

/** Which upstream a path belongs to; `undefined` for a file of our own. */
export function upstreamOf(path: string): string | undefined {
  return /^upstream\.([a-z0-9-]+)\//.exec(path)?.[1];
}

/** Where the core metadata of a file lies. */
export function metadataPath(path: string): string {
  return path + METADATA_SUFFIX;
}

/** Where the provenance of a file lies. */
export function provenancePath(path: string): string {
  return path + PROVENANCE_SUFFIX;
}

/** Where the mark lies that a file of ours was deleted. */
export function removalPath(project: string, filename: string): string {
  return ownPath(project, filename) + REMOVAL_SUFFIX;
}

/** Whether what is at this path only lies beside a file, or belongs to an upload on its way. */
export function isBesidePath(path: string): boolean {
  return SUFFIXES.some((suffix) => path.endsWith(suffix)) || isPendingPath(path);
}

/** Whether a file and what lies beside it can be stored under this name. */
export function isStorable(filename: string): boolean {
  return filename.length <= LONGEST_FILENAME;
}
