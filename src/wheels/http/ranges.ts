/** The `Range` header (RFC 9110 §14): one range of bytes, or the whole. */

import type { ByteRange } from "../../contracts/file_store.ts";

/**
 * The part of a file of `sizeBytes` that a `Range` header asks for; `undefined` for the whole, which
 * is also the answer to a header that is malformed, in other units or asks for several parts;
 * `"unsatisfiable"` for a part that begins behind the end.
 */
export function parseRange(
  header: string | null,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : suffixOf(Number(last), sizeBytes);
  const offset = Number(first);
  const end = last === "" ? Infinity : Number(last);
  if (end < offset) return undefined;
  if (offset >= sizeBytes) return "unsatisfiable";
  return { offset, length: Math.min(end, sizeBytes - 1) - offset + 1 };
}

/** The `Content-Range` of a part. */
export function contentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.offset}-${range.offset + range.length - 1}/${sizeBytes}`;
}

// The last bytes of an empty file are the whole of it: no Content-Range could name them.
function suffixOf(wanted: number, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  if (wanted === 0) return "unsatisfiable";
  if (sizeBytes === 0) return undefined;
  const length = Math.min(wanted, sizeBytes);
  return { offset: sizeBytes - length, length };
}
