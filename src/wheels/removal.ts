/**
 * Removing a file: what lies beside it, the file, and then its record, as a scan does with a record
 * whose file is gone.
 *
 * First of all a mark is left that a file of this name and digest was here, so that clients with an old
 * lock file learn what became of it, and nobody else's bytes get its name. What lies beside the file
 * goes before it, because as soon as that is gone another one of its name may be published where that
 * is allowed. A process that dies in between leaves a record without a file, which the next scan
 * removes, or a file that can be removed again. The project stays claimed, so that its name never goes
 * to the upstream.
 */

import type { FileStore } from "../contracts/file_store.ts";
import type { PackageFile } from "../contracts/index_cache.ts";
import { projectCandidates } from "./packages/names.ts";
import { isStorable, metadataPath, provenancePath, removalPath } from "./paths.ts";
import type { Reach } from "./reach.ts";
import { nothingScanned, Scan, type ScanParts } from "./scan.ts";
import { sha256Hex } from "./sha256_hex.ts";
import { readAll } from "./upstream/read_all.ts";

/** How often a record is looked at that others change meanwhile. */
const ATTEMPTS = 8;

/**
 * Removes a file with its metadata and its record; answers whether there was a record. Of two removals
 * at once both may answer `true`. A file that is published again meanwhile stays, with its record.
 */
export async function removeFile(parts: ScanParts, filename: string): Promise<boolean> {
  const { index, files } = parts;
  const found = await index.fetch(filename);
  if (found === undefined) return false;
  if (found.upstream === undefined) await leaveMark(files, found);
  await files.delete(metadataPath(found.path));
  await files.delete(provenancePath(found.path));
  await files.delete(found.path);
  const scan = new Scan(parts, false, nothingScanned);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await index.fetch(filename);
    if (record === undefined || await files.head(record.path) !== undefined) break;
    await scan.judge([record], () => Promise.resolve(true));
  }
  return true;
}

/** Whether a file of a project's had this name once, and was deleted. */
export async function isNameUsed(
  files: FileStore,
  project: string,
  filename: string,
): Promise<boolean> {
  return await files.head(removalPath(project, filename)) !== undefined;
}

/** Whether a file that had this name and digest was deleted, as far as somebody may know. */
export async function wasRemoved(
  files: FileStore,
  { key, filename }: { readonly key: string; readonly filename: string },
  reach: Reach,
): Promise<boolean> {
  if (!isStorable(filename)) return false;
  for (const project of projectCandidates(filename)) {
    if (!reach.mayRead(project)) continue;
    const mark = await files.read(removalPath(project, filename));
    if (mark === undefined) continue;
    return new TextDecoder().decode(await readAll(mark.body)).trim() === key;
  }
  return false;
}

async function leaveMark(
  files: FileStore,
  { project, filename, sha256 }: PackageFile,
): Promise<void> {
  const bytes = new TextEncoder().encode(`${sha256}\n`);
  const expected = { sizeBytes: bytes.byteLength, sha256: await sha256Hex(bytes) };
  await files.put(removalPath(project, filename), new Blob([bytes]).stream(), expected);
}
