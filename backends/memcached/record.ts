/**
 * What cairn keeps at a key of memcached: a value with its deadline, and the lease on its creation.
 *
 * ```text
 * 01        the version
 * float64   the deadline of the value in epoch milliseconds, little-endian; infinity is NEVER,
 *           minus infinity says that there is no value
 * uint32    the length of the value
 * value
 * leases    any number, of which the last counts:
 *             float64   until when it is held
 *             8 bytes   whose it is
 * ```
 *
 * Value and lease are one item, so that one comparison of its cas decides over both. Leases are at the
 * end because memcached can append to an item: a lease on a large value need not send it again.
 */

import { NEVER } from "../../src/contracts/clock.ts";

/** A lease as it is written. */
export interface LeaseMark {
  /** Until when it is held, in epoch milliseconds. */
  readonly until: number;
  /** Whose it is, by 64 bits. */
  readonly token: bigint;
}

/** What is at a key. */
export interface ItemRecord {
  /** The value; `undefined` where there is none that lives. */
  readonly value: Uint8Array | undefined;
  /** The deadline of the value. */
  readonly expiresAt: number;
  /** The last lease, which may be over. */
  readonly lease: LeaseMark | undefined;
  /** How many leases are written. */
  readonly leases: number;
}

/** How values are laid out in items. */
export interface ItemFormat {
  /** How many bytes an item may have besides its value. */
  readonly overheadBytes: number;
  /** By how long an item outlives its deadline, in milliseconds. */
  readonly lingerMs: number;
  /** The item of a value. */
  format(value: Uint8Array, expiresAt: number, lease?: LeaseMark): Uint8Array;
  /** What an item holds; nothing where it is none of ours. */
  parse(item: Uint8Array, now: number): ItemRecord;
}

/** What an item holds of which nothing can be made. */
export const nothingThere: ItemRecord = Object.freeze({
  value: undefined,
  expiresAt: -NEVER,
  lease: undefined,
  leases: 0,
});

const version = 1;
const headBytes = 13;
const leaseBytes = 16;

/** How many leases are appended before an item is written anew. */
export const mostLeases = 16;

/**
 * cairn's own layout. memcached's seconds begin when its clock ticks, so an item of n seconds ends
 * after n - 1 at the earliest: it gets one more, and what it holds is judged by its own deadline.
 */
export const cairnItems: ItemFormat = Object.freeze({
  overheadBytes: headBytes + mostLeases * leaseBytes,
  lingerMs: 1_000,
  format(value: Uint8Array, expiresAt: number, lease?: LeaseMark): Uint8Array {
    const end = headBytes + value.length;
    const item = new Uint8Array(end + (lease ? leaseBytes : 0));
    const head = new DataView(item.buffer);
    head.setUint8(0, version);
    head.setFloat64(1, expiresAt, true);
    head.setUint32(9, value.length, true);
    item.set(value, headBytes);
    if (lease) item.set(leaseMark(lease), end);
    return item;
  },
  parse(item: Uint8Array, now: number): ItemRecord {
    if (item.length < headBytes || item[0] !== version) return nothingThere;
    const head = new DataView(item.buffer, item.byteOffset, headBytes);
    const expiresAt = head.getFloat64(1, true);
    const end = headBytes + head.getUint32(9, true);
    if (end > item.length || (item.length - end) % leaseBytes) return nothingThere;
    const leases = (item.length - end) / leaseBytes;
    return {
      value: expiresAt > now ? item.subarray(headBytes, end) : undefined,
      expiresAt,
      lease: leases > 0 ? readLease(item.subarray(-leaseBytes)) : undefined,
      leases,
    };
  },
});

/** Values as they are, for other programs to read and write: their deadlines are the server's. */
export const bareItems: ItemFormat = Object.freeze({
  overheadBytes: 0,
  lingerMs: 0,
  format: (value: Uint8Array): Uint8Array => value,
  parse: (item: Uint8Array): ItemRecord => ({ ...nothingThere, value: item, expiresAt: NEVER }),
});

/** An item with a lease and no value. */
export function leaseItem(lease: LeaseMark): Uint8Array {
  return cairnItems.format(new Uint8Array(0), -NEVER, lease);
}

/** The bytes of a lease, to be appended to an item. */
export function leaseMark({ until, token }: LeaseMark): Uint8Array {
  const mark = new Uint8Array(leaseBytes);
  const view = new DataView(mark.buffer);
  view.setFloat64(0, until, true);
  view.setBigUint64(8, token);
  return mark;
}

/**
 * The flag for the time to live of an item, in memcached's seconds. They count from now up to 30 days,
 * and beyond that they are those of the Unix epoch, of which there are 2^31.
 */
export function ttlFlag(expiresAt: number, now: number, lingerMs: number): string {
  const seconds = Math.ceil((expiresAt + lingerMs - now) / 1_000);
  if (seconds <= 30 * 86_400) return `T${Math.max(1, seconds)}`;
  const at = Math.ceil((expiresAt + lingerMs) / 1_000);
  return at < 2 ** 31 ? `T${at}` : "T0";
}

function readLease(mark: Uint8Array): LeaseMark {
  const view = new DataView(mark.buffer, mark.byteOffset, leaseBytes);
  return { until: view.getFloat64(0, true), token: view.getBigUint64(8) };
}
