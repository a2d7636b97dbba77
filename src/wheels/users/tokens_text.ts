/** Tokens as a text of JSON, which is how settings give them. */

import { type TokenOptions, Tokens } from "./tokens.ts";

const LISTS: ReadonlySet<string> = new Set(["scopes", "projects"]);

/**
 * Reads tokens from a JSON text: an object with a member for each token, as
 * {@linkcode TokenOptions} has it.
 *
 * Throws a `SyntaxError` for what is no JSON, and a `TypeError` that names what makes no sense.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseTokens } from "@cairn/cache/wheels";
 *
 * const sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
 * const tokens = parseTokens(JSON.stringify({ ci: { sha256, scopes: ["upload"] } }));
 * assert.equal((await tokens.bearerOf("test"))?.name, "ci");
 * assert.throws(() => parseTokens('{ "ci": {} }'), TypeError);
 * ```
 */
export function parseTokens(text: string): Tokens {
  const settings = objectAt("tokens", parsed(text));
  for (const [name, value] of Object.entries(settings)) check(name, objectAt(name, value));
  return new Tokens(settings as Record<string, TokenOptions>);
}

function check(name: string, token: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(token)) {
    const place = `${name}.${key}`;
    if (LISTS.has(key)) checkTexts(place, value);
    else if (key !== "sha256") throw new TypeError(`Cannot read tokens: "${place}" is no setting`);
  }
  if (typeof token.sha256 !== "string") {
    throw new TypeError(`Cannot read tokens: "${name}" has no "sha256"`);
  }
  if (token.scopes === undefined) {
    throw new TypeError(`Cannot read tokens: "${name}" has no "scopes"`);
  }
}

function checkTexts(place: string, value: unknown): void {
  if (Array.isArray(value) && value.every((text) => typeof text === "string")) return;
  throw new TypeError(`Cannot read tokens: "${place}" is no list of texts`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new SyntaxError("Cannot read tokens: they are no JSON", { cause });
  }
}

function objectAt(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError(`Cannot read tokens: "${place}" is no object`);
}
