/**
 * A value with its deadline in front, for stores whose own expiry is late or coarse.
 *
 * ```text
 * 01        the version
 * float64   the deadline in epoch milliseconds, little-endian; infinity is NEVER
 * value     to the end
 * ```
 */

import { ByteReader, ByteWriter } from "./byte_record.ts";

const version = 1;

/** How many bytes a record has besides its value. */
export const deadlineBytes = 9;

/** The record of a value. */
export function recordOf(value: Uint8Array, expiresAt: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.byte(version);
  writer.float64(expiresAt);
  writer.bytes(value);
  return writer.take();
}

/** The value of a record; `undefined` once its deadline has come, or if it is none of ours. */
export function liveValue(
  record: ArrayBuffer | Uint8Array,
  now: number,
): Uint8Array | undefined {
  if (record.byteLength < deadlineBytes) return undefined;
  const reader = new ByteReader(record instanceof Uint8Array ? record : new Uint8Array(record));
  if (reader.byte() !== version) return undefined;
  return reader.float64() > now ? reader.rest() : undefined;
}
