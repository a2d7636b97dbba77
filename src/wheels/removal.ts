/**
 * Removing a file: its metadata, the file, and then its record, as a scan does with a record whose
 * file is gone.
 *
 * The metadata goes before the file, because as soon as that is gone another one of its name may be
 * published, with metadata of its own. A process that dies in between leaves a record without a file,
 * which the next scan removes, or a file that can be removed again. The project stays claimed, so that
 * its name never goes to the upstream.
 */

import { metadataPath } from "./paths.ts";
import { nothingScanned, Scan, type ScanParts } from "./scan.ts";

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
  await files.delete(metadataPath(found.path));
  await files.delete(found.path);
  const scan = new Scan(parts, false, nothingScanned);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await index.fetch(filename);
    if (record === undefined || await files.head(record.path) !== undefined) break;
    await scan.judge([record], () => Promise.resolve(true));
  }
  return true;
}
