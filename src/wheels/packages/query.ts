/**
 * What curdling's clients ask an index for: a requirement, and behind a semicolon the format that is
 * wanted, `foo (>= 1.0);whl`, or the one that is not, `foo;~whl`.
 *
 * The highest version is chosen of which there is a file that fits: by its format, and by the tags of
 * the asker where they are stated. Pre-releases and yanked files are chosen as PEP 440 and PEP 592 say.
 * Of a version's files wheels come before source distributions; of wheels those that the asker's tags
 * rate highest, and while no tags are stated, those that run everywhere.
 */

import { compareVersions, sortedByVersion, versionKey } from "../../contracts/versions.ts";
import { constraintText, parseLooseRequirement } from "./loose_requirements.ts";
import {
  compareBuilds,
  normalizeName,
  type ParsedFilename,
  parseFilename,
  SDIST_SUFFIXES,
} from "./names.ts";
import type { Specifiers } from "./specifiers.ts";

/** What is asked for. */
export interface PackageQuery {
  /** The normalised name of the project. */
  readonly project: string;
  /** The versions that will do. */
  readonly specifiers: Specifiers;
  /** The format of the file; `undefined` where any will do. */
  readonly format: WantedFormat | undefined;
  /** The query in its normal form, for messages. */
  readonly text: string;
}

/** A format, by the end of filenames. */
export interface WantedFormat {
  /** The end without its dot, e.g. `"whl"` or `"gz"`. */
  readonly suffix: string;
  /** Whether this is the format that is not wanted. */
  readonly isExcluded: boolean;
}

/** A file that can be chosen. */
export interface OfferedFile {
  /** Its name. */
  readonly filename: string;
  /** Whether it is yanked (PEP 592). Default: it is not. */
  readonly yanked?: boolean | string;
}

/** How to choose. */
export interface ChoiceOptions {
  /**
   * The tags of the wheels that the asker can install, the best first, e.g. `"py3-none-any"`. Default:
   * they are not known, and every wheel will do.
   */
  readonly tags?: readonly string[];
}

/** The files of one version, the best first. */
export interface Release<File extends OfferedFile> {
  /** The version as the best file states it. */
  readonly version: string;
  /** The files. */
  readonly files: readonly File[];
}

interface Candidate<File extends OfferedFile> {
  readonly file: File;
  readonly parsed: ParsedFilename;
  readonly rank: number;
}

/** Wheels that run everywhere, in any version of Python or in some, and those that do not. */
const [EVERYWHERE, ON_SOME_PYTHON, SOMEWHERE] = [0, 1, 2];

/** Below every wheel. */
const FIRST_SDIST = 1_000_000;

/** The word for `.tar.bz2` that curdling had. */
const ALIASES: Readonly<Record<string, string>> = Object.freeze({ bz: "bz2" });

/**
 * Reads a query, or answers `undefined` for text that is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { chooseFile, parseQuery } from "@cairn/cache/wheels";
 *
 * const query = parseQuery("foo (>= 1.0);~whl");
 * const files = ["foo-1.1-py3-none-any.whl", "foo-1.0.tar.gz"].map((filename) => ({ filename }));
 * assert.equal(chooseFile(query!, files)?.filename, "foo-1.0.tar.gz");
 * assert.equal(parseQuery("foo =>1.0"), undefined);
 * ```
 */
export function parseQuery(text: string): PackageQuery | undefined {
  const semicolon = text.indexOf(";");
  const stated = semicolon < 0 ? text : text.slice(0, semicolon);
  const format = semicolon < 0 ? undefined : parseFormat(text.slice(semicolon + 1).trim());
  if (semicolon >= 0 && format === undefined) return undefined;
  const requirement = parseLooseRequirement(stated);
  if (requirement === undefined || requirement.url !== undefined) return undefined;
  const project = normalizeName(requirement.name);
  const constraints = constraintText(requirement);
  return {
    project,
    specifiers: requirement.specifiers,
    format,
    text: project + (constraints === undefined ? "" : ` (${constraints})`) +
      (format === undefined ? "" : ` (${format.isExcluded ? "~" : ""}${format.suffix})`),
  };
}

function parseFormat(text: string): WantedFormat | undefined {
  const [, not, suffix] = /^(~?)([a-z0-9]+(?:\.[a-z0-9]+)?)$/i.exec(text) ?? [];
  return suffix === undefined ? undefined : { suffix, isExcluded: not === "~" };
}

/** The file that a query is for; `undefined` where none fits. Names that nobody can read do not. */
export function chooseFile<File extends OfferedFile>(
  query: PackageQuery,
  files: Iterable<File>,
  options: ChoiceOptions = {},
): File | undefined {
  const fitting = candidatesOf(files, query.project, options)
    .filter(({ file: { filename } }) => fits(filename, query.format));
  const standing = fitting.filter(({ file }) => !isYanked(file));
  const found = best(standing, query.specifiers);
  return found ?? (isPinned(query.specifiers) ? best(fitting, query.specifiers) : undefined);
}

/**
 * A project's files by versions, the newest first; of each version the best file first, none twice and
 * yanked ones last.
 */
export function inOrderOfChoice<File extends OfferedFile>(
  files: Iterable<File>,
  project: string,
  options: ChoiceOptions = {},
): Release<File>[] {
  const byVersion = new Map<string, Candidate<File>[]>();
  for (const candidate of candidatesOf(files, project, options)) {
    const key = versionKey(candidate.parsed.version);
    byVersion.set(key, [...byVersion.get(key) ?? [], candidate]);
  }
  const releases = [...byVersion.values()].map((candidates) => {
    const ordered = candidates.sort((a, b) =>
      Number(isYanked(a.file)) - Number(isYanked(b.file)) || compareCandidates(a, b)
    );
    return { version: ordered[0]!.parsed.version, files: ordered.map(({ file }) => file) };
  });
  return sortedByVersion(releases, ({ version }) => version).reverse();
}

function candidatesOf<File extends OfferedFile>(
  files: Iterable<File>,
  project: string,
  { tags }: ChoiceOptions,
): Candidate<File>[] {
  const ranks = tags && new Map(tags.map((tag, rank) => [tag.toLowerCase(), rank]));
  const found = new Map<string, Candidate<File>>();
  for (const file of files) {
    const parsed = parseFilename(file.filename, project);
    const rank = parsed && rankOf(parsed, ranks);
    if (parsed === undefined || rank === undefined || found.has(file.filename)) continue;
    found.set(file.filename, { file, parsed, rank });
  }
  return [...found.values()];
}

/** The lower the better; `undefined` for a wheel that the asker cannot install. */
function rankOf(
  { kind, filename, tags = [] }: ParsedFilename,
  ranks: ReadonlyMap<string, number> | undefined,
): number | undefined {
  if (kind === "sdist") {
    return FIRST_SDIST + SDIST_SUFFIXES.findIndex((suffix) => filename.endsWith(suffix));
  }
  if (ranks === undefined) return placeOf(tags);
  const known = tags.flatMap((tag) => ranks.get(tag) ?? []);
  return known.length === 0 ? undefined : Math.min(...known);
}

function placeOf(tags: readonly string[]): number {
  if (tags.includes("py3-none-any")) return EVERYWHERE!;
  return tags.some((tag) => tag.endsWith("-none-any")) ? ON_SOME_PYTHON! : SOMEWHERE!;
}

function fits(filename: string, format: WantedFormat | undefined): boolean {
  if (format === undefined) return true;
  const suffix = format.suffix.toLowerCase();
  return filename.toLowerCase().endsWith(`.${ALIASES[suffix] ?? suffix}`) !== format.isExcluded;
}

function best<File extends OfferedFile>(
  candidates: readonly Candidate<File>[],
  specifiers: Specifiers,
): File | undefined {
  const versions = new Set(candidates.map(({ parsed }) => parsed.version));
  const highest = sortedByVersion(specifiers.filter(versions), (version) => version).at(-1);
  if (highest === undefined) return undefined;
  return candidates.filter(({ parsed }) => compareVersions(parsed.version, highest) === 0)
    .sort(compareCandidates)[0]?.file;
}

function compareCandidates(a: Candidate<OfferedFile>, b: Candidate<OfferedFile>): number {
  return a.rank - b.rank || compareBuilds(b.parsed.build, a.parsed.build) ||
    (a.file.filename < b.file.filename ? -1 : 1);
}

function isYanked({ yanked = false }: OfferedFile): boolean {
  return yanked !== false;
}

/** Whether one version is named (PEP 592). */
function isPinned({ clauses }: Specifiers): boolean {
  return clauses.some((clause) => /^===?/.test(clause) && !clause.endsWith(".*"));
}
