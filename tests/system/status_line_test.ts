/** The line that is written anew at a terminal while work goes on. */

import { equal } from "node:assert/strict";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { progressText } from "../../src/apps/reload_progress.ts";
import { StatusLine } from "../../src/apps/status_line.ts";
import { ManualClock } from "../testing/manual_clock.ts";

/** The escape character, with which the code begins that clears a line. */
const CLEARED = "\x1b";

/** What a terminal of 20 columns shows after this was written. */
function shown(written: string): string[] {
  const lines = [""];
  for (const part of written.split(/(\n)/)) {
    if (part === "\n") lines.push("");
    else lines[lines.length - 1] += part;
  }
  return lines.map((line) => line.slice(line.lastIndexOf(CLEARED) + 1).replace("[K", ""));
}

describe("a status line", () => {
  const own = Object.getOwnPropertyDescriptors(process.stderr);
  let written = "";
  function terminal(isTTY: boolean): void {
    const write = (text: string | Uint8Array): boolean => {
      written += text;
      return true;
    };
    const value = { isTTY, columns: 20, write };
    for (const [name, each] of Object.entries(value)) {
      Object.defineProperty(process.stderr, name, { value: each, configurable: true });
    }
  }
  beforeEach(() => {
    written = "";
    terminal(true);
  });
  afterEach(() => {
    for (const name of ["isTTY", "columns", "write"] as const) {
      delete (process.stderr as unknown as Record<string, unknown>)[name];
      if (own[name]) Object.defineProperty(process.stderr, name, own[name]);
    }
  });

  it("is one line, cut to the terminal, and written at most ten times a second", async () => {
    const clock = new ManualClock();
    const line = new StatusLine(clock);
    let asked = 0;
    for (let at = 0; at < 1_000; at++) {
      line.show(() => `${++asked} of many files that there are`);
      await clock.advance(1);
    }
    equal(asked, 10);
    equal(shown(written).join("|"), "10 of many files th");
    line.clear();
    equal(shown(written).join("|"), "");
  });

  it("stays below what is written above it", () => {
    const line = new StatusLine(new ManualClock());
    line.above(() => process.stderr.write("first\n"));
    line.show(() => "working");
    line.above(() => process.stderr.write("second\n"));
    equal(shown(written).join("|"), "first|second|working");
  });

  it("is nothing where nobody sees it", () => {
    terminal(false);
    const line = new StatusLine(new ManualClock());
    line.show(() => "working");
    line.above(() => {});
    line.clear();
    equal(written, "");
  });
});

describe("the progress of a reload", () => {
  const none = { unchanged: 0, taken: 0, removed: 0, skipped: 0 };
  const told = (files: number, filesPerSecond: number, remaining?: number, total?: number) =>
    progressText({ ...none, files, filesPerSecond, remaining }, total);

  it("has its speed, what is left, and how long that takes", () => {
    equal(told(12_400, 1_830.4), "12,400 files   1,830/s");
    equal(told(12_400, 1_830.4, 12_600), "12,400 files   1,830/s   12,600 left   7 s to go");
    equal(told(10, 2.34, undefined, 1_010), "10 files   2.3/s   1,000 left   8 min to go");
    equal(told(10, 0.1, 10_000), "10 files   0.1/s   10,000 left   28 h to go");
    equal(told(0, 0, 10), "0 files   0/s   10 left");
    equal(told(10, 5, 0), "10 files   5/s");
  });

  it("counts what was done", () => {
    const progress = { ...none, files: 9, filesPerSecond: 9, remaining: 0, taken: 3, skipped: 2 };
    equal(progressText(progress, undefined), "9 files   9/s   3 taken in   2 skipped");
  });
});
