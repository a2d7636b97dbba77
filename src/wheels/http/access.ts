/**
 * Who may do what: HTTP Basic authentication (RFC 7617), and actions that are open or closed, or
 * rights by project. With rights a wrong password is as good as none, as PyPICloud has it: its owner
 * may do what everyone may.
 */

import type { Clock } from "../../contracts/clock.ts";
import type { Log } from "../log.ts";
import { Guesses, LOCKED_MS } from "../users/guesses.ts";
import type { Users } from "../users/htpasswd.ts";
import type { Permissions, Right, Rights } from "../users/rights.ts";
import { TOKEN_USER, type Tokens } from "../users/tokens.ts";
import type { Problem } from "./errors.ts";
import { Fallback, type FallbackOptions } from "./fallback.ts";

/** What can be done: see pages, fetch files, upload files. */
export type Action = "list" | "download" | "update";

/** Who may do what. */
export interface AccessOptions {
  /** The users; without any, closed actions are refused to everyone. */
  readonly users?: Pick<Users, "verify" | "remembers">;
  /**
   * Tokens, which are given as the password of the user `__token__` and need no users beside them.
   * Default: none.
   */
  readonly tokens?: Pick<Tokens, "bearerOf">;
  /** What needs no user. Default: `list` and `download`, or as the rights have it. */
  readonly open?: readonly Action[];
  /**
   * Who may do what with which project, instead of {@linkcode AccessOptions.open}. With them come
   * PyPICloud's routes. Default: none.
   */
  readonly rights?: Rights;
  /** Where visitors are sent for projects that nobody here knows. Default: nowhere. */
  readonly fallback?: FallbackOptions;
  /**
   * The address a request comes from. Wrong passwords are counted by user and address, so that
   * nobody is locked out by those who guess elsewhere. Default: none is known.
   */
  readonly addressOf?: (request: Request) => string | undefined;
}

/** Someone who may do what was asked, where that does not depend on a project. */
export interface Visitor {
  /** The name of the user, where the action needed one. */
  readonly name: string | undefined;
  /** Who may do what with which project; `undefined` where all may that get here. */
  readonly rights?: Permissions;
}

const CHALLENGE = 'Basic realm="cairn", charset="UTF-8"';
const MOST_HEADER_CHARACTERS = 8_192;

const UNKNOWN: Problem = Object.freeze({
  status: 401,
  message: "Invalid or non-existent authentication information.",
  code: "credentials",
  headers: { "www-authenticate": CHALLENGE },
});

const NOT_FOR_READING: Problem = Object.freeze({
  status: 403,
  message: "This token is not for reading.",
  code: "scope",
});

// Not a 401, at which clients ask people for other passwords (RFC 6585).
const LOCKED: Problem = Object.freeze({
  status: 429,
  message: `Too many wrong passwords. Try again in ${LOCKED_MS / 1_000} seconds.`,
  code: "locked",
  headers: { "retry-after": String(LOCKED_MS / 1_000) },
});

/** Judges requests. */
export class Access {
  /** Whether there are rights by project. */
  readonly hasRights: boolean;
  /** Where visitors are sent for projects that nobody here knows, if anywhere. */
  readonly fallback: Fallback | undefined;
  readonly #users: AccessOptions["users"];
  readonly #tokens: AccessOptions["tokens"];
  readonly #open: ReadonlySet<Action>;
  readonly #rights: Rights | undefined;
  readonly #addressOf: NonNullable<AccessOptions["addressOf"]>;
  readonly #guesses: Guesses;

  /** Throws a `TypeError` if there is nobody who could do what is closed, or if it is said twice. */
  constructor(options: AccessOptions, parts: { clock: Clock; log: Log }) {
    this.#users = options.users;
    this.#tokens = options.tokens;
    this.#addressOf = options.addressOf ?? (() => undefined);
    this.#guesses = new Guesses(parts);
    this.#rights = options.rights;
    this.hasRights = options.rights !== undefined;
    this.fallback = options.fallback && new Fallback(options.fallback);
    const isAnyone = (options.users ?? options.tokens) !== undefined;
    if (options.rights !== undefined && (!isAnyone || options.open)) {
      throw new TypeError('Cannot use rights: they need users, and take the place of "open"');
    }
    this.#open = new Set(options.open ?? ["list", "download"]);
    for (const action of ["list", "download"] as const) {
      if (isAnyone || this.#open.has(action)) continue;
      throw new TypeError(`Cannot close "${action}": no users are configured`);
    }
  }

  /** Lets a request in, or says why not. */
  async check(request: Request, action: Action): Promise<Visitor | Problem> {
    if (this.#rights !== undefined) return await this.#visitorWith(request, this.#rights);
    if (this.#open.has(action)) return { name: undefined };
    if ((this.#users ?? this.#tokens) === undefined) {
      return {
        status: 403,
        message: "Uploads are closed here: no users are configured.",
        code: "closed",
      };
    }
    const credentials = credentialsOf(request.headers.get("authorization"));
    if (credentials === undefined) return UNKNOWN;
    return allowed(await this.#verified(request, credentials), action);
  }

  /** Whether a project, by its normalised name, has a rule of its own, and so is ours. */
  hasRuleOf(project: string): boolean {
    return this.#rights?.hasRuleOf(project) ?? false;
  }

  async #visitorWith(request: Request, rights: Rights): Promise<Visitor | Problem> {
    const credentials = credentialsOf(request.headers.get("authorization"));
    if (credentials === undefined) return { name: undefined, rights };
    const answer = await this.#verified(request, credentials);
    if (isProblem(answer) && answer !== UNKNOWN) return answer;
    return isProblem(answer) ? { name: undefined, rights } : { rights, ...answer };
  }

  async #verified(request: Request, credentials: Credentials): Promise<Visitor | Problem> {
    const { name, password } = credentials;
    if (name === TOKEN_USER && this.#tokens !== undefined) {
      return await this.#bearer(request, credentials);
    }
    const users = this.#users;
    if (users === undefined) return UNKNOWN;
    if (await users.remembers(name, password)) return { name };
    const verify = async (): Promise<boolean> => await users.verify(name, password);
    const verdict = await this.#guesses.judge({ name, address: this.#addressOf(request) }, verify);
    return verdict === "right" ? { name } : verdict === "wrong" ? UNKNOWN : LOCKED;
  }

  /** Who has a token. Wrong ones are counted as wrong passwords are. */
  async #bearer(request: Request, { name, password }: Credentials): Promise<Visitor | Problem> {
    const bearer = await this.#tokens!.bearerOf(password);
    if (bearer !== undefined) return bearer;
    const guess = { name, address: this.#addressOf(request) };
    return await this.#guesses.judge(guess, () => Promise.resolve(false)) === "locked"
      ? LOCKED
      : UNKNOWN;
  }
}

/** A visitor with a token needs the scope of what he does, before it is said to which project. */
function allowed(visitor: Visitor | Problem, action: Action): Visitor | Problem {
  if (isProblem(visitor) || visitor.rights === undefined || action === "update") return visitor;
  return visitor.rights.mayFill(visitor.name) ? visitor : NOT_FOR_READING;
}

/** Whether a visitor has a right on a project, by its normalised name. */
export function may({ name, rights }: Visitor, right: Right, project: string): boolean {
  return rights === undefined || rights.may(name, right, project);
}

/**
 * What a visitor hears who may not: who has given no password is asked for one (401), and others are
 * told the problem.
 */
export function refusalOf({ name }: Visitor, problem: Problem): Problem {
  return name === undefined ? UNKNOWN : problem;
}

/** Whether the answer of {@linkcode Access.check} is a refusal. */
export function isProblem(answer: Visitor | Problem): answer is Problem {
  return "status" in answer;
}

/** Whether the upstream is asked for a visitor. */
export function mayFill({ name, rights }: Visitor): boolean {
  return rights === undefined || rights.mayFill(name);
}

/**
 * `Cache-Control` for what a visitor gets: only the visitor may keep what needed a password, or what
 * others with other rights get otherwise.
 */
export function cacheControl({ name, rights }: Visitor, directives: string): string {
  const isForAll = name === undefined && rights === undefined;
  return `${isForAll ? "public" : "private"}, ${directives}`;
}

interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** The name and password of an `Authorization` header; `undefined` for what holds none. */
export function credentialsOf(header: string | null): Credentials | undefined {
  if (header === null || header.length > MOST_HEADER_CHARACTERS) return undefined;
  const encoded = /^basic +([a-z0-9+/]+={0,2})$/i.exec(header.trim())?.[1];
  const text = encoded === undefined ? undefined : decodeBase64(encoded);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decodeBase64(encoded: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Neither base64 nor UTF-8: no credentials.
    return undefined;
  }
}
