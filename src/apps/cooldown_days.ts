/** How old files must be, as it is written in settings: in days. */

const DAY_MS = 86_400_000;

/** Reads a number of days. Throws a `RangeError` for what is none. */
export function cooldownMsOf(days: string): number {
  if (/^\d{1,5}(?:\.\d{1,3})?$/.test(days.trim())) return Number(days) * DAY_MS;
  throw new RangeError(`Cannot hold files back for "${days}": it is no number of days`);
}
