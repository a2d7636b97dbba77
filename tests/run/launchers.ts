import type { Job } from "./job.ts";
import { bunProgram, nodeProgram } from "./toolchain.ts";

/** How test files are run on a runtime, and how the report is to be read. */
export type Launcher = Pick<Job, "command" | "format">;

const BUN = "1.4.5";
const BUN_TEST_MS = 180_000;

/** The runtimes and their launchers, in the order in which they are run and shown. */
export const launchers: Readonly<Record<string, Launcher>> = {
  deno: {
    format: "junit",
    command: (files, report) =>
      Promise.resolve([
        ...[Deno.execPath(), "test", "--allow-all", "--no-check"],
        `--junit-path=${report}`,
        ...files,
      ]),
  },
  node22: onNode(22),
  node24: onNode(24),
  bun: {
    format: "junit",
    command: async (files, report) => [
      ...[await bunProgram(BUN), "test", `--timeout=${BUN_TEST_MS}`],
      ...["--reporter=junit", `--reporter-outfile=${report}`],
      // Without "./" Bun takes a file for a pattern.
      ...files.map((file) => `./${file}`),
    ],
  },
  workerd: inBundle("tests/runtimes/workerd.ts"),
  chromium: inBundle("tests/runtimes/chromium.ts"),
};

function onNode(major: number): Launcher {
  return {
    format: "junit",
    command: async (files, report) => [
      ...[await nodeProgram(major), "--disable-warning=ExperimentalWarning", "--test"],
      ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
      ...files,
    ],
  };
}

function inBundle(program: string): Launcher {
  return {
    format: "json",
    command: (files, report) =>
      Promise.resolve([Deno.execPath(), "run", "--allow-all", program, report, ...files]),
  };
}
