/**
 * Requirements such as `foo[fast]>=1.0; python_version < "3.9"`: which project, in which versions,
 * is wanted under which circumstances.
 *
 * The grammar is PEP 508's, read as Python's `packaging` library reads it. Markers are checked for
 * their form and kept as text: what they say of an interpreter is for that interpreter to judge.
 */

import { parseSpecifiers, type Specifiers } from "./specifiers.ts";

/** What a requirement says. */
export interface Requirement {
  /** The project as written. */
  readonly name: string;
  /** The extras wanted, as written. */
  readonly extras: readonly string[];
  /** The versions wanted; all where a URL is given. */
  readonly specifiers: Specifiers;
  /** The place to take it from, if one is given. */
  readonly url: string | undefined;
  /** The condition, if there is one. */
  readonly marker: string | undefined;
}

/** Longer text is refused. */
const LONGEST_TEXT = 10_000;

/** How deep the parentheses of a marker may lie in each other. */
const DEEPEST_MARKER = 50;

const BLANKS = /[ \t]*/y;
const IDENTIFIER = /\b[a-zA-Z0-9][a-zA-Z0-9._-]*\b/y;
const SPECIFIERS = /[^;()]*/y;
const URL_TEXT = /[^ \t]+/y;
const QUOTED = /'[^']*'|"[^"]*"/y;
const LOGICAL = /\b(?:or|and)\b/y;
const COMPARISON = /===|==|~=|!=|<=|>=|<|>|\bin\b|\bnot\b[ \t]+in\b/y;
const VARIABLE = new RegExp(
  "\\b(?:python_version|python_full_version|os[._]name|sys[._]platform|platform_(?:release|system)" +
    "|platform[._](?:version|machine|python_implementation)|python_implementation" +
    "|implementation_(?:name|version)|extras?|dependency_groups)\\b",
  "y",
);

/**
 * Reads a requirement, or answers `undefined` for text that is none (and for more than 10,000
 * characters). Source: PEP 508.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseRequirement } from "@cairn/cache/wheels";
 *
 * const requirement = parseRequirement('Foo[fast] (>=1.0, <2); python_version < "3.9"');
 * assert.equal(requirement?.name, "Foo");
 * assert.deepEqual(requirement?.extras, ["fast"]);
 * assert.equal(requirement?.specifiers.allows("1.5"), true);
 * assert.equal(requirement?.marker, 'python_version < "3.9"');
 * assert.equal(parseRequirement("foo >= "), undefined);
 * ```
 */
export function parseRequirement(text: string): Requirement | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const scanner = new Scanner(text.replace(/\n$/, ""));
  scanner.take(BLANKS);
  const name = scanner.take(IDENTIFIER);
  const extras = name === undefined ? undefined : readExtras(scanner);
  if (extras === undefined) return undefined;
  const found = scanner.skip("@") ? readPlace(scanner) : readVersions(scanner);
  if (found === undefined) return undefined;
  scanner.take(BLANKS);
  if (scanner.isAtEnd()) return { name: name!, extras, ...found, marker: undefined };
  const marker = readCondition(scanner);
  return marker === undefined ? undefined : { name: name!, extras, ...found, marker };
}

/** A text that is taken apart from its front. */
class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** What a sticky pattern matches here, passing it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  /** Passes blanks, and then a sign with the blanks after it, if it is here. */
  skip(sign: string): boolean {
    this.take(BLANKS);
    if (!this.text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    this.take(BLANKS);
    return true;
  }

  isAtEnd(): boolean {
    return this.at === this.text.length;
  }
}

function readExtras(scanner: Scanner): string[] | undefined {
  const extras: string[] = [];
  if (!scanner.skip("[")) return extras;
  if (scanner.skip("]")) return extras;
  do {
    const extra = scanner.take(IDENTIFIER);
    if (extra === undefined) return undefined;
    extras.push(extra);
  } while (scanner.skip(","));
  return scanner.skip("]") ? extras : undefined;
}

/** After a URL a blank must come before the marker, since a URL may hold semicolons. */
function readPlace(scanner: Scanner): Pick<Requirement, "url" | "specifiers"> | undefined {
  const url = scanner.take(URL_TEXT);
  const specifiers = parseSpecifiers("");
  return url === undefined || specifiers === undefined ? undefined : { url, specifiers };
}

function readVersions(scanner: Scanner): Pick<Requirement, "url" | "specifiers"> | undefined {
  const isEnclosed = scanner.skip("(");
  const stated = scanner.take(SPECIFIERS)!;
  if (isEnclosed && !scanner.skip(")")) return undefined;
  const specifiers = hasGaps(stated) ? undefined : parseSpecifiers(stated);
  return specifiers && { url: undefined, specifiers };
}

/** A requirement, unlike a set of specifiers alone, has nothing empty but after a last comma. */
function hasGaps(specifiers: string): boolean {
  const parts = specifiers.split(",").map((part) => part.trim());
  const needed = parts.length > 1 ? parts.slice(0, -1) : [];
  return needed.some((part) => part === "");
}

/** The marker after its semicolon, if it is well formed and reaches to the end. */
function readCondition(scanner: Scanner): string | undefined {
  if (!scanner.skip(";")) return undefined;
  const start = scanner.at;
  const isWhole = passMarker(scanner, 0) && scanner.isAtEnd();
  return isWhole ? scanner.text.slice(start).trim() : undefined;
}

function passMarker(scanner: Scanner, depth: number): boolean {
  if (depth > DEEPEST_MARKER) return false;
  do {
    scanner.take(BLANKS);
    const isPassed = scanner.skip("(")
      ? passMarker(scanner, depth + 1) && scanner.skip(")")
      : passComparison(scanner);
    if (!isPassed) return false;
    scanner.take(BLANKS);
  } while (scanner.take(LOGICAL) !== undefined);
  return true;
}

function passComparison(scanner: Scanner): boolean {
  return [OPERAND, [COMPARISON], OPERAND].every((patterns) => {
    const found = patterns.some((pattern) => scanner.take(pattern) !== undefined);
    scanner.take(BLANKS);
    return found;
  });
}

const OPERAND = [VARIABLE, QUOTED];
