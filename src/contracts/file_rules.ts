/**
 * What every {@linkcode FileStore} checks before any I/O, so that all of them refuse the same
 * arguments and a path good for one store is good for all.
 */

import type { ByteRange, Expected } from "./file_store.ts";

/** The longest path, in UTF-8 bytes: R2 and S3 take keys of 1,024, which leaves room for a prefix. */
export const maxPathBytes = 900;

/** The longest segment of a path, in UTF-8 bytes, as most file systems have it. */
export const maxSegmentBytes = 255;

/** The most files in one page of a listing, as R2 and S3 have it. */
export const maxPageFiles = 1_000;

// Windows takes none of these in a file name, and drops dots and blanks at its end.
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const refusedCharacters = /[\u0000-\u001f\u007f-\u009f\\:*?"<>|]/;
const refusedSegment = /^$|^\.|[. ]$/;
const sha256Pattern = /^[0-9a-f]{64}$/;
const encoder = new TextEncoder();

/** Throws a `RangeError` unless `path` is one that every file store takes. */
export function checkFilePath(path: string): void {
  const reason = whyRefused(path);
  if (reason) throw new RangeError(`Cannot use path ${JSON.stringify(path)}: ${reason}`);
}

/** Whether `path` is one that every file store takes. */
export function isFilePath(path: string): boolean {
  return whyRefused(path) === undefined;
}

function whyRefused(path: string): string | undefined {
  if (!path.isWellFormed()) return "it is not well-formed Unicode";
  if (refusedCharacters.test(path)) return "it has a character that a file system refuses";
  if (encoder.encode(path).length > maxPathBytes) return `it is longer than ${maxPathBytes} bytes`;
  for (const segment of path.split("/")) {
    if (refusedSegment.test(segment)) {
      return "a segment is empty, starts with a dot, or ends with a dot or a blank";
    }
    if (encoder.encode(segment).length > maxSegmentBytes) {
      return `a segment is longer than ${maxSegmentBytes} bytes`;
    }
  }
  return undefined;
}

/** Throws a `RangeError` unless `range` lies within a file of `sizeBytes`. */
export function checkByteRange(range: ByteRange, sizeBytes: number): void {
  const { offset, length } = range;
  if (isCount(offset) && isCount(length) && offset + length <= sizeBytes) return;
  throw new RangeError(
    `Cannot read ${length} bytes from ${offset}: the file has ${sizeBytes} bytes`,
  );
}

/** Throws a `RangeError` unless a length and a digest can be promised so. */
export function checkExpected(expected: Expected): void {
  checkByteCount("sizeBytes", expected.sizeBytes);
  if (sha256Pattern.test(expected.sha256)) return;
  throw new RangeError(
    `Cannot expect sha256 ${JSON.stringify(expected.sha256)}: not 64 lower-case hexadecimal digits`,
  );
}

/** Throws a `RangeError` unless the option `name` is a number of bytes. */
export function checkByteCount(name: string, value: number): void {
  if (!isCount(value)) {
    throw new RangeError(`Cannot use ${name} ${value}: not a whole number of bytes`);
  }
}

/** Throws a `RangeError` unless a page may have so many files. */
export function checkPageLimit(limit: number): void {
  if (isCount(limit) && limit >= 1 && limit <= maxPageFiles) return;
  throw new RangeError(`Cannot list ${limit} files: a page has 1 to ${maxPageFiles}`);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * Orders two paths by code point, which is the order of their UTF-8 bytes and so that of the
 * stores. It differs from JavaScript's own order only where one has a character beyond U+FFFF and
 * the other one from U+E000 to U+FFFF.
 */
export function comparePaths(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let index = 0; index < shorter; index++) {
    const difference = rank(left.charCodeAt(index)) - rank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

// Surrogates stand for the highest code points, so they move above U+E000 to U+FFFF.
function rank(codeUnit: number): number {
  if (codeUnit < 0xd800) return codeUnit;
  return codeUnit < 0xe000 ? codeUnit + 0x2000 : codeUnit - 0x800;
}
