/** Rights as a text of JSON, which is how settings give them. */

import { Rights, type RightsOptions } from "./rights.ts";

const LISTS: ReadonlySet<string> = new Set(["admins", "read", "write", "delete", "fill"]);
const RULE_LISTS: ReadonlySet<string> = new Set(["read", "write"]);

/**
 * Reads rights from a JSON text, an object as {@linkcode RightsOptions} has it. A word that it does
 * not know is an error, for a rule that is not read would leave a door open.
 *
 * Throws a `SyntaxError` for what is no JSON, and a `TypeError` that names what makes no sense.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseRights } from "@cairn/cache/wheels";
 *
 * const rights = parseRights('{ "admins": ["ada"], "read": ["everyone"] }');
 * assert.equal(rights.isAdmin("ada"), true);
 * assert.equal(rights.may(undefined, "read", "demo"), true);
 * assert.throws(() => parseRights('{ "raed": ["everyone"] }'), TypeError);
 * ```
 */
export function parseRights(text: string): Rights {
  const settings = objectAt("rights", parsed(text));
  for (const [key, value] of Object.entries(settings)) {
    if (LISTS.has(key)) checkNames(key, value);
    else if (key === "groups") checkGroups(objectAt(key, value));
    else if (key === "projects") checkProjects(objectAt(key, value));
    else throw new TypeError(`Cannot read rights: "${key}" is no setting`);
  }
  return new Rights(settings as RightsOptions);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new SyntaxError("Cannot read rights: they are no JSON", { cause });
  }
}

function checkGroups(groups: Record<string, unknown>): void {
  for (const [name, users] of Object.entries(groups)) checkNames(`groups.${name}`, users);
}

function checkProjects(projects: Record<string, unknown>): void {
  for (const [name, rule] of Object.entries(projects)) {
    for (const [key, value] of Object.entries(objectAt(`projects.${name}`, rule))) {
      const place = `projects.${name}.${key}`;
      if (!RULE_LISTS.has(key)) throw new TypeError(`Cannot read rights: "${place}" is no setting`);
      checkNames(place, value);
    }
  }
}

function checkNames(place: string, value: unknown): void {
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return;
  throw new TypeError(`Cannot read rights: "${place}" is no list of names`);
}

function objectAt(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError(`Cannot read rights: "${place}" is no object`);
}
