import type { TestResult } from "./result.ts";
import { parseXml, type XmlElement } from "./xml.ts";

/**
 * Reads the JUnit files of the three native test runners, which agree on little.
 *
 * - Deno writes one flat list: groups are test cases too, and a step's name is its whole path joined
 *   by `" > "`. Steps inside `describe` are filed under Deno's own `node:test`, not the test file.
 * - Node nests suites and names absolute files; a skip carries its reason.
 * - Bun nests suites, the outermost one being the file; subtests vanish into their test.
 *
 * What comes out is the same for all: the leaves, each with its whole path as name.
 */
export function parseJunit(text: string, root: string): TestResult[] {
  const top = parseXml(text);
  const cases = collect(top, [], []);
  const leaves = top.attributes["name"] === "deno test" ? leavesOf(cases) : cases;
  return leaves.map((leaf) => toResult(leaf, root));
}

/** What stands between the groups of a test's full name. */
export const SEPARATOR = " > ";

const DENO_NODE_TEST = "ext:deno_node/testing.ts";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly element: XmlElement;
}

function collect(element: XmlElement, path: readonly string[], found: Case[]): Case[] {
  for (const child of element.children) {
    if (child.name === "testcase") found.push(toCase(child, path));
    else if (child.name === "testsuite") collect(child, [...path, ...groupName(child)], found);
  }
  return found;
}

/** A suite that stands for a file is no part of a test's name. */
function groupName({ attributes: { name = "", file = "" } }: XmlElement): string[] {
  const isFile = name === file || /\.[cm]?[jt]s$/.test(name);
  // Node escapes the quotes of a suite's name twice.
  return isFile ? [] : [name.replaceAll("&quot;", '"')];
}

function toCase(element: XmlElement, path: readonly string[]): Case {
  const { name = "", file, classname = "" } = element.attributes;
  // Only Deno's class name is a file; Node 22 names no file at all.
  const place = file ?? (/\.ts$/.test(classname) ? classname : "");
  return { name: [...path, name].join(SEPARATOR), file: place, element };
}

function leavesOf(cases: readonly Case[]): Case[] {
  const groups = new Set(cases.flatMap(({ name }) => parentsOf(name)));
  const files = new Map<string, string>();
  for (const { name, file } of cases) if (file !== DENO_NODE_TEST) files.set(name, file);
  return cases
    .filter(({ name, element }) => !groups.has(name) || hasFailedByItself(element))
    .map((leaf) => ({ ...leaf, file: files.get(leaf.name.split(SEPARATOR)[0]!) ?? "" }));
}

function parentsOf(name: string): string[] {
  const path = name.split(SEPARATOR);
  return path.slice(1).map((_, depth) => path.slice(0, depth + 1).join(SEPARATOR));
}

/** A group may fail on its own, in a hook; then it counts as a failed test. */
function hasFailedByItself({ children }: XmlElement): boolean {
  const failure = children.find(({ name }) => name === "failure");
  return failure !== undefined && !/^\d+ test steps? failed/.test(failure.text.trim());
}

function toResult({ name, file, element }: Case, root: string): TestResult {
  const where = { name, file: relative(file, root) };
  const failure = element.children.find((child) => /^(failure|error)$/.test(child.name));
  if (failure) return { ...where, status: "failed", reason: reasonOf(failure) };
  const skipped = element.children.find((child) => child.name === "skipped");
  if (!skipped) return { ...where, status: "passed" };
  const reason = skipped.attributes["message"] ?? "true";
  return { ...where, status: "skipped", ...(reason === "true" ? {} : { reason }) };
}

function reasonOf(failure: XmlElement): string {
  return failure.text.trim() || failure.attributes["message"] || "no reason given";
}

function relative(file: string, root: string): string {
  const path = file.replace(/^file:\/\//, "");
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path.replace(/^\.\//, "");
}
