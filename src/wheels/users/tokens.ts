/**
 * Tokens: passwords for programs, each with what it is good for and nothing else.
 *
 * A client gives one as the password of the user `__token__`, as on the public index. Only digests are
 * kept, so that who reads the settings has no token. A token is random and long, so that a plain
 * SHA-256 does where a password needs a slow hash.
 */

import { excerpt } from "../../contracts/excerpt.ts";
import { NamePatterns } from "../packages/name_patterns.ts";
import { sha256Hex } from "../sha256_hex.ts";
import type { Permissions, Right } from "./rights.ts";

/** What a token is good for: reading pages and files, uploading, or everything. */
export type Scope = "read" | "upload" | "admin";

/** One token, but for itself. */
export interface TokenOptions {
  /** The SHA-256 of the token's UTF-8, in hexadecimal. */
  readonly sha256: string;
  /** What it is good for. */
  readonly scopes: readonly Scope[];
  /** The projects it is good for; `acme-*` for all that begin so. Default: all. */
  readonly projects?: readonly string[];
}

/** The user that tokens are the password of. */
export const TOKEN_USER = "__token__";

/** Who comes in by a token: its name, and what it may. */
export interface Bearer {
  /** The token's name, which takes the place of a user's. */
  readonly name: string;
  /** What it is good for. */
  readonly rights: Permissions;
}

const SCOPES: ReadonlySet<string> = new Set(["read", "upload", "admin"]);
const SCOPE_OF: Readonly<Record<Right, Scope>> = Object.freeze({
  read: "read",
  write: "upload",
  delete: "admin",
});

/**
 * A set of tokens by name.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Tokens } from "@cairn/cache/wheels";
 *
 * const secret = "correct-horse-battery-staple";
 * const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
 * const sha256 = Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
 *
 * const tokens = new Tokens({ ci: { sha256, scopes: ["upload"], projects: ["acme-*"] } });
 * const bearer = await tokens.bearerOf(secret);
 * assert.equal(bearer?.name, "ci");
 * assert.equal(bearer?.rights.may("ci", "write", "acme-tool"), true);
 * assert.equal(bearer?.rights.may("ci", "write", "other"), false);
 * assert.equal(await tokens.bearerOf("a guess"), undefined);
 * ```
 */
export class Tokens {
  readonly #byDigest = new Map<string, Bearer>();

  /** Throws a `TypeError` that names what makes no sense. */
  constructor(tokens: Readonly<Record<string, TokenOptions>>) {
    for (const [name, options] of Object.entries(tokens)) {
      const digest = digestOf(name, options);
      if (this.#byDigest.has(digest)) {
        throw new TypeError(`Cannot use token "${name}": another one has its SHA-256`);
      }
      this.#byDigest.set(digest, Object.freeze({ name, rights: new TokenRights(name, options) }));
    }
  }

  /** Who comes in by a token; `undefined` for what is none. */
  async bearerOf(token: string): Promise<Bearer | undefined> {
    // By its digest, which tells nothing of how near a guess was.
    return this.#byDigest.get(await sha256Hex(new TextEncoder().encode(token)));
  }
}

/** What one token may, whoever has it. */
class TokenRights implements Permissions {
  readonly #scopes: ReadonlySet<Scope>;
  readonly #projects: NamePatterns | undefined;

  constructor(name: string, { scopes, projects }: TokenOptions) {
    this.#scopes = new Set(scopes);
    this.#projects = projects && new NamePatterns(projects, `use token "${excerpt(name)}" for`);
  }

  may(_name: string | undefined, right: Right, project: string): boolean {
    return this.#has(SCOPE_OF[right]) &&
      (this.#projects === undefined || this.#projects.has(project));
  }

  mayWriteSome(): boolean {
    return this.#has("upload");
  }

  mayReadAll(): boolean {
    return this.#has("read") && this.#projects === undefined;
  }

  mayFill(): boolean {
    return this.#has("read");
  }

  isAdmin(): boolean {
    return this.#scopes.has("admin") && this.#projects === undefined;
  }

  #has(scope: Scope): boolean {
    return this.#scopes.has("admin") || this.#scopes.has(scope);
  }
}

function digestOf(name: string, { sha256, scopes }: TokenOptions): string {
  const digest = sha256.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new TypeError(`Cannot use token "${name}": its SHA-256 is no 64 hexadecimal digits`);
  }
  const strange = scopes.find((scope) => !SCOPES.has(scope));
  if (strange !== undefined || scopes.length === 0) {
    const what = strange === undefined ? "it has no scope" : `"${excerpt(strange)}" is no scope`;
    throw new TypeError(`Cannot use token "${name}": ${what} of ${[...SCOPES].join(", ")}`);
  }
  return digest;
}
