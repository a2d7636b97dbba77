/** Rules as a text of JSON, which is how settings give them. */

import type { ProjectStatus } from "../pages/project_page.ts";
import { Rules, type RulesOptions } from "./rules.ts";

const FLAGS: ReadonlySet<string> = new Set(["takesLocalVersions", "reusesNames"]);
const STATUS_WORDS: ReadonlySet<string> = new Set(["status", "reason"]);

/**
 * Reads rules from a JSON text, an object as {@linkcode RulesOptions} has it; a status may be a word
 * alone. A setting that it does not know is an error, for a rule that is not read would leave a door
 * open.
 *
 * Throws a `SyntaxError` for what is no JSON, and a `TypeError` or `RangeError` that names what makes
 * no sense.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseRules } from "@cairn/cache/wheels";
 *
 * const rules = parseRules('{ "denied": { "evil": "Malware" }, "statuses": { "old": "archived" } }');
 * assert.equal(rules.denialOf({ project: "evil" }), "Malware");
 * assert.equal(rules.statusOf("old")?.status, "archived");
 * assert.throws(() => parseRules('{ "deny": {} }'), TypeError);
 * ```
 */
export function parseRules(text: string): Rules {
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(objectAt("rules", parsed(text)))) {
    options[key] = settingOf(key, value);
  }
  return new Rules(options as RulesOptions);
}

function settingOf(key: string, value: unknown): unknown {
  if (FLAGS.has(key)) return checked(key, value, "boolean");
  if (key === "denied") return mapped(key, value, (place, each) => checked(place, each, "string"));
  if (key === "maxUploadBytes") {
    return mapped(key, value, (place, each) => checked(place, each, "number"));
  }
  if (key === "statuses") return mapped(key, value, statusOf);
  throw new TypeError(`Cannot read rules: "${key}" is no setting`);
}

function statusOf(place: string, value: unknown): ProjectStatus {
  if (typeof value === "string") return { status: value };
  const facts = objectAt(place, value);
  const strange = Object.keys(facts).find((key) => !STATUS_WORDS.has(key));
  if (strange !== undefined || typeof facts.status !== "string") {
    throw new TypeError(`Cannot read rules: "${place}" is no status, with or without a reason`);
  }
  const { status, reason } = facts;
  if (reason === undefined) return { status };
  return { status, reason: checked(`${place}.reason`, reason, "string") as string };
}

function mapped(
  place: string,
  value: unknown,
  read: (place: string, value: unknown) => unknown,
): Record<string, unknown> {
  const entries = Object.entries(objectAt(place, value));
  return Object.fromEntries(entries.map(([name, each]) => [name, read(`${place}.${name}`, each)]));
}

function checked(place: string, value: unknown, type: "boolean" | "number" | "string"): unknown {
  const found: string = typeof value;
  if (found === type) return value;
  throw new TypeError(`Cannot read rules: "${place}" is no ${type}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new SyntaxError("Cannot read rules: they are no JSON", { cause });
  }
}

function objectAt(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError(`Cannot read rules: "${place}" is no object`);
}
