/**
 * The end of a zip archive: its end record and central directory.
 *
 * A zip archive is read from its end. The end record, after which a comment of up to 64 KiB may
 * follow, states where the central directory lies; a locator before it leads to a second record
 * with 64-bit fields where 32 do not suffice. The directory lists every entry: its path, sizes,
 * check sum and where its local header lies. Source: PKWARE's APPNOTE 6.3, sections 4.3 and 4.5.
 *
 * Programs find the end record in different ways, so only archives that leave no choice are
 * accepted: the last signature is the record's, its comment reaches to the last byte, records and
 * directory join without a gap, and no path comes twice.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { checkPath } from "./archive_paths.ts";
import { type RangeSource, WindowedReader } from "./range_source.ts";

/** One entry as the central directory lists it. */
export interface ZipEntry {
  /** Its path; a folder's ends in a slash. */
  readonly path: string;
  /** The bytes of its path, as they must be in its local header too. */
  readonly rawPath: Uint8Array;
  /** The general purpose flags. */
  readonly flags: number;
  /** 0 for stored, 8 for deflated. */
  readonly method: number;
  /** CRC-32 of its content. */
  readonly crc32: number;
  /** Its length in the archive. */
  readonly compressedBytes: number;
  /** The length of its content. */
  readonly contentBytes: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/** What the end of an archive says. */
export interface ZipDirectory {
  /** The entries in the order of their offsets. */
  readonly entries: readonly ZipEntry[];
  /** Where the central directory begins and the last entry ends. */
  readonly offset: number;
  /** Reads on, with the end of the archive at hand. */
  readonly reader: WindowedReader;
}

/** Where the directory lies. */
interface EndRecord {
  readonly count: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

/** Enough for the end record with the longest comment and, as a rule, the whole directory. */
const TAIL_BYTES = 256 * 1024;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const ENTRY_BYTES = 46;

const MOST_ENTRIES = 100_000;
const LARGEST_DIRECTORY = 32 * 1024 * 1024;

const END_SIGNATURE = 0x06054b50;
const LOCATOR_SIGNATURE = 0x07064b50;
const END64_SIGNATURE = 0x06064b50;
const ENTRY_SIGNATURE = 0x02014b50;

const FULL16 = 0xffff;
const FULL32 = 0xffffffff;

/** Encrypted, strongly encrypted, or with masked headers. */
const ENCRYPTED = 0x0001 | 0x0040 | 0x2000;
const UTF8 = 0x0800;

/** The extra fields for 64-bit sizes, and for a second path that only some programs read. */
const ZIP64_EXTRA = 0x0001;
const UNICODE_PATH_EXTRA = 0x7075;

/** Reads the end of an archive. Throws an `InvalidDistributionError` if it is not sound. */
export async function readZipDirectory(source: RangeSource): Promise<ZipDirectory> {
  const length = Math.min(source.sizeBytes, TAIL_BYTES);
  const offset = source.sizeBytes - length;
  const tail = await source.read({ offset, length });
  const end = readEnd(tail, offset);
  const reader = new WindowedReader(source, { offset, bytes: tail });
  const bytes = await reader.read({ offset: end.offset, length: end.sizeBytes });
  const entries = readEntries(bytes, end.count).sort((a, b) => a.offset - b.offset);
  checkPaths(entries);
  if ((entries[0]?.offset ?? end.offset) !== 0) refuse("it has data before its first entry");
  return { entries, offset: end.offset, reader };
}

function readEnd(tail: Uint8Array, tailOffset: number): EndRecord {
  const view = viewOf(tail);
  const at = findEnd(view);
  const comment = view.getUint16(at + 20, true);
  if (at + END_BYTES + comment !== tail.length) {
    refuse("it has data after its end, or is truncated");
  }
  const short = {
    count: view.getUint16(at + 10, true),
    sizeBytes: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  if (view.getUint32(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== short.count) {
    refuse("it is one of several parts");
  }
  const at64 = findEnd64(view, { at, tailOffset });
  const end = at64 === undefined ? short : readEnd64(view, at64, short);
  if (end.offset + end.sizeBytes !== tailOffset + (at64 ?? at)) {
    refuse("its directory does not end at its end record");
  }
  if (end.count > MOST_ENTRIES || end.sizeBytes > LARGEST_DIRECTORY) {
    refuse("it has too many entries");
  }
  return end;
}

function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= first; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  return refuse("it is not a zip archive");
}

/** Where the 64-bit end record begins, if a locator right before the end record tells of one. */
function findEnd64(
  view: DataView,
  { at, tailOffset }: { at: number; tailOffset: number },
): number | undefined {
  const locator = at - LOCATOR_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR_SIGNATURE) return undefined;
  const end64 = locator - END64_BYTES;
  const isJoined = end64 >= 0 && view.getUint32(end64, true) === END64_SIGNATURE &&
    uint64(view, end64 + 4) === END64_BYTES - 12 &&
    uint64(view, locator + 8) === tailOffset + end64;
  if (!isJoined) refuse("its 64-bit end record is not where its locator says");
  if (view.getUint32(locator + 4, true) !== 0 || view.getUint32(locator + 16, true) > 1) {
    refuse("it is one of several parts");
  }
  return end64;
}

/** A short field must be full, which means "see the long one", or say the same. */
function readEnd64(view: DataView, at: number, short: EndRecord): EndRecord {
  const long = {
    count: uint64(view, at + 32),
    sizeBytes: uint64(view, at + 40),
    offset: uint64(view, at + 48),
  };
  const isOnePart = uint64(view, at + 16) === 0 && uint64(view, at + 24) === long.count;
  const agrees = [FULL16, long.count].includes(short.count) &&
    [FULL32, long.sizeBytes].includes(short.sizeBytes) &&
    [FULL32, long.offset].includes(short.offset);
  if (!isOnePart || !agrees) refuse("its two end records differ");
  return long;
}

function readEntries(bytes: Uint8Array, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const rest = bytes.subarray(at);
    const view = viewOf(rest);
    if (rest.length < ENTRY_BYTES || view.getUint32(0, true) !== ENTRY_SIGNATURE) {
      refuse("its directory is malformed");
    }
    const length = ENTRY_BYTES + view.getUint16(28, true) + view.getUint16(30, true) +
      view.getUint16(32, true);
    if (length > rest.length) refuse("its directory is truncated");
    entries.push(readEntry(rest.subarray(0, length)));
    at += length;
  }
  if (entries.length !== count) refuse("its directory has not as many entries as it states");
  return entries;
}

function readEntry(bytes: Uint8Array): ZipEntry {
  const view = viewOf(bytes);
  const extraAt = ENTRY_BYTES + view.getUint16(28, true);
  const rawPath = bytes.slice(ENTRY_BYTES, extraAt);
  const extra = bytes.subarray(extraAt, extraAt + view.getUint16(30, true));
  const flags = view.getUint16(8, true);
  const entry = {
    path: decodePath(rawPath, flags),
    rawPath,
    flags,
    method: view.getUint16(10, true),
    crc32: view.getUint32(16, true),
    ...readSizes(readExtra(extra), [
      view.getUint32(24, true),
      view.getUint32(20, true),
      view.getUint32(42, true),
    ]),
  };
  checkPath(entry.path);
  if ((flags & ENCRYPTED) !== 0) refuse(`it has the encrypted entry "${entry.path}"`);
  if (view.getUint16(34, true) !== 0) refuse("it is one of several parts");
  return entry;
}

/** Content, compressed size and offset, each from the extra field where the short one is full. */
function readSizes(
  extra: ReadonlyMap<number, Uint8Array>,
  short: readonly [number, number, number],
): Pick<ZipEntry, "contentBytes" | "compressedBytes" | "offset"> {
  const long = extra.get(ZIP64_EXTRA);
  let at = 0;
  const [contentBytes, compressedBytes, offset] = short.map((value) => {
    if (value !== FULL32 || long === undefined) return value;
    if (at + 8 > long.length) refuse("it has a malformed extra field");
    at += 8;
    return uint64(viewOf(long), at - 8);
  });
  return { contentBytes: contentBytes!, compressedBytes: compressedBytes!, offset: offset! };
}

/** The extra fields by their ids. */
export function readExtra(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(bytes);
  const fields = new Map<number, Uint8Array>();
  let at = 0;
  while (at + 4 <= bytes.length) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (id === UNICODE_PATH_EXTRA) refuse("it has an entry with two paths");
    if (id === ZIP64_EXTRA && fields.has(id)) refuse("it has a repeated extra field");
    fields.set(id, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (at !== bytes.length) refuse("it has a malformed extra field");
  return fields;
}

/** A path not declared as UTF-8 is decoded byte by byte: what matters is that none is lost. */
function decodePath(bytes: Uint8Array, flags: number): string {
  try {
    const encoding = (flags & UTF8) === 0 ? "latin1" : "utf-8";
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidDistributionError("it has a path that is not UTF-8", { cause });
  }
}

function checkPaths(entries: readonly ZipEntry[]): void {
  const seen = new Set<string>();
  for (const { path } of entries) {
    if (seen.has(path)) refuse(`it has the entry "${path}" twice`);
    seen.add(path);
  }
}

function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refuse(reason: string): never {
  throw new InvalidDistributionError(reason);
}
