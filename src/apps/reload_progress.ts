/** How far a reload is, in one line for people. */

import type { ReloadProgress } from "../wheels/reload.ts";

/** The line; `total` is how many files there are, if that is known otherwise. */
export function progressText(progress: ReloadProgress, total: number | undefined): string {
  const { files, filesPerSecond, taken, skipped } = progress;
  const remaining = progress.remaining ?? (total === undefined ? undefined : total - files);
  const rate = filesPerSecond >= 10
    ? Math.round(filesPerSecond)
    : Number(filesPerSecond.toFixed(1));
  const parts = [`${counted(files)} files`, `${counted(rate)}/s`];
  if (remaining !== undefined && remaining > 0) {
    parts.push(`${counted(remaining)} left`);
    if (filesPerSecond > 0) parts.push(`${durationText(remaining / filesPerSecond * 1_000)} to go`);
  }
  if (taken > 0) parts.push(`${counted(taken)} taken in`);
  if (skipped > 0) parts.push(`${counted(skipped)} skipped`);
  return parts.join("   ");
}

/** A duration for people: seconds, minutes or hours, rounded up. */
export function durationText(durationMs: number): string {
  const seconds = Math.ceil(durationMs / 1_000);
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6_000 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}

/** A number with its thousands apart. */
export function counted(count: number): string {
  return count.toLocaleString("en");
}
