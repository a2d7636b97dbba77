import { houseJobs } from "./house.ts";
import type { Job } from "./job.ts";
import { launchers } from "./launchers.ts";
import type { Options } from "./options.ts";

/** Everything there is to run, in the order in which it should begin. */
export async function planJobs(options: Options): Promise<Job[]> {
  const portable = await withRuntimes(await testFiles("tests/core"), PORTABLE);
  const system = await withRuntimes(await testFiles("tests/system"), SYSTEM);
  const runner = [...await testFiles("tests/run"), ...await testFiles("tests/runtimes")];
  const jobs = [
    ...await houseJobs(),
    ...PORTABLE.filter((runtime) => runtime !== "chromium").map((runtime) =>
      fileJob("core", runtime, filesOn(runtime, portable))
    ),
    fileJob("tidy", "deno", ["tests/tidy_test.ts"]),
    fileJob("runner", "deno", runner),
    { ...fileJob("core", "chromium", filesOn("chromium", portable)), needsPrograms: true },
    ...system.flatMap(systemJobs),
  ];
  return jobs.flatMap((job) => narrowed(job, options));
}

/**
 * The runtimes a test names in its first line, where it runs elsewhere than usual:
 * `// runs on: deno, bun`.
 */
export function declaredRuntimes(source: string): string[] | undefined {
  const [, names] = /^\/\/ runs on: (.+)/.exec(source) ?? [];
  const runtimes = names?.trim().split(/\s*,\s*/);
  const unknown = runtimes?.find((name) => !Object.hasOwn(launchers, name));
  if (unknown) throw new RangeError(`Cannot run a test on "${unknown}": no such runtime`);
  return runtimes;
}

/** The part of a job that was asked for: the job, the job with fewer files, or nothing. */
export function narrowed(job: Job, { only, runtimes }: Pick<Options, "only" | "runtimes">): Job[] {
  if (runtimes.length > 0 && !runtimes.includes(job.runtime)) return [];
  const isWanted = (name: string): boolean => only.some((text) => name.includes(text));
  if (only.length === 0 || isWanted(job.suite) || isWanted(job.name ?? "")) return nonEmpty(job);
  return job.name ? [] : nonEmpty({ ...job, files: job.files.filter(isWanted) });
}

/** Where portable tests and system tests run unless they say otherwise. */
const PORTABLE = Object.keys(launchers);
const SYSTEM = ["deno", "node24"];
// Several times what the slowest takes on a quiet machine of two cores.
const FILES_LIMIT_MS = 900_000;

function fileJob(suite: string, runtime: string, files: readonly string[]): Job {
  return { suite, runtime, files, limitMs: FILES_LIMIT_MS, ...launchers[runtime]! };
}

/** A system test has a process of its own on each of its runtimes. */
function systemJobs({ file, runtimes }: TestFile): Job[] {
  return runtimes.map((runtime) => ({
    ...fileJob("system", runtime, [file]),
    needsPrograms: true,
  }));
}

interface TestFile {
  readonly file: string;
  readonly runtimes: readonly string[];
}

function withRuntimes(files: readonly string[], usual: readonly string[]): Promise<TestFile[]> {
  return Promise.all(files.map(async (file) => {
    return { file, runtimes: declaredRuntimes(await Deno.readTextFile(file)) ?? usual };
  }));
}

function filesOn(runtime: string, tests: readonly TestFile[]): string[] {
  return tests.filter(({ runtimes }) => runtimes.includes(runtime)).map(({ file }) => file);
}

function nonEmpty(job: Job): Job[] {
  return job.name || job.files.length > 0 ? [job] : [];
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await testFiles(path));
    else if (path.endsWith("_test.ts")) files.push(path);
  }
  return files.sort();
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
