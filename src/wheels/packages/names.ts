/**
 * Names of Python projects and of the files they publish.
 *
 * A wheel's name says what it holds: `project-version[-build]-python-abi-platform.whl`, where
 * the last three may each be a dotted set standing for every combination (PEP 427, PEP 425). A
 * source distribution is `project-version.tar.gz`. Since PEP 625 neither part has a dash, so the
 * name splits at the only one; older names have dashes in both parts, and where the project ends
 * cannot be known from the name alone. {@linkcode projectCandidates} lists the possibilities,
 * {@linkcode parseFilename} takes the likeliest, or the one its caller knows to be right.
 */

import { parseVersion } from "../../contracts/versions.ts";
import { expandTags } from "./tags.ts";

/** What the name of a package file says. */
export interface ParsedFilename {
  /** A built distribution or a source distribution. */
  readonly kind: "wheel" | "sdist";
  /** The name as given. */
  readonly filename: string;
  /** The normalised project name. */
  readonly project: string;
  /** The version as the name states it; it may be a legacy one. */
  readonly version: string;
  /** The build tag of a wheel that has one, e.g. `"1a"`. */
  readonly build?: string;
  /** The tags of a wheel, its compressed sets expanded, e.g. `"py3-none-any"`. */
  readonly tags?: readonly string[];
}

/** The suffixes of source distributions. Uploads may have the first and second only. */
export const SDIST_SUFFIXES: readonly string[] = Object.freeze([
  ".tar.gz",
  ".zip",
  ".tgz",
  ".tar.bz2",
  ".tbz",
  ".tar.xz",
  ".txz",
  ".tar.lz",
  ".tar.lzma",
  ".tlz",
  ".tar",
]);

/** The longest name of a file on every file system that matters here, in bytes. */
const LONGEST_FILENAME = 255;

/** As many dashes as a source distribution's name is tried at. */
const MOST_CANDIDATES = 16;

const PROJECT = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i;
const WHEEL_PROJECT = /^[a-z0-9._]+$/i;
const STATED_VERSION = /^[a-z0-9](?:[a-z0-9._+!-]*[a-z0-9])?$/i;
const BUILD = /^([0-9]+)([^-]*)$/;

/**
 * The normalised form of a project name: lower case, and one dash for every run of dashes, dots
 * and underscores. Source: PEP 503.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeName } from "@cairn/cache/wheels";
 *
 * assert.equal(normalizeName("Foo__Bar.baz"), "foo-bar-baz");
 * ```
 */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, "-").toLowerCase();
}

/** Whether it is a valid project name in its normalised form. */
export function isNormalizedName(name: string): boolean {
  return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name);
}

/** Whether it is a valid project name in any form: ASCII only (PEP 508). */
export function isProjectName(name: string): boolean {
  return PROJECT.test(name);
}

/**
 * What the name of a wheel or source distribution says, or `undefined` for any other name: eggs,
 * installers, signatures, README files, and whatever could not be a file's name everywhere.
 *
 * `project`, in any spelling, is the project the file is known to belong to. A source
 * distribution's name is then split there; a name of another project is `undefined`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseFilename } from "@cairn/cache/wheels";
 *
 * const wheel = parseFilename("Foo.Bar-1.0-1a-py2.py3-none-any.whl");
 * assert.equal(wheel?.project, "foo-bar");
 * assert.equal(wheel?.build, "1a");
 * assert.deepEqual(wheel?.tags, ["py2-none-any", "py3-none-any"]);
 *
 * assert.equal(parseFilename("foo-bar-1.0.tar.gz")?.project, "foo-bar");
 * assert.equal(parseFilename("foo-2-1.tar.gz", "foo")?.version, "2-1");
 * assert.equal(parseFilename("README.txt"), undefined);
 * ```
 */
export function parseFilename(filename: string, project?: string): ParsedFilename | undefined {
  if (filename.length > LONGEST_FILENAME) return undefined;
  if (filename.endsWith(".whl")) return parseWheel(filename, project);
  return splits(filename).find(({ project: found }) =>
    project === undefined || found === normalizeName(project)
  );
}

/**
 * The normalised names of every project that a file may belong to by its name, likeliest first
 * and at most 16: one for a wheel, often several for an old source distribution, none for a name
 * that {@linkcode parseFilename} refuses.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { projectCandidates } from "@cairn/cache/wheels";
 *
 * assert.deepEqual(projectCandidates("foo-2-1.0.tar.gz"), ["foo-2", "foo"]);
 * ```
 */
export function projectCandidates(filename: string): string[] {
  if (filename.length > LONGEST_FILENAME) return [];
  const found = filename.endsWith(".whl") ? [parseWheel(filename)] : splits(filename);
  return [...new Set(found.flatMap((parsed) => parsed?.project ?? []))];
}

/**
 * Compares two build tags: their leading numbers as numbers, what follows as text, and no build
 * tag before all. Source: PEP 427.
 */
export function compareBuilds(a: string | undefined, b: string | undefined): number {
  const [left, right] = [buildParts(a), buildParts(b)];
  const byNumber = left.number.length - right.number.length || compare(left.number, right.number);
  return byNumber || compare(left.rest, right.rest);
}

function parseWheel(filename: string, project?: string): ParsedFilename | undefined {
  const parts = filename.slice(0, -".whl".length).split("-");
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const [name, stated, build] = [parts[0]!, parts[1]!, parts.length === 6 ? parts[2] : undefined];
  if (!WHEEL_PROJECT.test(name) || name.includes("__") || !isProjectName(name)) return undefined;
  if (project !== undefined && normalizeName(project) !== normalizeName(name)) return undefined;
  if (!STATED_VERSION.test(stated)) return undefined;
  if (build !== undefined && !BUILD.test(build)) return undefined;
  const tags = expandTags(parts.slice(-3).join("-"));
  if (tags === undefined) return undefined;
  return {
    kind: "wheel",
    filename,
    project: normalizeName(name),
    version: unescaped(stated),
    ...(build === undefined ? {} : { build }),
    tags,
  };
}

/** Old tools wrote the dash of `1.0-1` as an underscore, which no proper version can hold there. */
function unescaped(stated: string): string {
  if (parseVersion(stated) !== undefined) return stated;
  const dashed = stated.replaceAll("_", "-");
  return parseVersion(dashed) === undefined ? stated : dashed;
}

/** Every way to split a source distribution's name, likeliest first. */
function splits(filename: string): ParsedFilename[] {
  const suffix = SDIST_SUFFIXES.find((candidate) => filename.endsWith(candidate));
  if (suffix === undefined) return [];
  const parts = filename.slice(0, -suffix.length).split("-");
  const found: ParsedFilename[] = [];
  for (let at = parts.length - 1; at > 0 && found.length < MOST_CANDIDATES; at--) {
    const [name, version] = [parts.slice(0, at).join("-"), parts.slice(at).join("-")];
    if (!isProjectName(name) || !STATED_VERSION.test(version)) continue;
    found.push({ kind: "sdist", filename, project: normalizeName(name), version });
  }
  return found.sort((a, b) => likelihood(b.version) - likelihood(a.version));
}

/**
 * How likely it is that a name was split rightly, by the version it leaves. `foo-1.0-1` is rather
 * the first post-release of `foo` 1.0 than a project called `foo-1.0`, yet `foo-2-1` is rather
 * version 1 of `foo-2`. Of equally likely splits the last dash wins.
 */
function likelihood(version: string): number {
  if (/^[0-9]+(?:\.[0-9]+)+-/.test(version) && parseVersion(version) !== undefined) return 4;
  if (!version.includes("-") && parseVersion(version) !== undefined) return 3;
  if (parseVersion(version) !== undefined) return 2;
  return /^[0-9]/.test(version) ? 1 : 0;
}

function buildParts(build: string | undefined): { number: string; rest: string } {
  const [, number = "", rest = ""] = BUILD.exec(build ?? "") ?? [];
  return { number: number.replace(/^0+(?=[0-9])/, ""), rest };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
