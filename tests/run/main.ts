/** The runner of all tests, on all runtimes: `deno task test`. */

import { stopAll, stopAllWhenInterrupted } from "./child.ts";
import { type Job, runJob } from "./job.ts";
import { inLanes } from "./lanes.ts";
import { HELP, isWhole, type Options, parseOptions } from "./options.ts";
import { providePrograms } from "./provide.ts";
import { lastLine, Report, showDetails } from "./report.ts";
import { RESULTS, type SuiteResult, tally } from "./result.ts";
import { Screen } from "./screen.ts";
import { planJobs } from "./suites.ts";
import { acceptanceSummary } from "../acceptance.ts";

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) return console.log(HELP), 0;
  const options = readOptions();
  if (!options) return 1;
  const jobs = await planJobs(options);
  if (options.list) return listJobs(jobs), 0;
  if (jobs.length === 0) return console.error("Nothing to run: no suite or file is so named"), 1;
  stopAllWhenInterrupted();
  const suites = await runAll(jobs, options);
  return await conclude(suites, options);
}

function readOptions(): Options | undefined {
  try {
    return parseOptions(Deno.args, { CI: Deno.env.get("CI") });
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    console.error(`${error.message}\n\n${HELP}`);
    return undefined;
  }
}

function listJobs(jobs: readonly Job[]): void {
  for (const { suite, runtime, name, files } of jobs) {
    for (const what of name ? [name] : files) console.log(`${suite} on ${runtime}: ${what}`);
  }
}

async function runAll(jobs: readonly Job[], options: Options): Promise<SuiteResult[]> {
  const screen = new Screen();
  const report = new Report(jobs, screen);
  const folder = isWhole(options) ? RESULTS : `${RESULTS}/partial`;
  await emptyFolder(folder);
  report.open();
  const isNeeded = options.install && jobs.some(({ needsPrograms }) => needsPrograms);
  const programs = isNeeded ? providePrograms(screen) : Promise.resolve();
  await inLanes(jobs.entries(), options.lanes, async ([number, job]) => {
    if (job.needsPrograms) await programs;
    report.started(job);
    report.ended(job, await runJob(job, `${Deno.cwd()}/${folder}/job-${number}.report`));
  });
  await writeResults(folder, report.suites());
  screen.running("");
  showDetails(report.suites(), screen);
  return report.suites();
}

async function emptyFolder(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await Deno.remove(`${folder}/${name}`);
  }
}

async function writeResults(folder: string, suites: readonly SuiteResult[]): Promise<void> {
  for (const suite of suites) {
    const path = `${folder}/${suite.suite}.${suite.runtime}.json`;
    await Deno.writeTextFile(path, `${JSON.stringify(suite, undefined, 2)}\n`);
  }
}

/** Says how it went, the totals last, and gives the exit code. */
async function conclude(suites: readonly SuiteResult[], options: Options): Promise<number> {
  const counts = tally(suites.flatMap(({ results }) => results));
  const isSkipping = counts.skipped > 0 || suites.some(({ notices }) => notices.length > 0);
  console.log();
  if (isWhole(options)) console.log(`${await acceptanceSummary()}\n`);
  if (isSkipping && options.strict) console.log("Failed: with CI=true nothing may be skipped\n");
  console.log(lastLine(counts));
  return counts.failed > 0 || (isSkipping && options.strict) ? 1 : 0;
}

try {
  Deno.exitCode = await main();
} finally {
  stopAll();
}
// A child's pipe or timer left open must not keep a finished run from ending.
Deno.exit();
