/**
 * Walking through a tar archive that arrives in chunks.
 *
 * A tar archive is a row of members, each a header block of 512 bytes and then its content, filled
 * up to whole blocks; two blocks of zeros end it. Paths and sizes that do not fit the header stand
 * in members of their own before it, in two dialects: pax records and GNU long names. Source:
 * POSIX.1-2017, `pax`, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
 *
 * Members that could be read in two ways are refused: sparse files, devices, global records that
 * rename what follows. The caller is shown one member after the other and may read a content; what
 * it does not read is skipped.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { checkLink, checkPath, topOf } from "./archive_paths.ts";
import { ByteQueue } from "./byte_queue.ts";

/** One member of the archive. */
export interface TarMember {
  /** Its path, without `./` before it and without the slash after a folder's. */
  readonly path: string;
  /** What it is; a link is hard or symbolic. */
  readonly kind: "file" | "folder" | "link";
  /** The length of its content. */
  readonly sizeBytes: number;
  /** Its content, which must be read, if at all, before the next member is asked for. */
  content(): Promise<Uint8Array>;
}

/** Facts from the members before one. */
interface Overrides {
  path?: string;
  target?: string;
  sizeBytes?: number;
}

const BLOCK = 512;
const MOST_MEMBERS = 100_000;

/** The longest record of paths and the like. */
const LONGEST_RECORD = 1024 * 1024;

const KINDS: Readonly<Record<string, TarMember["kind"]>> = Object.freeze({
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "link",
  "5": "folder",
  "7": "file",
});

/**
 * The members of a tar archive, in order. Throws an `InvalidDistributionError` where it is not
 * sound. A caller that asks for no more leaves the rest of the chunks unread.
 */
export async function* tarMembers(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<TarMember, void, undefined> {
  const queue = new ByteQueue(chunks);
  try {
    yield* walk(queue);
  } finally {
    await queue.end();
  }
}

async function* walk(queue: ByteQueue): AsyncGenerator<TarMember, void, undefined> {
  let overrides: Overrides = {};
  for (let count = 0; count < MOST_MEMBERS; count++) {
    const header = await take(queue, BLOCK);
    if (header.every((byte) => byte === 0)) return await checkEnd(queue);
    checkSum(header);
    const type = String.fromCharCode(header[156]!);
    const sizeBytes = overrides.sizeBytes ?? numberAt(header, 124, 12);
    if ("xgLK".includes(type)) {
      const record = await takeRecord(queue, numberAt(header, 124, 12));
      overrides = { ...overrides, ...readRecord(type, record) };
      continue;
    }
    const member = describe(header, { type, sizeBytes, overrides });
    overrides = {};
    if (member !== undefined) yield* show(queue, member);
  }
  refuse("it has too many members");
}

/** Yields a member, and skips whatever of its content has not been read. */
async function* show(
  queue: ByteQueue,
  member: Omit<TarMember, "content">,
): AsyncGenerator<TarMember, void, undefined> {
  let unread = member.sizeBytes;
  yield {
    ...member,
    content: async () => {
      unread = 0;
      return await take(queue, member.sizeBytes);
    },
  };
  const filling = -member.sizeBytes & (BLOCK - 1);
  if (!await queue.skip(unread + filling)) refuse("it is truncated");
}

function describe(
  header: Uint8Array,
  { type, sizeBytes, overrides }: { type: string; sizeBytes: number; overrides: Overrides },
): Omit<TarMember, "content"> | undefined {
  const kind = KINDS[type] ?? refuse(`it has a member of type "${type}", such as a sparse file`);
  const path = withoutLastSlashes((overrides.path ?? pathOf(header)).replace(/^(?:\.\/)+/, ""));
  if ((path === "" || path === ".") && kind === "folder") return undefined;
  checkPath(path);
  if (kind === "link") {
    const target = overrides.target ?? textAt(header, 157, 100);
    checkLink(type === "2" ? path : "", target, topOf(path));
  }
  return { path, kind, sizeBytes: kind === "file" ? sizeBytes : 0 };
}

// By a pattern, a path of nothing but slashes would take time that grows with its length's square.
function withoutLastSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** Old tar has no prefix; ustar puts the front of a long path there. */
function pathOf(header: Uint8Array): string {
  const name = textAt(header, 0, 100);
  const isUstar = textAt(header, 257, 6) === "ustar";
  const prefix = isUstar ? textAt(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function readRecord(type: string, record: Uint8Array): Overrides {
  if (type === "L") return { path: textAt(record, 0, record.length) };
  if (type === "K") return { target: textAt(record, 0, record.length) };
  const found = readPax(record);
  if (type === "g" && ["path", "linkpath", "size"].some((key) => found.has(key))) {
    refuse("it has a global record that renames its members");
  }
  const [path, target, size] = [found.get("path"), found.get("linkpath"), found.get("size")];
  return {
    ...(path === undefined ? {} : { path }),
    ...(target === undefined ? {} : { target }),
    ...(size === undefined ? {} : { sizeBytes: wholeNumber(size, 10) }),
  };
}

/** Records of the form `length key=value\n`, the length counting itself. */
function readPax(bytes: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const blank = bytes.indexOf(0x20, at);
    const digits = decode(bytes.subarray(at, blank < 0 ? at : blank));
    const end = at + wholeNumber(digits, 10);
    const [, key, value] = /^([^=]+)=(.*)\n$/s.exec(decode(bytes.subarray(blank + 1, end))) ?? [];
    if (key === undefined || end > bytes.length) refuse("it has a malformed pax record");
    if (key.startsWith("GNU.sparse")) refuse("it has a sparse member");
    found.set(key, value!);
    at = end;
  }
  return found;
}

function checkSum(header: Uint8Array): void {
  const stated = wholeNumber(textAt(header, 148, 8).trim(), 8);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== stated) refuse("it has a header with a wrong check sum");
}

/** A number in octal digits, or, where they do not suffice, in base 256 after a high bit. */
function numberAt(bytes: Uint8Array, offset: number, length: number): number {
  if (bytes[offset] !== 0x80) return wholeNumber(textAt(bytes, offset, length).trim() || "0", 8);
  const field = bytes.subarray(offset + 1, offset + length);
  const number = field.reduce((total, byte) => total * 256 + byte, 0);
  return Number.isSafeInteger(number) ? number : refuse("it states an impossible size");
}

function wholeNumber(digits: string, base: 8 | 10): number {
  const isNumber = base === 8 ? /^[0-7]{1,12}$/.test(digits) : /^[0-9]{1,15}$/.test(digits);
  return isNumber ? parseInt(digits, base) : refuse("it has a malformed number");
}

/** Text up to the first zero byte. */
function textAt(bytes: Uint8Array, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decode(end < 0 ? field : field.subarray(0, end));
}

/** Paths of old archives may be in any encoding: replaced characters serve as well here. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

async function takeRecord(queue: ByteQueue, length: number): Promise<Uint8Array> {
  if (length > LONGEST_RECORD) refuse("it has a record that is too long");
  const record = await take(queue, length);
  if (!await queue.skip(-length & (BLOCK - 1))) refuse("it is truncated");
  return record;
}

async function take(queue: ByteQueue, length: number): Promise<Uint8Array> {
  return await queue.take(length) ?? refuse("it is truncated");
}

/** After the first block of zeros nothing but zeros may follow. */
async function checkEnd(queue: ByteQueue): Promise<void> {
  for await (const chunk of queue.rest()) {
    if (chunk.some((byte) => byte !== 0)) refuse("it has data after its end");
  }
}

function refuse(reason: string): never {
  throw new InvalidDistributionError(reason);
}
