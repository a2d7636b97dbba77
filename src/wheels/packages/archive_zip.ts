/**
 * Wheels, and source distributions in zip archives.
 *
 * A wheel has one folder `project-version.dist-info` with METADATA, WHEEL and RECORD in it (PEP
 * 427); a source distribution has one folder at its top with PKG-INFO in it.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { topOf } from "./archive_paths.ts";
import { normalizeName, type ParsedFilename } from "./names.ts";
import type { RangeSource } from "./range_source.ts";
import { versionKey } from "../../contracts/versions.ts";
import { readZipDirectory, type ZipEntry } from "./zip_directory.ts";
import { checkZipEntries, readZipEntry } from "./zip_entries.ts";

/** Larger metadata is refused; the largest known has a tenth of it. */
export const LARGEST_METADATA: number = 4 * 1024 * 1024;

/** An archive may grow fiftyfold, and to 64 MiB at any rate. */
export const LARGEST_GROWTH = 50;
export const ALWAYS_ALLOWED: number = 64 * 1024 * 1024;

const DIST_INFO = ".dist-info";

/**
 * The bytes of METADATA or PKG-INFO. Throws an `InvalidDistributionError` if the archive is not
 * sound; the local headers of all entries are judged if `isThorough`, else only of this one.
 */
export async function readZipMetadata(
  parsed: ParsedFilename,
  source: RangeSource,
  isThorough: boolean,
): Promise<Uint8Array> {
  const directory = await readZipDirectory(source);
  checkGrowth(directory.entries, source.sizeBytes);
  const entry = parsed.kind === "wheel"
    ? wheelMetadata(directory.entries, parsed)
    : sdistMetadata(directory.entries);
  const metadata = await readZipEntry(directory, entry, LARGEST_METADATA);
  if (isThorough) await checkZipEntries(directory);
  return metadata;
}

/** The bytes of a wheel's WHEEL file. Throws an `InvalidDistributionError` if there is none. */
export async function readWheelFile(
  parsed: ParsedFilename,
  source: RangeSource,
): Promise<Uint8Array> {
  const directory = await readZipDirectory(source);
  const entry = fileAt(directory.entries, `${infoFolder(directory.entries, parsed)}/WHEEL`);
  return await readZipEntry(directory, entry, LARGEST_METADATA);
}

function checkGrowth(entries: readonly ZipEntry[], sizeBytes: number): void {
  const contentBytes = entries.reduce((sum, entry) => sum + entry.contentBytes, 0);
  if (contentBytes > Math.max(ALWAYS_ALLOWED, LARGEST_GROWTH * sizeBytes)) {
    refuse(`it grows more than ${LARGEST_GROWTH}-fold when unpacked`);
  }
}

function wheelMetadata(entries: readonly ZipEntry[], parsed: ParsedFilename): ZipEntry {
  const folder = infoFolder(entries, parsed);
  for (const name of ["WHEEL", "RECORD"]) fileAt(entries, `${folder}/${name}`);
  return fileAt(entries, `${folder}/METADATA`);
}

/** The folder of a wheel's own files. */
function infoFolder(entries: readonly ZipEntry[], parsed: ParsedFilename): string {
  const tops = new Set(entries.map(({ path }) => topOf(path)));
  const folders = [...tops].filter((top) => top.endsWith(DIST_INFO));
  if (folders.length > 1) refuse(`it has ${folders.length} .dist-info folders`);
  const folder = folders[0] ?? refuse("METADATA not found: it has no .dist-info folder");
  checkFolder(folder, parsed);
  return folder;
}

function checkFolder(folder: string, parsed: ParsedFilename): void {
  const [name, version, ...rest] = folder.slice(0, -DIST_INFO.length).split("-");
  const isRight = rest.length === 0 && normalizeName(name!) === parsed.project &&
    versionKey(version?.replaceAll("_", "-") ?? "") === versionKey(parsed.version);
  if (!isRight) refuse(`its folder "${folder}" does not agree with the name "${parsed.filename}"`);
}

function sdistMetadata(entries: readonly ZipEntry[]): ZipEntry {
  const tops = new Set(entries.map(({ path }) => topOf(path)));
  if (tops.size > 1) refuse("it has more than one folder at its top");
  return fileAt(entries, `${[...tops][0] ?? ""}/PKG-INFO`);
}

function fileAt(entries: readonly ZipEntry[], path: string): ZipEntry {
  const found = entries.find((entry) => entry.path === path);
  return found ?? refuse(`${path.slice(path.lastIndexOf("/") + 1)} not found at "${path}"`);
}

function refuse(reason: string): never {
  throw new InvalidDistributionError(reason);
}
