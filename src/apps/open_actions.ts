/** What needs no user, as it is written in settings: `list,download`, or `none`. */

import type { Action } from "../wheels/http/access.ts";

const ACTIONS: readonly Action[] = ["list", "download", "update"];

/** Reads a list of actions. Throws a `TypeError` that names what is none. */
export function openActionsOf(text: string): readonly Action[] {
  if (text.trim() === "none") return [];
  return text.split(",").map((part) => {
    const name = part.trim();
    const action = ACTIONS.find((each) => each === name);
    if (action !== undefined) return action;
    throw new TypeError(`Cannot open "${name}": it is not list, download, update or none`);
  });
}
