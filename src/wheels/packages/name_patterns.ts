/** Patterns of project names: a name, or a beginning of names with a `*` behind it, as in `acme-*`. */

import { isNormalizedName, normalizeName } from "./names.ts";

/** A set of patterns. */
export class NamePatterns {
  readonly #names: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  /** Throws a `TypeError` for a pattern that is none; `action` says in its message what was tried. */
  constructor(patterns: readonly string[], action: string) {
    const isPrefix = (pattern: string): boolean => pattern.endsWith("*");
    this.#prefixes = patterns.filter(isPrefix).map((pattern) => prefixOf(pattern, action));
    this.#names = new Set(
      patterns.filter((name) => !isPrefix(name)).map((name) => checkedName(name, name, action)),
    );
  }

  /** Whether a project, by its normalised name, is among those meant. */
  has(project: string): boolean {
    return this.#names.has(project) || this.#prefixes.some((prefix) => project.startsWith(prefix));
  }
}

/** A name in its normal form. Throws a `TypeError` that quotes `text` for what is none. */
export function checkedName(name: string, text: string, action: string): string {
  const normalized = normalizeName(name);
  if (isNormalizedName(normalized)) return normalized;
  throw new TypeError(`Cannot ${action} "${text}": it is no project's name`);
}

function prefixOf(pattern: string, action: string): string {
  const stem = pattern.slice(0, -1);
  const hasDash = /[-_.]$/.test(stem);
  const name = hasDash ? stem.slice(0, -1) : stem;
  return checkedName(name, pattern, action) + (hasDash ? "-" : "");
}
