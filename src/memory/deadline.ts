/** From what a caller asked for to an absolute instant. */

import type { StoreOptions } from "../contracts/cache.ts";
import { type Clock, NEVER } from "../contracts/clock.ts";

/** A deadline, and the present instant if it had to be asked for. */
export interface Deadline {
  /** When the value ends, in epoch milliseconds, or `NEVER`. */
  readonly expiresAt: number;
  /** The present instant; `undefined` where nothing ends and the clock was not read. */
  readonly now: number | undefined;
}

/** What never expires needs no clock, and no allocation. */
const FOREVER: Deadline = Object.freeze({ expiresAt: NEVER, now: undefined });

/**
 * The deadline that `options` ask for.
 *
 * Throws a `RangeError` for a time to live that is negative or not a number, for a deadline that is
 * not a number, and where both are given.
 */
export function deadlineOf(options: StoreOptions, clock: Clock): Deadline {
  const { ttlMs, expiresAt } = options;
  if (ttlMs === undefined) return expiresAt === undefined ? FOREVER : at(expiresAt, clock);
  if (expiresAt !== undefined) {
    throw new RangeError("Cannot store a value: both ttlMs and expiresAt are given");
  }
  if (!(typeof ttlMs === "number" && ttlMs >= 0)) {
    throw new RangeError(`Cannot store a value: ttlMs is ${quoted(ttlMs)}, not 0 or more`);
  }
  if (ttlMs === NEVER) return FOREVER;
  const now = clock.now();
  return { expiresAt: now + ttlMs, now };
}

function at(expiresAt: number, clock: Clock): Deadline {
  if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) {
    throw new RangeError(`Cannot store a value: expiresAt is ${quoted(expiresAt)}, not an instant`);
  }
  return expiresAt === NEVER ? FOREVER : { expiresAt, now: clock.now() };
}

function quoted(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}
