/**
 * Which store has passed which conformance suite on which runtime.
 *
 * A suite is a group of tests that is called after the suite and after the store, as in
 * `"Backend: sqlite"`. It is passed where all of its cases are, those left aside that do not apply;
 * a case that is neither there nor said not to apply is a mistake.
 */

import { SEPARATOR } from "./junit.ts";
import type { SuiteResult } from "./result.ts";

/** A conformance suite. */
export interface Suite {
  /** What it is about. */
  readonly name: string;
  /** Where it is. */
  readonly file: string;
  /** What its groups are called; the part in parentheses is the store. */
  readonly group: RegExp;
}

/** A store. */
export interface Store {
  readonly name: string;
  /** What suites call it, or one of the ways to it. */
  readonly title: RegExp;
}

/** The suites, in the order of the columns. */
export const SUITES: readonly Suite[] = [
  { name: "entries", file: "backend_suite.ts", group: /^Backend: (.+)$/ },
  { name: "atomics", file: "atomics_suite.ts", group: /^Atomics: (.+)$/ },
  { name: "locks", file: "locks_suite.ts", group: /^Locks: (.+)$/ },
  { name: "listing", file: "listing_suite.ts", group: /^Listing: (.+)$/ },
  {
    name: "regions",
    file: "region_suite.ts",
    group: /^(.+): (?:single keys|creators and functions|many keys|many callers)$/,
  },
  { name: "index table", file: "index_cache_suite.ts", group: /^IndexCache: (.+)$/ },
  { name: "files", file: "file_store_suite.ts", group: /^FileStore: (.+)$/ },
];

/** The stores, in the order of the rows. */
export const STORES: readonly Store[] = [
  { name: "memory", title: /^(?:memory(?!.*proxy)|localLocks$)/ },
  {
    name: "Redis, Valkey",
    title: /^(?:redis(?:_advanced)?|sentinel)\b(?!.*(?:upstash|webdis|cluster|hashes))/i,
  },
  { name: "Redis Cluster", title: /^redis\b.*\bcluster/ },
  { name: "Redis over HTTP", title: /^redis by (?:upstash|webdis)\b/ },
  { name: "Redis hashes", title: /^(?:redis(?: |_advanced, keys in ))?hashes\b/ },
  { name: "memcached", title: /^(?:bare )?memcached\b/ },
  { name: "SQLite", title: /^sqlite\b/ },
  { name: "D1", title: /^d1\b/ },
  { name: "Durable Object", title: /^durable object( with its locks)?$/ },
  { name: "Workers KV", title: /^workers kv\b/ },
  { name: "Cache API", title: /^cache api\b/ },
  { name: "Deno KV", title: /^deno kv\b/ },
  { name: "DynamoDB", title: /^dynamodb\b/ },
  { name: "PostgreSQL", title: /^postgres/i },
  { name: "MySQL, MariaDB", title: /^(?:mysql|mariadb)/i },
  { name: "folder", title: /^folder\b/ },
  { name: "R2", title: /^r2\b/ },
];

/** What has suites and is no store: compositions, and the model that the suites are tried on. */
const COMPOSED = /\(|\b(?:model|proxy|sharded|tiered|beside|framing)\b|^atomicLocks$/;

/** Where a store stands in a suite. */
export interface Cell {
  /** The runtimes where all cases were passed. */
  readonly passed: ReadonlySet<string>;
  /** The runtimes where some were not. */
  readonly failed: ReadonlySet<string>;
}

/** A case that does not apply to a store. */
export interface Exception {
  /** What the suite calls the store. */
  readonly title: string;
  readonly suite: string;
  readonly case: string;
  readonly reason: string;
}

/** Where all stores stand in all suites. */
export interface Matrix {
  /** By store, then by suite. */
  readonly cells: ReadonlyMap<string, ReadonlyMap<string, Cell>>;
  readonly exceptions: readonly Exception[];
  /** Suites of stores that nobody knows, and cases that are not there without a reason. */
  readonly mistakes: readonly string[];
}

/** A suite as one store went through it on one runtime. */
interface Run {
  readonly suite: string;
  readonly title: string;
  readonly runtime: string;
  /** How each case ended. */
  readonly cases: Map<string, string>;
}

/** Reads the matrix out of the results of tests. */
export function matrixOf(results: readonly SuiteResult[]): Matrix {
  const all = runsOf(results);
  const unknown = all.filter(({ title }) => !storeOf(title) && !COMPOSED.test(title));
  const runs = all.filter(({ title }) => storeOf(title));
  const exceptions = exceptionsOf(results.flatMap((result) => result.exceptions ?? []), runs);
  const mistakes = [
    ...unknown.map(({ suite, title }) => `Nobody knows the store "${title}" (${suite})`),
    ...holesIn(runs, exceptions),
  ];
  return { cells: cellsOf(runs), exceptions, mistakes: [...new Set(mistakes)] };
}

function cellsOf(runs: readonly Run[]): Matrix["cells"] {
  const cells = new Map(STORES.map(({ name }) => [name, new Map<string, Cell>()]));
  for (const { suite, title, runtime, cases } of runs) {
    const row = cells.get(storeOf(title)!)!;
    const { passed, failed } = row.get(suite) ?? { passed: new Set(), failed: new Set() };
    const isPassed = [...cases.values()].every((status) => status === "passed");
    const bad = isPassed ? failed : new Set([...failed, runtime]);
    row.set(suite, { passed: new Set([...passed, runtime]).difference(bad), failed: bad });
  }
  return cells;
}

function storeOf(title: string): string | undefined {
  return STORES.find((store) => store.title.test(title))?.name;
}

function runsOf(results: readonly SuiteResult[]): Run[] {
  const runs = new Map<string, Run>();
  for (const { runtime: home, results: tests } of results) {
    for (const { name, status } of tests) {
      const path = name.split(SEPARATOR).map(withoutIds);
      const found = suiteIn(path.slice(0, -1));
      if (!found) continue;
      // Some tests only start another runtime, in which the cases run.
      const runtime = path.includes("in workerd") ? "workerd" : home;
      const key = [found.suite, found.title, runtime].join("\n");
      const run = runs.get(key) ?? { ...found, runtime, cases: new Map<string, string>() };
      runs.set(key, run);
      run.cases.set(path.at(-1)!, status);
    }
  }
  return [...runs.values()];
}

function suiteIn(path: readonly string[]): Pick<Run, "suite" | "title"> | undefined {
  for (const text of path) {
    for (const { name, group } of SUITES) {
      const title = group.exec(text)?.[1];
      if (title) return { suite: name, title };
    }
  }
  return undefined;
}

/** The name of a test without the ids of what it proves. */
function withoutIds(name: string): string {
  return name.replace(/^(?:[A-Z]{1,2}-\d{2,3}[\s,:;]*)+/, "");
}

/** Reads `GROUP: CASE: REASON`; as each of them may hold colons, they are told by what was run. */
function exceptionsOf(lines: readonly string[], runs: readonly Run[]): Exception[] {
  const found = new Map<string, Exception>();
  for (const line of new Set(lines)) {
    for (const { suite, title } of runs) {
      const rest = restAfter(`${titleOf(suite, title)}: `, line);
      const name = [...namesIn(runs, suite)].find((one) => rest?.startsWith(`${one}: `));
      if (!rest || !name) continue;
      found.set(line, { title, suite, case: name, reason: rest.slice(name.length + 2) });
    }
  }
  return [...found.values()];
}

function titleOf(suite: string, title: string): string {
  const { source } = SUITES.find(({ name }) => name === suite)!.group;
  return source.replace("^", "").replace("(.+)$", title);
}

function restAfter(start: string, line: string): string | undefined {
  return line.startsWith(start) ? withoutIds(line.slice(start.length)) : undefined;
}

/** The cases of a suite: every store is tried with some of them, and some store with each. */
function namesIn(runs: readonly Run[], suite: string): Set<string> {
  const own = runs.filter((run) => run.suite === suite);
  return new Set(own.flatMap(({ cases }) => [...cases.keys()]));
}

function holesIn(runs: readonly Run[], exceptions: readonly Exception[]): string[] {
  const excepted = new Set(exceptions.map((one) => `${one.suite}\n${one.title}\n${one.case}`));
  return runs.flatMap(({ suite, title, runtime, cases }) =>
    [...namesIn(runs, suite)]
      .filter((name) => !cases.has(name) && !excepted.has(`${suite}\n${title}\n${name}`))
      .map((name) => `Nobody tried ${title} on ${runtime} with "${name}" (${suite})`)
  );
}
