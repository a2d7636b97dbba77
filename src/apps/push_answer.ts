/** What to make of an index's answer to an upload. */

import { excerpt } from "../contracts/excerpt.ts";
import type { Answer } from "./push_post.ts";

/**
 * What an answer means: the file was `taken`; something of its name `exists`; the same may succeed
 * `later`; this file is `refused`; or the index is `closed` to all files.
 */
export type Verdict = "taken" | "exists" | "later" | "refused" | "closed";

/** Answers that no other file would change: no user, no such address, another address. */
const CLOSED: ReadonlySet<number> = new Set([401, 404, 405, 410]);

/** What a server lacks for good. */
const NEVER_LATER: ReadonlySet<number> = new Set([501, 505]);

/** Those indexes' words for it that do not answer 409. */
const EXISTS = /already (?:exist|been (?:taken|used|uploaded))|updating asset|overwrite artifact/i;

/** Judges an answer. A lost connection may be found again. */
export function verdictOf({ status, text }: Answer): Verdict {
  if (status === undefined || status === 429) return "later";
  if (status >= 200 && status < 300) return "taken";
  if (status === 409 || (status === 400 || status === 403) && EXISTS.test(text)) return "exists";
  if (status >= 500) return NEVER_LATER.has(status) ? "refused" : "later";
  return status < 400 || CLOSED.has(status) ? "closed" : "refused";
}

/** Why a file was not taken, for people. */
export function reasonIn({ status, text, location }: Answer, user: string | undefined): string {
  const said = excerpt(text);
  if (status === undefined) return `the index cannot be reached: ${said}`;
  if (status < 400) return `the index redirects to "${excerpt(location ?? "")}": give that address`;
  switch (status) {
    case 401:
      return user === undefined
        ? 'the index wants to know who pushes: give "--user"'
        : `the index does not know the user "${user}" with this password`;
    case 403:
      return `${user === undefined ? "nobody" : `the user "${user}"`} may not do that: ${said}`;
    case 404:
    case 405:
    case 410:
      return `the index takes no uploads at this address: ${status} ${said}`;
  }
  return said === "" ? `the status is ${status}` : `${status} ${said}`;
}
