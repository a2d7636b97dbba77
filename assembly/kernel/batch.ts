/**
 * The first MD5 words of many messages.
 *
 * Short messages wait in the queue until there are eight; a long one goes the scalar way at once,
 * without making the others wait.
 */

import { HASHES, LANE_STATE, LENGTHS, QUEUE_AT, QUEUE_LENGTH, QUEUE_OUT, TEXT } from "./memory";
import { md5Word } from "./md5";
import { md5Lanes } from "./md5_lanes";
import { SHORT } from "./padding";
import { fillUp, stage } from "./queue";

function flush(count: u32): void {
  stage();
  md5Lanes(false);
  for (let slot: u32 = 0; slot < count; slot++) {
    const lane = LANE_STATE + ((slot & 4) << 4) + ((slot & 3) << 2);
    store<u32>(load<u32>(QUEUE_OUT + 4 * slot), load<u32>(lane));
  }
}

/** Hashes the `count` messages that lie at {@linkcode TEXT}, one after the other. */
export function md5Words(count: u32): void {
  let at = TEXT, waiting: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const length = load<u32>(LENGTHS + 4 * index);
    if (length > SHORT) {
      store<u32>(HASHES + 4 * index, md5Word(at, length));
    } else {
      store<u32>(QUEUE_AT + 4 * waiting, <u32> at);
      store<u32>(QUEUE_LENGTH + 4 * waiting, length);
      store<u32>(QUEUE_OUT + 4 * waiting, <u32> (HASHES + 4 * index));
      if (++waiting == 8) flush(8), waiting = 0;
    }
    at += length;
  }
  if (waiting == 0) return;
  fillUp(waiting);
  flush(waiting);
}
