/** What the log writes to a terminal. */

import { equal, match } from "node:assert/strict";
import process from "node:process";
import { it } from "node:test";
import { terminalLog } from "../../src/apps/terminal.ts";

/** What `work` writes to standard output. */
function written(work: () => void): string {
  const { write } = process.stdout;
  let text = "";
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += chunk;
    return true;
  };
  try {
    work();
  } finally {
    process.stdout.write = write;
  }
  return text;
}

it("the log has one line for each event, and no control characters of others", () => {
  process.env["NO_COLOR"] = "1";
  const line = written(() =>
    terminalLog("warn", 'Skipped "\x1b]0;x\x07\nb\u009b"', {
      path: "a\x7f",
      reason: "of no use",
      files: 3,
    })
  );
  match(line, /^\d\d:\d\d:\d\d {2}warn {3}Skipped /);
  const told = String.raw`"\u001b]0;x\u0007\u000ab\u009b"  path=a\u007f reason="of no use" files=3`;
  equal(line.slice(line.indexOf('"')), `${told}\n`);
});
