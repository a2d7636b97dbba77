import type { Job, JobResult } from "./job.ts";
import { type SuiteResult, type Tally, tally, type TestResult } from "./result.ts";
import type { Screen } from "./screen.ts";

/** Gathers what the jobs find into suites, and shows each suite as soon as it is complete. */
export class Report {
  readonly #screen: Screen;
  readonly #suites: Suite[];
  readonly #running = new Set<Job>();

  constructor(jobs: readonly Job[], screen: Screen) {
    this.#screen = screen;
    this.#suites = suitesOf(jobs);
  }

  /** Writes the heads of the columns. */
  open(): void {
    const head = row("suite", "runtime", ["passed", "failed", "skipped"], "time");
    this.#screen.line(this.#screen.dim(`  ${head}`));
  }

  /** Takes note that a job has begun. */
  started(job: Job): void {
    this.#running.add(job);
    this.#suite(job).startedAt ??= performance.now();
    this.#showRunning();
  }

  /** Takes what a job has found. */
  ended(job: Job, { results, notices, exceptions }: JobResult): void {
    const suite = this.#suite(job);
    this.#running.delete(job);
    suite.results.push(...results);
    for (const notice of notices) suite.notices.add(notice);
    for (const exception of exceptions) suite.exceptions.add(exception);
    suite.open.delete(job);
    if (suite.open.size === 0) this.#close(suite);
    this.#showRunning();
  }

  /** Everything found, suite by suite. */
  suites(): SuiteResult[] {
    return this.#suites.map(({ suite, runtime, seconds, results, notices, exceptions }) => {
      const said = { notices: [...notices], exceptions: [...exceptions] };
      return { suite, runtime, seconds, results, ...said };
    });
  }

  #suite({ suite, runtime }: Job): Suite {
    return this.#suites.find((found) => found.suite === suite && found.runtime === runtime)!;
  }

  #close(suite: Suite): void {
    suite.seconds = (performance.now() - suite.startedAt!) / 1000;
    const { passed, failed, skipped } = tally(suite.results);
    const time = `${suite.seconds.toFixed(1)} s`;
    const line = row(suite.suite, suite.runtime, [passed, failed, skipped].map(count), time);
    this.#screen.line(`${this.#mark(failed, skipped)} ${line}`);
  }

  #mark(failed: number, skipped: number): string {
    if (failed > 0) return this.#screen.red("✗");
    return skipped > 0 ? this.#screen.yellow("–") : this.#screen.green("✓");
  }

  #showRunning(): void {
    const names = [...this.#running].map(({ suite, runtime, name, files }) => {
      const what = name ?? (files.length === 1 ? files[0]!.replace(/^tests\//, "") : suite);
      return `${what} on ${runtime}`;
    });
    this.#screen.running(names.length > 0 ? `  … ${names.join(" · ")}` : "");
  }
}

/** Writes every failure in full, then every reason for leaving something out. */
export function showDetails(suites: readonly SuiteResult[], screen: Screen): void {
  for (const { suite, runtime, results } of suites) {
    const failures = results.filter(({ status }) => status === "failed");
    if (failures.length > 0) screen.line(screen.bold(`\nFailed: ${suite} on ${runtime}`));
    for (const [index, failure] of failures.entries()) {
      const isRepeated = failure.reason === failures[index - 1]?.reason;
      showFailure(isRepeated ? { ...failure, reason: "As above" } : failure, screen);
    }
  }
  const left = [...reasons(suites)];
  if (left.length > 0) screen.line();
  for (const line of left) screen.line(screen.yellow(line));
}

/** The tally of all suites as the last line of a run gives it. */
export function lastLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

interface Suite {
  readonly suite: string;
  readonly runtime: string;
  readonly open: Set<Job>;
  readonly results: TestResult[];
  readonly notices: Set<string>;
  readonly exceptions: Set<string>;
  startedAt: number | undefined;
  seconds: number;
}

function suitesOf(jobs: readonly Job[]): Suite[] {
  const suites = new Map<string, Suite>();
  for (const job of jobs) {
    const { suite, runtime } = job;
    const key = `${suite} ${runtime}`;
    const found = suites.get(key) ?? newSuite(suite, runtime);
    suites.set(key, found);
    found.open.add(job);
  }
  return [...suites.values()];
}

function newSuite(suite: string, runtime: string): Suite {
  const lists = { open: new Set<Job>(), results: [] };
  const said = { notices: new Set<string>(), exceptions: new Set<string>() };
  return { suite, runtime, ...lists, ...said, startedAt: undefined, seconds: 0 };
}

function row(suite: string, runtime: string, counts: readonly string[], time: string): string {
  const numbers = counts.map((text) => text.padStart(9)).join("");
  return `${suite.padEnd(9)}${runtime.padEnd(10)}${numbers}${time.padStart(10)}`;
}

function count(number: number): string {
  return number === 0 ? "·" : String(number);
}

function showFailure({ name, file, reason = "" }: TestResult, screen: Screen): void {
  const where = file && file !== name ? screen.dim(`  ${file}`) : "";
  screen.line(`\n  ${screen.red(name)}${where}`);
  for (const line of reason.split("\n")) screen.line(`    ${line}`);
}

function reasons(suites: readonly SuiteResult[]): Set<string> {
  const lines = new Set<string>();
  for (const { suite, runtime, results, notices } of suites) {
    for (const notice of notices) lines.add(notice);
    for (const { name, status, reason } of results) {
      if (status !== "skipped" || (!reason && notices.length > 0)) continue;
      lines.add(`skipped: ${suite} on ${runtime}: ${name}${reason ? `: ${reason}` : ""}`);
    }
  }
  return lines;
}
