/**
 * A value with its deadline in front, for stores whose own expiry is late or coarse.
 *
 * ```text
 * 01        the version
 * float64   the deadline in epoch milliseconds, little-endian; infinity is NEVER
 * value     to the end
 * ```
 */

const version = 1;

/** How many bytes a record has besides its value. */
export const deadlineBytes = 9;

/** The record of a value. */
export function recordOf(value: Uint8Array, expiresAt: number): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(deadlineBytes + value.length);
  record[0] = version;
  new DataView(record.buffer).setFloat64(1, expiresAt, true);
  record.set(value, deadlineBytes);
  return record;
}

/** The value of a record; `undefined` once its deadline has come, or if it is none of ours. */
export function liveValue(
  record: ArrayBuffer | Uint8Array,
  now: number,
): Uint8Array | undefined {
  const bytes = record instanceof Uint8Array ? record : new Uint8Array(record);
  if (bytes.length < deadlineBytes || bytes[0] !== version) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset, deadlineBytes);
  if (!(head.getFloat64(1, true) > now)) return undefined;
  // A `subarray` would be of a client's own kind, where the record is.
  const start = bytes.byteOffset + deadlineBytes;
  return new Uint8Array(bytes.buffer, start, bytes.length - deadlineBytes);
}
