/** What a server costs in memory, as the kernel counts it. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { CairnProcess } from "./cairn_process.ts";

/** Why memory cannot be told here: Linux tells of it there, other systems otherwise. */
export const noMemoryTold: string | false = !existsSync("/proc/self/clear_refs") &&
  "no /proc on this machine";

/** How many bytes of memory a server has at most while something is done. */
export async function peakOf({ pid }: CairnProcess, work: () => Promise<void>): Promise<number> {
  // The peak is counted from here.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  await work();
  return bytesOf(pid, "VmHWM");
}

/** By how many bytes a server's memory grows at most while something is done. */
export async function growthOf(cairn: CairnProcess, work: () => Promise<void>): Promise<number> {
  const before = bytesOf(cairn.pid, "VmRSS");
  return await peakOf(cairn, work) - before;
}

function bytesOf(pid: number, key: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kB] = new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)!;
  return Number(kB) * 1_024;
}
