/** What a server costs in memory, as the kernel counts it. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { CairnProcess } from "./cairn_process.ts";

/** Why memory cannot be told here: Linux tells of it there, other systems otherwise. */
export const noMemoryTold: string | false = !existsSync("/proc/self/clear_refs") &&
  "no /proc on this machine";

/** By how many bytes a server's memory grows at most while something is done. */
export async function growthOf({ pid }: CairnProcess, work: () => Promise<void>): Promise<number> {
  const bytesOf = (key: string): number => {
    const [, kB] = new RegExp(`${key}:\\s+(\\d+) kB`).exec(
      readFileSync(`/proc/${pid}/status`, "utf8"),
    )!;
    return Number(kB) * 1_024;
  };
  // The peak is counted from here.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = bytesOf("VmRSS");
  await work();
  return bytesOf("VmHWM") - before;
}
