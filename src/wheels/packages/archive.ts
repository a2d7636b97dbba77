/**
 * Judging a package file by its content, and taking its core metadata out.
 *
 * Uploads come from strangers, and a file that two programs read differently is an attack: so an
 * archive must have one meaning only. What a wheel or source distribution may look like is laid
 * down in {@linkcode inspectArchive}'s two readers, `archive_zip.ts` and `archive_tar.ts`; here
 * is what both have in common. Nothing is unpacked but the metadata, and nothing is read without
 * a bound.
 */

import { InvalidFilenameError } from "../../contracts/errors.ts";
import { excerpt } from "../../contracts/excerpt.ts";
import { type CoreMetadata, parseMetadata } from "./metadata.ts";
import { normalizeName, parseFilename } from "./names.ts";
import { versionKey } from "../../contracts/versions.ts";
import { readTarMetadata } from "./archive_tar.ts";
import { readZipMetadata } from "./archive_zip.ts";
import type { RangeSource } from "./range_source.ts";

/** What an archive says of itself. */
export interface ArchiveFacts {
  /** Its core metadata. */
  readonly metadata: CoreMetadata;
  /** The bytes of METADATA or PKG-INFO as they are in the archive. */
  readonly metadataBytes: Uint8Array;
}

/** How far an archive is judged. */
export interface InspectOptions {
  /**
   * `"all"`, the default, judges every entry, as an upload deserves: the headers of a zip archive
   * are read at each entry, a tar archive is unpacked to its end. `"metadata"` reads no more than
   * the metadata needs: of a wheel, whatever its size, two ranges as a rule.
   */
  readonly entries?: "all" | "metadata";
}

/**
 * The core metadata of a wheel or source distribution, after judging that the file is what its
 * name promises.
 *
 * Throws an `InvalidFilenameError` if the name is no package file's or is another project's or
 * version's than the metadata's, and an `InvalidDistributionError` if the archive is unsound or
 * lacks what its kind must have. Errors of the source pass through.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { inspectArchive } from "@cairn/cache/wheels";
 *
 * const bytes = new TextEncoder().encode("no archive");
 * const source = {
 *   sizeBytes: bytes.length,
 *   read: async ({ offset, length }: { offset: number; length: number }) =>
 *     bytes.slice(offset, offset + length),
 * };
 * await assert.rejects(inspectArchive("foo-1.0-py3-none-any.whl", source), {
 *   name: "InvalidDistributionError",
 * });
 * ```
 */
export async function inspectArchive(
  filename: string,
  source: RangeSource,
  options: InspectOptions = {},
): Promise<ArchiveFacts> {
  const parsed = parseFilename(filename);
  if (parsed === undefined) {
    throw new InvalidFilenameError(filename, "is no name of a wheel or source distribution");
  }
  const isThorough = options.entries !== "metadata";
  const metadataBytes = filename.endsWith(".whl") || filename.endsWith(".zip")
    ? await readZipMetadata(parsed, source, isThorough)
    : await readTarMetadata(parsed, source, isThorough);
  const metadata = parseMetadata(metadataBytes);
  checkAgreement(filename, metadata);
  return Object.freeze({ metadata, metadataBytes });
}

/** An old source distribution's name is split at the project which its metadata states. */
function checkAgreement(filename: string, metadata: CoreMetadata): void {
  const parsed = parseFilename(filename, metadata.name);
  if (parsed !== undefined && versionKey(parsed.version) === versionKey(metadata.version)) return;
  throw new InvalidFilenameError(
    filename,
    "does not agree with its metadata, " +
      `which states "${excerpt(normalizeName(metadata.name))}" ` +
      `version "${excerpt(metadata.version)}"`,
  );
}
