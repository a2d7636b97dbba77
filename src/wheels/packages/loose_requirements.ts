/**
 * Requirements as they were written before PEP 508, which curdling's clients still send: a version
 * may stand without an operator, `foo 1.0` or `foo (1.0, >= 0.9)`, and is then that very one.
 */

import { normalizeName } from "./names.ts";
import { parseRequirement, type Requirement } from "./requirements.ts";

/** Longer text is refused. */
const LONGEST_TEXT = 10_000;

const NAME_AND_EXTRAS = /^\s*[a-z0-9][a-z0-9._-]*\s*(?:\[[^\]]*\])?/i;
const CLAUSE = /^(===|==|~=|!=|<=|>=|<|>)(.*)$/s;

/**
 * Reads a requirement, with or without operators, or answers `undefined` for text that is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseLooseRequirement } from "@cairn/cache/wheels";
 *
 * const requirement = parseLooseRequirement("foo (1.0, >= 0.9)");
 * assert.deepEqual(requirement?.specifiers.clauses, ["==1.0", ">=0.9"]);
 * ```
 */
export function parseLooseRequirement(text: string): Requirement | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const [front = ""] = NAME_AND_EXTRAS.exec(text) ?? [];
  const semicolon = text.indexOf(";", front.length);
  const end = semicolon < 0 ? text.length : semicolon;
  const stated = text.slice(front.length, end).trim();
  const versions = stated.startsWith("(") && stated.endsWith(")") ? stated.slice(1, -1) : stated;
  if (versions === "" || versions.startsWith("@")) return parseRequirement(text);
  const clauses = versions.split(",").map((clause) => clause.trim());
  const judged = clauses.map((clause) => /^[0-9v]/i.test(clause) ? `==${clause}` : clause);
  return parseRequirement(`${front}(${judged.join(", ")})${text.slice(end)}`);
}

/**
 * The one way to write a requirement that curdling knows, `foo-bar[fast] (1.0, >= 0.9)`; `undefined`
 * for text that is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { requirementText } from "@cairn/cache/wheels";
 *
 * assert.equal(requirementText("package_name 2.0"), "package-name (2.0)");
 * ```
 */
export function requirementText(text: string): string | undefined {
  const requirement = parseLooseRequirement(text);
  if (requirement === undefined) return undefined;
  const { name, extras, url, marker } = requirement;
  const constraints = constraintText(requirement);
  return normalizeName(name) + (extras.length === 0 ? "" : `[${extras.join(",")}]`) +
    (url === undefined ? "" : ` @ ${url}`) +
    (constraints === undefined ? "" : ` (${constraints})`) +
    (marker === undefined ? "" : `${url === undefined ? "" : " "}; ${marker}`);
}

/** The versions of a requirement as curdling writes them; `undefined` where all will do. */
export function constraintText(
  { specifiers }: Pick<Requirement, "specifiers">,
): string | undefined {
  const { clauses } = specifiers;
  if (clauses.length === 0) return undefined;
  return clauses.map((clause) => {
    const [, operator, version] = CLAUSE.exec(clause)!;
    return operator === "==" ? version : `${operator} ${version}`;
  }).join(", ");
}
