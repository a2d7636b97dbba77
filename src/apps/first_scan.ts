/** The scan of a folder before it is served. */

import process from "node:process";
import type { Log } from "../wheels/log.ts";
import type { ScanReport } from "../wheels/scan.ts";
import type { Wheelhouse } from "../wheels/wheelhouse.ts";
import { INTERRUPTED, Interruption } from "./interruption.ts";
import { progressText } from "./reload_progress.ts";
import { StatusLine } from "./status_line.ts";
import { complain } from "./terminal.ts";

/** A scan at the start: it tells how far it is, and the process ends where it is asked to stop. */
export class FirstScan {
  readonly #line = new StatusLine();
  readonly #log: Log;
  #isRunning = false;

  /** Tells `log` of what happens. */
  constructor(log: Log) {
    this.#log = log;
  }

  /** The log, above the line that tells how far the scan is, and without what that line counts. */
  readonly log: Log = (level, message, facts) => {
    if (this.#isRunning && this.#line.isSeen && level === "info") return;
    this.#line.above(() => this.#log(level, message, facts));
  };

  /** Scans. */
  async run(wheelhouse: Wheelhouse): Promise<ScanReport> {
    const interruption = new Interruption(() => {
      this.#line.above(() => complain("  Stops as soon as the files at hand are done"));
    });
    this.#isRunning = true;
    try {
      return await wheelhouse.scan({
        mayGoOn: () => !interruption.isAsked,
        onProgress: (progress) => this.#line.show(() => `  ${progressText(progress, undefined)}`),
        onWait: () => complain("  Waits for another scan, or for the lease of one that was killed"),
      });
    } finally {
      this.#isRunning = false;
      this.#line.clear();
      interruption.end();
      if (interruption.isAsked) process.exit(INTERRUPTED);
    }
  }
}
