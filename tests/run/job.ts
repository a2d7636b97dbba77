import { type Ended, run } from "./child.ts";
import { parseJunit } from "./junit.ts";
import type { TestResult } from "./result.ts";

/** One child process that runs tests of one suite on one runtime. */
export interface Job {
  readonly suite: string;
  readonly runtime: string;
  /** The name of a job that is one test in itself. */
  readonly name?: string;
  /** The test files it runs, relative to the top. */
  readonly files: readonly string[];
  /** After so many milliseconds it is stopped and counts as failed. */
  readonly limitMs: number;
  /** Whether it waits for Debian packages and Python tools. */
  readonly needsPrograms?: boolean;
  /** What its report is written in; a job without report is one test, its exit code the result. */
  readonly format?: "junit" | "json";
  /** The command line that runs `files` and leaves its results in the file `report`. */
  command(files: readonly string[], report: string): Promise<readonly string[]>;
}

/** What a job found. */
export interface JobResult {
  readonly results: readonly TestResult[];
  readonly notices: readonly string[];
  readonly exceptions: readonly string[];
}

/** Runs a job and reads its report. */
export async function runJob(job: Job, report: string): Promise<JobResult> {
  try {
    const ended = await run(await job.command(job.files, report), { limitMs: job.limitMs });
    const found = await readReport(job, report);
    const results = [...found, ...breakdowns(job, found, ended)];
    return { results, notices: noticesIn(ended.output), exceptions: exceptionsIn(ended.output) };
  } catch (error) {
    return { results: [failure(job, String(error))], notices: [], exceptions: [] };
  }
}

/** The lines by which tests say what they had to leave out. */
export function noticesIn(output: string): string[] {
  return [...new Set(output.match(/^skipped: .+$/gm) ?? [])];
}

/** The lines by which conformance suites say which of their cases do not apply to a store. */
export function exceptionsIn(output: string): string[] {
  return [...new Set(output.match(/(?<=^does not apply: ).+$/gm) ?? [])];
}

async function readReport(job: Job, report: string): Promise<TestResult[]> {
  if (!job.format) return [];
  try {
    const text = await Deno.readTextFile(report);
    return job.format === "json" ? JSON.parse(text) : parseJunit(text, Deno.cwd());
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Some runners go on after a file that does not load, and leave it out of their report. */
const LOST = /\(uncaught error\)|Unhandled error between tests/;

/** What went wrong beyond single tests. A job that is one test ends as its command ends. */
function breakdowns(job: Job, found: readonly TestResult[], ended: Ended): TestResult[] {
  const { code, output } = ended;
  if (code === undefined) {
    return [failure(job, `Stopped after ${job.limitMs / 1000} s\n${tail(output)}`)];
  }
  const isExplained = found.some(({ status }) => status === "failed") && !LOST.test(output);
  if (code !== 0 && !isExplained) return [failure(job, `Ended with code ${code}\n${tail(output)}`)];
  if (!job.format) return [{ ...whole(job), status: "passed" }];
  return found.length === 0 ? [failure(job, `Left no results\n${tail(output)}`)] : [];
}

function failure(job: Job, reason: string): TestResult {
  return { ...whole(job), status: "failed", reason };
}

function whole({ suite, name, files }: Job): Pick<TestResult, "name" | "file"> {
  const [only = ""] = files.length === 1 ? files : [];
  return { name: name ?? (only || suite), file: only };
}

const TAIL_LINES = 60;

function tail(output: string): string {
  // Deno ends its errors with a backtrace of itself, which has no names in it.
  const said = output.replace(/\n+Stack backtrace:\n( +\d+: <unknown>\n?)+/g, "\n");
  return said.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}
