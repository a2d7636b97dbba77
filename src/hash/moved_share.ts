/** How many keys change their shard when one ring takes the place of another. */

import type { Ring } from "../contracts/ring.ts";
import type { RingPoints } from "./circle.ts";
import type { KetamaRing } from "./ketama.ts";

/**
 * The share of all keys, from 0 to 1, that `to` gives to a shard with another label than `from`:
 * exactly, by comparing who owns which part of the circle.
 *
 * @throws {RangeError} If the rings do not hash keys alike or one has no points; ask
 * {@linkcode movedShareOf} then.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { ketama, movedShare } from "@cairn/cache/hash";
 *
 * const three = ketama({ shards: ["a", "b", "c"] });
 * const four = ketama({ shards: ["a", "b", "c", "d"] });
 * equal(Math.abs(movedShare(three, four) - 1 / 4) < 0.03, true);
 * ```
 */
export function movedShare(from: KetamaRing, to: KetamaRing): number {
  const before = from.points();
  const after = to.points();
  if (before.hashing !== after.hashing) {
    const state = `keys are hashed by ${before.hashing} and by ${after.hashing}`;
    throw new RangeError(`Cannot compare rings: ${state}`);
  }
  if (before.values.length === 0 || after.values.length === 0) {
    throw new RangeError("Cannot compare rings: one has no points");
  }
  const size = before.hashing.startsWith("crc") ? 2 ** 15 : 2 ** 32;
  let moved = 0;
  for (const arc of commonArcs(before, after, size)) {
    if (from.labels[arc.before] !== to.labels[arc.after]) moved += arc.length;
  }
  return moved / size;
}

/** The share of `keys`, from 0 to 1, that `to` gives to a shard with another label than `from`. */
export function movedShareOf(keys: readonly string[], from: Ring, to: Ring): number {
  const before = from.indexOfMany(keys);
  const after = to.indexOfMany(keys);
  let moved = 0;
  before.forEach((index, i) => moved += from.labels[index] === to.labels[after[i]!] ? 0 : 1);
  return keys.length === 0 ? 0 : moved / keys.length;
}

interface Arc {
  readonly length: number;
  readonly before: number;
  readonly after: number;
}

/** The circle of hashes below `size`, cut at the points of both rings. */
function* commonArcs(before: RingPoints, after: RingPoints, size: number): Generator<Arc> {
  let start = 0, i = 0, j = 0;
  while (start < size) {
    while (before.values[i]! < start) i++;
    while (after.values[j]! < start) j++;
    const end = Math.min((before.values[i] ?? size) + 1, (after.values[j] ?? size) + 1, size);
    yield {
      length: end - start,
      before: before.owners[i] ?? before.owners[0]!,
      after: after.owners[j] ?? after.owners[0]!,
    };
    start = end;
  }
}
