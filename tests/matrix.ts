/**
 * Which store has passed which conformance suite on which runtime, as the last full run of all tests
 * saw it: `deno task matrix [--markdown | --check] [FOLDER]`.
 *
 * `--markdown` gives what stands in README.md, `--check` says whether that is true. The folder with the
 * results is `tests/.results` unless given.
 */

import { RESULTS, type SuiteResult } from "./run/result.ts";
import { type Cell, type Matrix, matrixOf, SUITES } from "./run/store_matrix.ts";

/** The runtimes, and what they are called. */
const RUNTIMES: Readonly<Record<string, string>> = {
  deno: "Deno",
  node22: "Node 22",
  node24: "Node 24",
  bun: "Bun",
  workerd: "workerd",
  chromium: "Chromium",
};

/** The matrix for a terminal, and every case that does not apply. */
export function tableOf({ cells, exceptions }: Matrix): string {
  const rows = rowsOf(cells);
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length)) + 2
  );
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("")}`.trimEnd()
  );
  const notes = exceptions.map(({ title, suite, case: name, reason }) =>
    `  does not apply: ${title} (${suite}): ${name}: ${reason}`
  );
  return [...lines, "", ...notes].join("\n");
}

/** The matrix for README.md, and why cases do not apply. */
export function markdownOf({ cells, exceptions }: Matrix): string {
  const [head, ...rows] = rowsOf(cells);
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const reasons = Map.groupBy(exceptions, ({ title, reason }) => `${title}: ${reason}`);
  const notes = [...reasons].map(([reason, all]) => {
    const names = all.map(({ suite, case: name }) => `${suite}, “${name}”`);
    return `- ${reason} (${names.join("; ")})`;
  });
  return [line(head!), line(head!.map(() => "---")), ...rows.map(line), "", ...notes].join("\n");
}

/** The rows of the matrix that stands in a Markdown text; none if it has none. */
export function rowsIn(markdown: string): string[][] {
  const lines = markdown.split("\n");
  const start = lines.findIndex((text) => /^\|\s*store\s*\|\s*entries\s*\|/.test(text));
  if (start < 0) return [];
  const length = lines.slice(start).findIndex((text) => !text.startsWith("|"));
  const table = lines.slice(start, length < 0 ? undefined : start + length);
  return table.filter((_, index) => index !== 1).map((text) =>
    text.slice(1, -1).split("|").map((cell) => cell.trim())
  );
}

/** What a Markdown text says otherwise than the matrix. */
export function differences(matrix: Matrix, markdown: string): string[] {
  const linesOf = (rows: readonly string[][]): Set<string> =>
    new Set(rows.map((row) => row.join(" | ")));
  const [said, known] = [linesOf(rowsIn(markdown)), linesOf(rowsOf(matrix.cells))];
  return [
    ...[...said.difference(known)].map((row) => `README.md says, and it is not so: ${row}`),
    ...[...known.difference(said)].map((row) => `README.md does not say: ${row}`),
  ];
}

function rowsOf(cells: Matrix["cells"]): string[][] {
  return [
    ["store", ...SUITES.map(({ name }) => name)],
    ...[...cells].map((
      [store, row],
    ) => [store, ...SUITES.map(({ name }) => textOf(row.get(name)))]),
  ];
}

function textOf(cell: Cell | undefined): string {
  if (!cell) return "";
  const names = (runtimes: ReadonlySet<string>, mark: string): string[] =>
    Object.keys(RUNTIMES).filter((name) => runtimes.has(name)).map((name) => mark + RUNTIMES[name]);
  return [...names(cell.passed, ""), ...names(cell.failed, "not ")].join(", ")
    .replace("Node 22, Node 24", "Node 22 and 24");
}

async function readResults(folder: string): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !name.endsWith(".json")) continue;
    results.push(JSON.parse(await Deno.readTextFile(`${folder}/${name}`)));
  }
  return results;
}

function isFlag(text: string): boolean {
  return text.startsWith("--");
}

async function main(): Promise<void> {
  const [flag, others] = [Deno.args.find(isFlag), Deno.args.filter((text) => !isFlag(text))];
  const matrix = matrixOf(await readResults(others[0] ?? RESULTS));
  const mistakes = [...matrix.mistakes];
  if (flag === undefined) console.log(tableOf(matrix));
  else if (flag === "--markdown") console.log(markdownOf(matrix));
  else if (flag === "--check") {
    mistakes.push(...differences(matrix, await Deno.readTextFile("README.md")));
  } else mistakes.push("Usage: deno task matrix [--markdown | --check] [FOLDER]");
  for (const mistake of mistakes) console.error(mistake);
  if (mistakes.length > 0) Deno.exitCode = 1;
}

if (import.meta.main) await main();
