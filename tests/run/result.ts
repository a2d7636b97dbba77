/** What a test run leaves behind: one record for each test on each runtime. */

/** How a test ended. */
export type Status = "passed" | "failed" | "skipped";

/** One test on one runtime. */
export interface TestResult {
  /** The full name, groups first, joined by `" > "`. */
  readonly name: string;
  /** The test file, relative to the top of the repository. */
  readonly file: string;
  readonly status: Status;
  /** The failure in full, or why the test was skipped. */
  readonly reason?: string;
}

/** The results of one suite on one runtime, as `tests/.results/SUITE.RUNTIME.json` keeps them. */
export interface SuiteResult {
  readonly suite: string;
  readonly runtime: string;
  readonly seconds: number;
  readonly results: readonly TestResult[];
  /** Whole `skipped: …` lines that the tests printed. */
  readonly notices: readonly string[];
  /** What followed `does not apply: ` in lines of conformance suites. */
  readonly exceptions: readonly string[];
}

/** How many tests ended in which way. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts results by status. */
export function tally(results: Iterable<TestResult>): Tally {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status } of results) counts[status]++;
  return counts;
}

/** The folder in which full runs leave their results. */
export const RESULTS = "tests/.results";
