/**
 * Eight short messages waiting for the lane kernel.
 *
 * A message of at most 55 bytes fits one block with its padding. Whoever fills the queue writes the
 * address and the length of each message and then stages the block: the messages are read sixteen
 * bytes at a time, cut off and padded by two sliding masks, and transposed so that each word of
 * four messages lies in one vector.
 */

import { LANE_BLOCK, QUEUE_AT, QUEUE_LENGTH } from "./memory";

const ALL: u64 = 0xffffffffffffffff;

/** Read at 64 - length: ones where the message is. */
const KEEP: usize = memory.data<u64>([
  ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, 0, 0, 0, 0, 0, 0, 0, 0,
], 16);

/** Read at 64 - length: the padding bit right after the message. */
const PAD: usize = memory.data<u64>([0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0], 16);

@inline
function row(slot: usize, quarter: usize): v128 {
  const at = load<u32>(QUEUE_AT + slot) + quarter;
  const cut = 64 - load<u32>(QUEUE_LENGTH + slot) + quarter;
  return v128.or(v128.and(v128.load(at), v128.load(KEEP + cut)), v128.load(PAD + cut));
}

/** Stages sixteen bytes of four messages: four words of the block. */
@inline
function stageQuarter(slot: usize, quarter: usize, out: usize): void {
  const r0 = row(slot, quarter), r1 = row(slot + 4, quarter);
  const r2 = row(slot + 8, quarter), r3 = row(slot + 12, quarter);
  const low01 = v128.shuffle<u32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<u32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<u32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<u32>(r2, r3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<u64>(low01, low23, 0, 2));
  v128.store(out, v128.shuffle<u64>(low01, low23, 1, 3), 32);
  v128.store(out, v128.shuffle<u64>(high01, high23, 0, 2), 64);
  v128.store(out, v128.shuffle<u64>(high01, high23, 1, 3), 96);
}

@inline
function clearQuarter(out: usize): void {
  const zero = i32x4.splat(0);
  v128.store(out, zero), v128.store(out, zero, 32);
  v128.store(out, zero, 64), v128.store(out, zero, 96);
}

@inline
function stageOrClear(slot: usize, quarter: usize, out: usize): void {
  const lengths = v128.load(QUEUE_LENGTH + slot);
  if (v128.any_true(i32x4.ge_u(lengths, i32x4.splat(<i32> quarter)))) {
    stageQuarter(slot, quarter, out + 8 * quarter);
  } else {
    clearQuarter(out + 8 * quarter);
  }
}

function stageGroup(slot: usize, out: usize): void {
  stageQuarter(slot, 0, out);
  stageOrClear(slot, 16, out);
  stageOrClear(slot, 32, out);
  stageOrClear(slot, 48, out);
  v128.store(out, i32x4.shl(v128.load(QUEUE_LENGTH + slot), 3), 14 * 32);
}

/** Stages all eight messages of the queue. */
export function stage(): void {
  stageGroup(0, LANE_BLOCK);
  stageGroup(16, LANE_BLOCK + 16);
}

/** Lets the lanes from `count` on repeat the first message, so that they read nothing stale. */
export function fillUp(count: u32): void {
  for (let slot = count; slot < 8; slot++) {
    store<u32>(QUEUE_AT + 4 * slot, load<u32>(QUEUE_AT));
    store<u32>(QUEUE_LENGTH + 4 * slot, load<u32>(QUEUE_LENGTH));
  }
}
