/**
 * The points of a weighted ring: every digest of "name-0", "name-1", … gives four.
 *
 * A point is one 64-bit entry, the value in its upper half and the owner in its lower, appended to
 * the arena in the order of the shards.
 */

import { ARENA, KEY, LANE_STATE, NAMES, QUEUE_AT, QUEUE_LENGTH, STATE } from "./memory";
import { md5 } from "./md5";
import { md5Lanes } from "./md5_lanes";
import { SHORT } from "./padding";
import { fillUp, stage } from "./queue";

/** Writes a number in decimal digits and answers how many there are. */
function writeDecimal(at: usize, value: u32): u32 {
  let digits: u32 = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  for (let place = digits, rest = value; place > 0; rest /= 10) {
    store<u8>(at + --place, 0x30 + rest % 10);
  }
  return digits;
}

@inline
function storePoint(out: usize, value: u32, owner: u32): void {
  store<u64>(out, ((<u64> value) << 32) | owner);
}

function storeLanes(out: usize, count: u32, owner: u32): void {
  for (let slot: u32 = 0; slot < count; slot++) {
    const lane = LANE_STATE + ((slot & 4) << 4) + ((slot & 3) << 2);
    for (let word: usize = 0; word < 4; word++) {
      storePoint(out + 32 * slot + 8 * word, load<u32>(lane + 16 * word), owner);
    }
  }
}

function queueName(slot: u32, length: u32, index: u32): void {
  const at = NAMES + 64 * slot;
  memory.copy(at, KEY, length);
  store<u32>(QUEUE_AT + 4 * slot, <u32> at);
  store<u32>(QUEUE_LENGTH + 4 * slot, length + writeDecimal(at + length, index));
}

function pointsOfShortNames(length: u32, first: u32, end: u32, owner: u32, out: usize): void {
  for (let index = first; index < end; index += 8, out += 256) {
    const count = min(end - index, 8);
    for (let slot: u32 = 0; slot < count; slot++) queueName(slot, length, index + slot);
    if (count < 8) fillUp(count);
    stage();
    md5Lanes(true);
    storeLanes(out, count, owner);
  }
}

function pointsOfLongNames(length: u32, first: u32, end: u32, owner: u32, out: usize): void {
  for (let index = first; index < end; index++, out += 32) {
    md5(KEY, length + writeDecimal(KEY + length, index));
    for (let word: usize = 0; word < 4; word++) {
      storePoint(out + 8 * word, load<u32>(STATE + 4 * word), owner);
    }
  }
}

/**
 * Appends the points of one shard's names from `first` up to `end` after the `before` that the arena
 * holds. The text of the names, up to the number, lies at {@linkcode KEY}.
 */
export function addPoints(length: u32, first: u32, end: u32, owner: u32, before: u32): void {
  const out = ARENA + 8 * <usize> before;
  if (length + 10 <= SHORT) pointsOfShortNames(length, first, end, owner, out);
  else pointsOfLongNames(length, first, end, owner, out);
}
