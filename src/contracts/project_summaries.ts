/** What every {@linkcode IndexCache} says of projects and finds in them, so that all say the same. */

import type { PackageFile, ProjectSummary, SearchQuery } from "./index_cache.ts";
import { versionKey } from "./versions.ts";

/** The facts of a file that a summary is made of. */
export type SummaryFacts = Pick<
  PackageFile,
  "filename" | "project" | "version" | "uploadedAt" | "summary"
>;

/** One line about each project that has any of `files`, sorted by name by code unit. */
export function summariesOf(files: Iterable<SummaryFacts>): ProjectSummary[] {
  const projects = new Map<string, Highest>();
  for (const file of files) {
    const seen = projects.get(file.project);
    const key = versionKey(file.version);
    if (seen === undefined) projects.set(file.project, { file, key, newestAt: file.uploadedAt });
    else improve(seen, file, key);
  }
  const sorted = [...projects].sort(([left], [right]) => left < right ? -1 : 1);
  return sorted.map(([, highest]) => summaryOf(highest));
}

/**
 * A test of files against a query. A `RangeError` for an operator that is neither `"and"` nor
 * `"or"`, since guessing would answer another question.
 */
export function matcherOf(query: SearchQuery): (file: SummaryFacts) => boolean {
  const { operator } = query;
  if (operator !== "and" && operator !== "or") {
    throw new RangeError(`Cannot search: "operator" is ${JSON.stringify(operator)}`);
  }
  const inName = finderOf(query.names ?? [], operator);
  const inSummary = finderOf(query.summaries ?? [], operator);
  return ({ project, summary = "" }) => inName(project) || inSummary(summary);
}

interface Highest {
  file: SummaryFacts;
  key: string;
  newestAt: number;
}

function improve(highest: Highest, file: SummaryFacts, key: string): void {
  highest.newestAt = Math.max(highest.newestAt, file.uploadedAt);
  const isHigher = key === highest.key ? file.filename > highest.file.filename : key > highest.key;
  if (isHigher) Object.assign(highest, { file, key });
}

function summaryOf({ file, newestAt }: Highest): ProjectSummary {
  const { project, version, summary } = file;
  return Object.freeze({ project, version, ...summary && { summary }, uploadedAt: newestAt });
}

function finderOf(terms: readonly string[], operator: "and" | "or"): (text: string) => boolean {
  const wanted = terms.map((term) => term.toLowerCase());
  if (wanted.length === 0) return () => false;
  return (text) => {
    const lower = text.toLowerCase();
    const has = (term: string): boolean => lower.includes(term);
    return operator === "and" ? wanted.every(has) : wanted.some(has);
  };
}
