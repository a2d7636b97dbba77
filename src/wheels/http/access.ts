/** Who may do what: HTTP Basic authentication (RFC 7617), and actions that are open or closed. */

import type { Clock } from "../../contracts/clock.ts";
import type { Log } from "../log.ts";
import { Guesses, LOCKED_MS } from "../users/guesses.ts";
import type { Users } from "../users/htpasswd.ts";
import type { Problem } from "./errors.ts";

/** What can be done: see pages, fetch files, upload files. */
export type Action = "list" | "download" | "update";

/** Who may do what. */
export interface AccessOptions {
  /** The users; without any, closed actions are refused to everyone. */
  readonly users?: Pick<Users, "verify" | "remembers">;
  /** What needs no user. Default: `list` and `download`. */
  readonly open?: readonly Action[];
  /**
   * The address a request comes from. Wrong passwords are counted by user and address, so that
   * nobody is locked out by those who guess elsewhere. Default: none is known.
   */
  readonly addressOf?: (request: Request) => string | undefined;
}

/** Someone who may do what was asked. */
export interface Visitor {
  /** The name of the user, where the action needed one. */
  readonly name: string | undefined;
}

const CHALLENGE = 'Basic realm="cairn", charset="UTF-8"';
const MOST_HEADER_CHARACTERS = 8_192;

const UNKNOWN: Problem = Object.freeze({
  status: 401,
  message: "Invalid or non-existent authentication information.",
  code: "credentials",
  headers: { "www-authenticate": CHALLENGE },
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
  readonly #users: AccessOptions["users"];
  readonly #open: ReadonlySet<Action>;
  readonly #addressOf: NonNullable<AccessOptions["addressOf"]>;
  readonly #guesses: Guesses;

  /** Throws a `TypeError` if reading is closed and there is nobody who could open it. */
  constructor(options: AccessOptions, parts: { clock: Clock; log: Log }) {
    this.#users = options.users;
    this.#addressOf = options.addressOf ?? (() => undefined);
    this.#guesses = new Guesses(parts);
    this.#open = new Set(options.open ?? ["list", "download"]);
    for (const action of ["list", "download"] as const) {
      if (this.#users !== undefined || this.#open.has(action)) continue;
      throw new TypeError(`Cannot close "${action}": no users are configured`);
    }
  }

  /** Lets a request in, or says why not. */
  async check(request: Request, action: Action): Promise<Visitor | Problem> {
    if (this.#open.has(action)) return { name: undefined };
    if (this.#users === undefined) {
      return {
        status: 403,
        message: "Uploads are closed here: no users are configured.",
        code: "closed",
      };
    }
    const credentials = credentialsOf(request.headers.get("authorization"));
    if (credentials === undefined) return UNKNOWN;
    const { name, password } = credentials;
    if (await this.#users.remembers(name, password)) return { name };
    const verify = async (): Promise<boolean> => await this.#users!.verify(name, password);
    const verdict = await this.#guesses.judge({ name, address: this.#addressOf(request) }, verify);
    return verdict === "right" ? { name } : verdict === "wrong" ? UNKNOWN : LOCKED;
  }
}

/** Whether the answer of {@linkcode Access.check} is a refusal. */
export function isProblem(answer: Visitor | Problem): answer is Problem {
  return "status" in answer;
}

/** `Cache-Control` for what a visitor gets: only the visitor may keep what needed a password. */
export function cacheControl(visitor: Visitor, directives: string): string {
  return `${visitor.name === undefined ? "public" : "private"}, ${directives}`;
}

function credentialsOf(header: string | null): { name: string; password: string } | undefined {
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
