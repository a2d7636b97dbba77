/** From what a caller asked for to an absolute instant. */

import type { StoreOptions } from "../contracts/cache.ts";
import { NEVER } from "../contracts/clock.ts";

/** Whether anything ends at all; if not, nobody needs to look at the clock. */
export function isTimed(options: StoreOptions): boolean {
  return (options.ttlMs ?? options.expiresAt ?? NEVER) !== NEVER;
}

/**
 * The deadline that `options` ask for at the instant `now`.
 *
 * Throws a `RangeError` for a time to live that is negative or not a number, for a deadline that is
 * not a number, and where both are given.
 */
export function deadlineOf(options: StoreOptions, now: number): number {
  const { ttlMs, expiresAt } = options;
  if (ttlMs === undefined) return expiresAt === undefined ? NEVER : checkedInstant(expiresAt);
  if (expiresAt !== undefined) {
    throw new RangeError("Cannot store a value: both ttlMs and expiresAt are given");
  }
  if (typeof ttlMs === "number" && ttlMs >= 0) return ttlMs === NEVER ? NEVER : now + ttlMs;
  throw new RangeError(`Cannot store a value: ttlMs is ${quoted(ttlMs)}, not 0 or more`);
}

function checkedInstant(expiresAt: number): number {
  if (typeof expiresAt === "number" && !Number.isNaN(expiresAt)) return expiresAt;
  throw new RangeError(`Cannot store a value: expiresAt is ${quoted(expiresAt)}, not an instant`);
}

function quoted(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}
