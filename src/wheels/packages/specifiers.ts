/**
 * Version specifiers such as `>=1.0, !=1.3.*, <2`: which versions they allow.
 *
 * The rules are PEP 440's, and where it leaves room, those of Python's `packaging` library, which
 * pip uses. The less obvious ones:
 *
 * - A local label counts only against a specifier that has one, and in `===` and `>`.
 * - `<2.0` allows no pre-release of 2.0, and `>1.0` no post-release of 1.0, unless the specifier
 *   names one itself.
 * - `==1.0.*` and `~=1.0.5` compare release numbers, padded with zeros, and the epoch.
 * - `===` compares text without regard to case, and alone may allow a legacy version.
 * - Pre-releases are allowed one by one, but picked from many only where a specifier names one or
 *   nothing else fits: {@linkcode Specifiers.filter}.
 */

import {
  formatVersion,
  isPrereleaseVersion,
  keyOfVersion,
  parseVersion,
  type Version,
} from "../../contracts/versions.ts";

/** A set of specifiers, all of which must hold. The empty set allows every version. */
export interface Specifiers {
  /** Each specifier as operator and version in normal form, in the order given. */
  readonly clauses: readonly string[];
  /**
   * Whether a version satisfies every specifier. With `prereleases: false` no pre-release does;
   * otherwise they are judged like others.
   */
  allows(version: string, options?: SpecifierOptions): boolean;
  /**
   * The versions that satisfy every specifier, in the order given. Unless `prereleases` says
   * otherwise, pre-releases are among them only if a specifier names one or nothing else fits.
   */
  filter(versions: Iterable<string>, options?: SpecifierOptions): string[];
}

/** How pre-releases are to be treated. */
export interface SpecifierOptions {
  /** `true` takes them, `false` refuses them; by default PEP 440's rule holds. */
  readonly prereleases?: boolean | undefined;
}

/** A version to be judged, with what judging needs. */
interface Candidate {
  readonly text: string;
  readonly version: Version | undefined;
  /** Its key, and the key of its public part. */
  readonly key: string;
  readonly publicKey: string;
}

interface Clause {
  readonly text: string;
  readonly namesPrerelease: boolean;
  readonly holds: (candidate: Candidate) => boolean;
}

/** Longer text is refused. */
const LONGEST_TEXT = 10_000;

const CLAUSE = /^(===|==|!=|~=|<=|>=|<|>)[ \t\n\r\f\v]*(.*)$/s;

/**
 * Reads specifiers separated by commas, or answers `undefined` where one of them is no specifier
 * (and for text longer than 10,000 characters). Source: PEP 440.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSpecifiers } from "@cairn/cache/wheels";
 *
 * const specifiers = parseSpecifiers("~=1.4, !=1.5.*");
 * assert.equal(specifiers?.allows("1.6"), true);
 * assert.equal(specifiers?.allows("1.5.1"), false);
 * assert.deepEqual(specifiers?.filter(["1.4", "1.6b1"]), ["1.4"]);
 * assert.deepEqual(specifiers?.filter(["1.6b1"]), ["1.6b1"]);
 * assert.equal(parseSpecifiers("1.0"), undefined);
 * ```
 */
export function parseSpecifiers(text: string): Specifiers | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const clauses: Clause[] = [];
  for (const part of text.split(",").map((part) => part.trim())) {
    if (part === "") continue;
    const clause = parseClause(part);
    if (clause === undefined) return undefined;
    clauses.push(clause);
  }
  return new SpecifierSet(clauses);
}

class SpecifierSet implements Specifiers {
  readonly clauses: readonly string[];
  readonly #clauses: readonly Clause[];

  constructor(clauses: readonly Clause[]) {
    this.#clauses = clauses;
    this.clauses = Object.freeze(clauses.map(({ text }) => text));
  }

  allows(version: string, options: SpecifierOptions = {}): boolean {
    const candidate = candidateOf(version);
    if (options.prereleases === false && isPrereleaseCandidate(candidate)) return false;
    return this.#holds(candidate);
  }

  filter(versions: Iterable<string>, options: SpecifierOptions = {}): string[] {
    const fitting = Array.from(versions, candidateOf).filter((one) => this.#holds(one));
    const finals = fitting.filter((one) => !isPrereleaseCandidate(one));
    const chosen = this.#takesPrereleases(finals, options) ? fitting : finals;
    return chosen.map(({ text }) => text);
  }

  #takesPrereleases(finals: readonly Candidate[], { prereleases }: SpecifierOptions): boolean {
    if (prereleases !== undefined) return prereleases;
    if (this.#clauses.some(({ namesPrerelease }) => namesPrerelease)) return true;
    return !finals.some(({ version }) => version !== undefined);
  }

  #holds(candidate: Candidate): boolean {
    return this.#clauses.every(({ holds }) => holds(candidate));
  }
}

function parseClause(text: string): Clause | undefined {
  const [, operator = "", stated = ""] = CLAUSE.exec(text) ?? [];
  if (operator === "===") return arbitraryClause(stated);
  if (stated.endsWith(".*")) return wildcardClause(operator, stated.slice(0, -".*".length));
  const version = parseVersion(stated);
  if (version === undefined || !isSuited(operator, version)) return undefined;
  const holds = judgeOf(operator, version);
  return holds && {
    text: operator + formatVersion(version),
    namesPrerelease: operator !== "!=" && isPrereleaseVersion(version),
    holds: ({ version, ...rest }) => version !== undefined && holds({ version, ...rest }),
  };
}

/** `===` compares the very text, so its version may be anything without blanks and `;` and `)`. */
function arbitraryClause(stated: string): Clause | undefined {
  if (/[\s;)]/.test(stated)) return undefined;
  const version = parseVersion(stated);
  return {
    text: `===${stated}`,
    namesPrerelease: version !== undefined && isPrereleaseVersion(version),
    holds: ({ text }) => text.toLowerCase() === stated.toLowerCase(),
  };
}

function wildcardClause(operator: string, stated: string): Clause | undefined {
  const prefix = parseVersion(stated);
  if (prefix === undefined || !/^v?(?:[0-9]+!)?[0-9.]+$/i.test(stated)) return undefined;
  if (operator !== "==" && operator !== "!=") return undefined;
  return {
    text: `${operator}${formatVersion(prefix)}.*`,
    namesPrerelease: false,
    holds: ({ version }) =>
      version !== undefined && hasPrefix(version, prefix) === (operator === "=="),
  };
}

/** Local labels are for `==` and `!=`; a compatible release needs two numbers to be one. */
function isSuited(operator: string, version: Version): boolean {
  if (version.local !== undefined) return operator === "==" || operator === "!=";
  return operator !== "~=" || version.release.length >= 2;
}

function judgeOf(
  operator: string,
  version: Version,
): ((candidate: Candidate & { version: Version }) => boolean) | undefined {
  const key = keyOfVersion(version);
  const isEqual = (one: Candidate) => (version.local ? one.key : one.publicKey) === key;
  switch (operator) {
    case "==":
      return isEqual;
    case "!=":
      return (one) => !isEqual(one);
    case "<=":
      return (one) => one.publicKey <= key;
    case ">=":
      return (one) => one.publicKey >= key;
    case "<":
      return isBelow(version);
    case ">":
      return isAbove(version);
    case "~=": {
      const prefix = { ...version, release: version.release.slice(0, -1) };
      return (one) => one.publicKey >= key && hasPrefix(one.version, prefix);
    }
  }
  return undefined;
}

function isBelow(limit: Version): (candidate: Candidate & { version: Version }) => boolean {
  const key = keyOfVersion(limit);
  const earliest = keyOfVersion({ ...limit, dev: "0", local: undefined });
  const isFinal = !isPrereleaseVersion(limit);
  return (one) =>
    one.key < key && !(isFinal && isPrereleaseVersion(one.version) && one.key >= earliest);
}

function isAbove(limit: Version): (candidate: Candidate & { version: Version }) => boolean {
  const key = keyOfVersion(limit);
  return (one) => {
    if (one.key <= key || one.publicKey === key) return false;
    if (limit.post !== undefined || one.version.post === undefined) return true;
    const base = { ...one.version, post: undefined, dev: undefined, local: undefined };
    return keyOfVersion(base) !== key;
  };
}

function hasPrefix(version: Version, prefix: Version): boolean {
  if (version.epoch !== prefix.epoch) return false;
  return prefix.release.every((number, index) => (version.release[index] ?? "0") === number);
}

function candidateOf(text: string): Candidate {
  const version = parseVersion(text);
  if (version === undefined) return { text, version, key: "", publicKey: "" };
  const key = keyOfVersion(version);
  const publicKey = version.local ? keyOfVersion({ ...version, local: undefined }) : key;
  return { text, version, key, publicKey };
}

function isPrereleaseCandidate({ version }: Candidate): boolean {
  return version !== undefined && isPrereleaseVersion(version);
}
