/**
 * From points in the order of the shards to a ring that answers in constant time.
 *
 * Radix sort in three passes over the value, eleven bits each: it is stable, so points of equal
 * value stay in the order of the shards. Then a direct table over the leading bits of a hash: an
 * entry is the owner itself where no point lies in the bucket, and otherwise the complement of the
 * index of its first point, from where the reader goes on. One point more than there are closes the
 * circle: the greatest value, with the owner of the first.
 */

import { ARENA, HISTOGRAM } from "./memory";

const BINS: usize = 2048;

function count(from: usize, end: usize): void {
  memory.fill(HISTOGRAM, 0, 12 * BINS);
  for (let at = from; at < end; at += 8) {
    const value = load<u32>(at, 4);
    const low = HISTOGRAM + ((value & 2047) << 2);
    const middle = HISTOGRAM + 4 * BINS + (((value >> 11) & 2047) << 2);
    const high = HISTOGRAM + 8 * BINS + ((value >> 22) << 2);
    store<u32>(low, load<u32>(low) + 8);
    store<u32>(middle, load<u32>(middle) + 8);
    store<u32>(high, load<u32>(high) + 8);
  }
}

/** Turns the counts of a histogram into the addresses where its bins begin. */
function accumulate(histogram: usize, out: usize): void {
  let begin = out;
  for (let at = histogram; at < histogram + 4 * BINS; at += 4) {
    const bytes = load<u32>(at);
    store<u32>(at, <u32> begin);
    begin += bytes;
  }
}

function pass(from: usize, bytes: usize, out: usize, digit: u32): void {
  const histogram = HISTOGRAM + 4 * BINS * digit;
  accumulate(histogram, out);
  const shift = 32 + 11 * digit;
  for (let at = from; at < from + bytes; at += 8) {
    const point = load<u64>(at);
    const bin = histogram + (<usize> ((point >> shift) & 2047) << 2);
    const to = load<u32>(bin);
    store<u64>(to, point);
    store<u32>(bin, to + 8);
  }
}

/** Splits sorted points into their values and, after these, their owners. */
function split(sorted: usize, points: u32): void {
  const owners = ARENA + 4 * (<usize> points + 1);
  for (let index: usize = 0; index < points; index++) {
    const point = load<u64>(sorted + 8 * index);
    store<u32>(ARENA + 4 * index, <u32> (point >> 32));
    store<u16>(owners + 2 * index, <u16> point);
  }
  store<u32>(ARENA + 4 * <usize> points, 0xffffffff);
  store<u16>(owners + 2 * <usize> points, load<u16>(owners));
}

function fill(from: usize, end: usize, owner: u32): void {
  for (let at = from; at < end; at += 4) store<u32>(at, owner);
}

function tabulate(table: usize, points: u32, bits: u32): void {
  const owners = ARENA + 4 * (<usize> points + 1);
  const end = table + (<usize> 4 << bits);
  let next = table;
  for (let index: usize = 0; index < points; index++) {
    const bucket = table + (<usize> (load<u32>(ARENA + 4 * index) >> (32 - bits)) << 2);
    if (bucket < next) continue;
    fill(next, bucket, load<u16>(owners + 2 * index));
    store<u32>(bucket, ~(<u32> index));
    next = bucket + 4;
  }
  fill(next, end, load<u16>(owners));
}

/**
 * Sorts the points in the arena. Afterwards it begins with `points + 1` values of 32 bits and as
 * many owners of 16; the table of 2^`bits` entries of 32 bits begins at the address answered.
 */
export function buildContinuum(points: u32, bits: u32): usize {
  const bytes = 8 * <usize> points;
  const other = ARENA + bytes;
  count(ARENA, other);
  pass(ARENA, bytes, other, 0);
  pass(other, bytes, ARENA, 1);
  pass(ARENA, bytes, other, 2);
  split(other, points);
  const table = other + bytes;
  tabulate(table, points, bits);
  return table;
}
