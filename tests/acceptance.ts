/**
 * Which of the numbered behaviours are proven: `deno task acceptance [--open LIST]`.
 *
 * `acceptance.json` numbers them. A test proves those whose ids stand at the front of its name, or
 * at the front of a group's name around it, if it passes wherever it runs. `acceptance_status.json`
 * excuses the rest, each with a reason, or says that it is not due yet.
 */

import { SEPARATOR } from "./run/junit.ts";
import { RESULTS, type SuiteResult } from "./run/result.ts";

/** What is said of a behaviour that no test proves. */
export interface Excuse {
  /** Not applicable here, repaired in another way, or to be proven later. */
  readonly status: "excused" | "repaired" | "due";
  readonly reason: string;
}

/** Where the behaviours stand. */
export interface Standing {
  readonly proven: readonly string[];
  readonly excused: readonly string[];
  readonly due: readonly string[];
  readonly open: readonly string[];
  /** What is wrong with test names or with the excuses. */
  readonly mistakes: readonly string[];
}

/** What {@linkcode weigh} weighs. */
export interface Evidence {
  /** The text of each behaviour by its id. */
  readonly behaviours: Readonly<Record<string, string>>;
  readonly excuses: Readonly<Record<string, Excuse>>;
  readonly suites: readonly SuiteResult[];
}

const ID = /\b(?:DX|PX|WX|CX|D|R|W|P|C|I)-\d{2,3}\b/;
const LEADING_IDS = new RegExp(`^(?:${ID.source}[\\s,:;]*)+`);
const LISTS = ["D", "DX", "R", "W", "WX", "P", "PX", "C", "CX", "I"];

/** The ids at the front of a test's name or of the groups around it. */
export function idsIn(name: string): string[] {
  return name.split(SEPARATOR).flatMap((part) => {
    const [front = ""] = LEADING_IDS.exec(part) ?? [];
    return front.match(new RegExp(ID, "g")) ?? [];
  });
}

/** Holds test results against the behaviours. */
export function weigh({ behaviours, excuses, suites }: Evidence): Standing {
  const { passed, failed } = borneIds(suites);
  const proven = Object.keys(behaviours).filter((id) => passed.has(id) && !failed.has(id));
  const unproven = Object.keys(behaviours).filter((id) => !proven.includes(id));
  const isDue = (id: string): boolean => excuses[id]?.status === "due";
  return {
    proven,
    excused: unproven.filter((id) => excuses[id] && !isDue(id)),
    due: unproven.filter(isDue),
    open: unproven.filter((id) => !excuses[id]),
    mistakes: [
      ...[...passed, ...failed].filter((id) => !behaviours[id]).map((id) =>
        `A test bears "${id}": there is no such behaviour`
      ),
      ...Object.keys(excuses).filter((id) => !behaviours[id]).map((id) =>
        `acceptance_status.json names "${id}": there is no such behaviour`
      ),
      ...proven.filter(isDue).map((id) =>
        `"${id}" is proven: acceptance_status.json says it is due`
      ),
    ],
  };
}

/** The standing as a table, a row for each list. */
export function tableOf(standing: Standing): string {
  const columns = ["proven", "excused", "due", "open"] as const;
  const row = (cells: readonly (string | number)[]): string =>
    `  ${String(cells[0]).padEnd(12)}${cells.slice(1).map((cell) => cellOf(cell)).join("")}`;
  const rows = LISTS.map((list) =>
    row([list, ...columns.map((column) => inList(standing[column], list).length)])
  );
  const sums = row(["all", ...columns.map((column) => standing[column].length)]);
  return [row(["acceptance", ...columns]), ...rows, sums].join("\n");
}

/** The table for the end of a test run, with what is wrong. */
export async function acceptanceSummary(): Promise<string> {
  const standing = weigh(await readEvidence());
  return [tableOf(standing), ...standing.mistakes.map((mistake) => `  ${mistake}`)].join("\n");
}

function cellOf(cell: string | number): string {
  return (cell === 0 ? "·" : String(cell)).padStart(9);
}

function inList(ids: readonly string[], list: string): string[] {
  return ids.filter((id) => id.startsWith(`${list}-`));
}

function borneIds(suites: readonly SuiteResult[]): { passed: Set<string>; failed: Set<string> } {
  const ids = { passed: new Set<string>(), failed: new Set<string>() };
  for (const { name, status } of suites.flatMap(({ results }) => results)) {
    if (status !== "skipped") { for (const id of idsIn(name)) ids[status].add(id); }
  }
  return ids;
}

async function readEvidence(): Promise<Evidence> {
  const suites: SuiteResult[] = [];
  for await (const { name, isFile } of Deno.readDir(RESULTS)) {
    if (isFile && name.endsWith(".json")) suites.push(await readJson(`${RESULTS}/${name}`));
  }
  return {
    behaviours: await readJson("tests/acceptance.json"),
    excuses: await readJson("tests/acceptance_status.json"),
    suites,
  };
}

async function hasResults(): Promise<boolean> {
  try {
    return (await Deno.stat(RESULTS)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(path));
}

async function main(): Promise<void> {
  if (!(await hasResults())) {
    console.error("Nothing is proven yet: run `deno task test` first");
    Deno.exitCode = 1;
    return;
  }
  const evidence = await readEvidence();
  const standing = weigh(evidence);
  const [flag, list] = Deno.args;
  if (flag === "--open" && list && LISTS.includes(list)) {
    const { due, open } = standing;
    const ids = inList([...open, ...due], list).sort();
    for (const id of ids) console.log(`${id}  ${evidence.behaviours[id]}${dueNote(id, evidence)}`);
  } else if (flag === undefined) {
    console.log(tableOf(standing));
  } else {
    console.error(`Usage: deno task acceptance [--open ${LISTS.join("|")}]`);
    Deno.exitCode = 1;
  }
  for (const mistake of standing.mistakes) console.error(mistake);
  if (standing.mistakes.length > 0) Deno.exitCode = 1;
}

function dueNote(id: string, { excuses }: Evidence): string {
  const excuse = excuses[id];
  return excuse ? ` (due: ${excuse.reason})` : "";
}

if (import.meta.main) await main();
