/** Who may do what: HTTP Basic authentication (RFC 7617), and actions that are open or closed. */

import type { Users } from "../users/htpasswd.ts";
import type { Problem } from "./errors.ts";

/** What can be done: see pages, fetch files, upload files. */
export type Action = "list" | "download" | "update";

/** Who may do what. */
export interface AccessOptions {
  /** The users; without any, closed actions are refused to everyone. */
  readonly users?: Pick<Users, "verify">;
  /** What needs no user. Default: `list` and `download`. */
  readonly open?: readonly Action[];
}

/** Someone who may do what was asked. */
export interface Visitor {
  /** The name of the user, where the action needed one. */
  readonly name: string | undefined;
}

const CHALLENGE = 'Basic realm="cairn", charset="UTF-8"';
const MOST_HEADER_CHARACTERS = 8_192;

/** Judges requests. */
export class Access {
  readonly #users: Pick<Users, "verify"> | undefined;
  readonly #open: ReadonlySet<Action>;

  /** Throws a `TypeError` if reading is closed and there is nobody who could open it. */
  constructor(options: AccessOptions) {
    this.#users = options.users;
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
    const isKnown = credentials !== undefined &&
      await this.#users.verify(credentials.name, credentials.password);
    if (isKnown) return { name: credentials.name };
    return {
      status: 401,
      message: "Invalid or non-existent authentication information.",
      code: "credentials",
      headers: { "www-authenticate": CHALLENGE },
    };
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
