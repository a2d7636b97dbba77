import { type Ended, run } from "./child.ts";
import { parseJunit } from "./junit.ts";
import type { TestResult } from "./result.ts";

/** One child process that runs tests of one suite on one runtime. */
export interface Job {
  readonly suite: string;
  readonly runtime: string;
  /** The name of a job that is one test in itself. */
  readonly name?: string;
  /** The test files it runs, relative to the top; each must give at least one result. */
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
}

/** Runs a job and reads its report. */
export async function runJob(job: Job, report: string): Promise<JobResult> {
  try {
    const ended = await run(await job.command(job.files, report), { limitMs: job.limitMs });
    const found = await readReport(job, report);
    const results = [...found, ...silences(job, found, ended), ...breakdowns(job, found, ended)];
    return { results, notices: noticesIn(ended.output) };
  } catch (error) {
    return { results: [failure(job, String(error))], notices: [] };
  }
}

/** The lines by which tests say what they had to leave out. */
export function noticesIn(output: string): string[] {
  return [...new Set(output.match(/^skipped: .+$/gm) ?? [])];
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

/** A file that was to be run and gave no result did not load, or holds no test. */
function silences(job: Job, found: readonly TestResult[], ended: Ended): TestResult[] {
  const heard = new Set(found.map(({ file }) => file));
  const isWhole = found.length > 0 && ended.code !== undefined;
  const silent = isWhole ? job.files.filter((file) => !heard.has(file)) : [];
  return silent.map((file) => ({
    name: file,
    file,
    status: "failed",
    reason: `The file gave no result\n${excerpt(ended.output, file)}`,
  }));
}

/** A child that fails without a failed test fails as a whole; a job that is one test ends as it ends. */
function breakdowns(job: Job, found: readonly TestResult[], ended: Ended): TestResult[] {
  if (ended.code === undefined) {
    return [failure(job, `Stopped after ${job.limitMs / 1000} s\n${tail(ended.output)}`)];
  }
  const hasFailed = ended.code !== 0 && !found.some(({ status }) => status === "failed");
  if (hasFailed) return [failure(job, `Ended with code ${ended.code}\n${tail(ended.output)}`)];
  const isMute = found.length === 0 && job.format !== undefined;
  if (isMute) return [failure(job, `Left no results\n${tail(ended.output)}`)];
  return job.format ? [] : [{ ...whole(job), status: "passed" }];
}

function failure(job: Job, reason: string): TestResult {
  return { ...whole(job), status: "failed", reason };
}

function whole({ suite, name, files }: Job): Pick<TestResult, "name" | "file"> {
  return { name: name ?? (files.length === 1 ? files[0]! : suite), file: files[0] ?? "" };
}

const TAIL_LINES = 60;

function tail(output: string): string {
  return output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

/** The part of the output that speaks of a file, or its end. */
function excerpt(output: string, file: string): string {
  const lines = output.split("\n");
  const at = lines.findIndex((line) => line.includes(file) && /error/i.test(line));
  return at === -1 ? tail(output) : lines.slice(Math.max(0, at - 5), at + 10).join("\n");
}
