/**
 * The entries of a zip archive: their local headers, and taking one out.
 *
 * Before the data of each entry lies a local header that repeats what the central directory
 * states, and after it, where the sizes were not yet known when it was written, a descriptor.
 * Programs that read an archive from its front believe these, so they must agree with the
 * directory, and the entries must follow each other without gap or overlap: then there is one
 * reading only. Source: PKWARE's APPNOTE 6.3, section 4.3.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { crc32 } from "./crc32.ts";
import { inflateRaw } from "./inflate.ts";
import { readExtra, type ZipDirectory, type ZipEntry } from "./zip_directory.ts";

const HEADER_BYTES = 30;
const LONGEST_EXTRA = 0xffff;
const LONGEST_DESCRIPTOR = 24;
const HEADER_SIGNATURE = 0x04034b50;
const DESCRIPTOR_SIGNATURE = 0x08074b50;

const STORED = 0;
const DEFLATED = 8;

/** The sizes and check sum follow the data. */
const HAS_DESCRIPTOR = 0x0008;

const FULL32 = 0xffffffff;
const ZIP64_EXTRA = 0x0001;

/** An entry with its place among the others. */
interface Placed {
  readonly entry: ZipEntry;
  /** Where the next entry, or the directory, begins. */
  readonly end: number;
}

/** Judges the local headers of all entries, and that they join. */
export async function checkZipEntries(directory: ZipDirectory): Promise<void> {
  for (const [index, entry] of directory.entries.entries()) {
    await locate(directory, { entry, end: endOf(directory, index) });
  }
}

/**
 * The content of an entry, judged by its local header, size and check sum. One that is larger than
 * `mostBytes`, or grows more than fiftyfold, is refused unread.
 */
export async function readZipEntry(
  directory: ZipDirectory,
  entry: ZipEntry,
  mostBytes: number,
): Promise<Uint8Array> {
  if (entry.contentBytes > mostBytes || entry.compressedBytes > mostBytes || isBomb(entry)) {
    refuse(`its "${entry.path}" is too large`);
  }
  const end = endOf(directory, directory.entries.indexOf(entry));
  const mostOverhead = HEADER_BYTES + entry.rawPath.length + LONGEST_EXTRA + LONGEST_DESCRIPTOR;
  const length = Math.min(end - entry.offset, mostOverhead + entry.compressedBytes);
  const whole = await directory.reader.read({ offset: entry.offset, length });
  const dataAt = await locate(directory, { entry, end });
  const data = whole.slice(dataAt - entry.offset, dataAt - entry.offset + entry.compressedBytes);
  const content = entry.method === STORED ? data : await inflateRaw(data, entry.contentBytes);
  if (content.length !== entry.contentBytes || crc32(content) !== entry.crc32) {
    refuse(`its "${entry.path}" is corrupt`);
  }
  return content;
}

/** Small entries may well grow more: a file of blank lines is no attack. */
function isBomb({ contentBytes, compressedBytes }: ZipEntry): boolean {
  return contentBytes > 64 * 1024 && contentBytes > 50 * compressedBytes;
}

function endOf(directory: ZipDirectory, index: number): number {
  return directory.entries[index + 1]?.offset ?? directory.offset;
}

/** Where an entry's data begins, once its header and descriptor have been judged. */
async function locate(directory: ZipDirectory, { entry, end }: Placed): Promise<number> {
  checkSizes(entry);
  const { reader } = directory;
  const room = end - entry.offset - HEADER_BYTES - entry.compressedBytes - entry.rawPath.length;
  if (room < 0) refuse(`its "${entry.path}" overlaps what follows`);
  const headerBytes = HEADER_BYTES + entry.rawPath.length;
  const header = await reader.read({ offset: entry.offset, length: headerBytes });
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const extraBytes = view.getUint16(28, true);
  const dataAt = entry.offset + headerBytes + extraBytes;
  checkHeader(view, entry);
  if (extraBytes > room) refuse(`its "${entry.path}" overlaps what follows`);
  const extra = await reader.read({ offset: dataAt - extraBytes, length: extraBytes });
  checkHeaderSizes(view, readExtra(extra), entry);
  await checkDescriptor(directory, { entry, end }, dataAt + entry.compressedBytes);
  return dataAt;
}

function checkSizes(entry: ZipEntry): void {
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    refuse(`its "${entry.path}" is compressed in a way that installers do not know`);
  }
  if (entry.method === STORED && entry.contentBytes !== entry.compressedBytes) {
    refuse(`its "${entry.path}" is stored with two sizes`);
  }
}

function checkHeader(view: DataView, entry: ZipEntry): void {
  if (view.getUint32(0, true) !== HEADER_SIGNATURE) {
    refuse(`its "${entry.path}" has no local header`);
  }
  const isSame = view.getUint16(6, true) === entry.flags &&
    view.getUint16(8, true) === entry.method &&
    view.getUint16(26, true) === entry.rawPath.length &&
    entry.rawPath.every((byte, index) => view.getUint8(HEADER_BYTES + index) === byte);
  if (!isSame) refuse(`its "${entry.path}" has a local header that differs from the directory`);
}

/** With a descriptor, check sum and sizes may be zero; else they are the directory's. */
function checkHeaderSizes(
  view: DataView,
  extra: ReadonlyMap<number, Uint8Array>,
  entry: ZipEntry,
): void {
  const long = extra.get(ZIP64_EXTRA);
  const [crc, compressed, content] = [14, 18, 22].map((at) => view.getUint32(at, true));
  const stated = long === undefined
    ? [compressed!, content!]
    : longSizes(long, [compressed!, content!]);
  const isLater = (entry.flags & HAS_DESCRIPTOR) !== 0 && crc === 0 &&
    stated.every((size) => size === 0 || size === FULL32);
  const isSame = crc === entry.crc32 && stated[0] === entry.compressedBytes &&
    stated[1] === entry.contentBytes;
  if (!isLater && !isSame) refuse(`its "${entry.path}" states two sizes`);
}

/** In a local header the extra field has the content's length first, then the compressed one. */
function longSizes(long: Uint8Array, [compressed, content]: [number, number]): [number, number] {
  const view = new DataView(long.buffer, long.byteOffset, long.byteLength);
  let at = 0;
  const next = (short: number): number => {
    if (short !== FULL32 || at + 8 > long.length) return short;
    at += 8;
    return Number(view.getBigUint64(at - 8, true));
  };
  const longContent = next(content);
  return [next(compressed), longContent];
}

async function checkDescriptor(
  { reader }: ZipDirectory,
  { entry, end }: Placed,
  offset: number,
): Promise<void> {
  const length = end - offset;
  if ((entry.flags & HAS_DESCRIPTOR) === 0 && length === 0) return;
  const isDescribed = (entry.flags & HAS_DESCRIPTOR) !== 0 && [12, 16, 20, 24].includes(length);
  if (!isDescribed) refuse(`its "${entry.path}" is followed by data that belongs to no entry`);
  const bytes = await reader.read({ offset, length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = length % 8 === 0 ? 4 : 0;
  const isSigned = at === 0 || view.getUint32(0, true) === DESCRIPTOR_SIGNATURE;
  const isLong = length - at === 20;
  const size = (index: number) =>
    isLong
      ? Number(view.getBigUint64(at + 4 + 8 * index, true))
      : view.getUint32(at + 4 + 4 * index, true);
  const isSame = view.getUint32(at, true) === entry.crc32 && size(0) === entry.compressedBytes &&
    size(1) === entry.contentBytes;
  if (!isSigned || !isSame) refuse(`its "${entry.path}" has a descriptor that differs`);
}

function refuse(reason: string): never {
  throw new InvalidDistributionError(reason);
}
