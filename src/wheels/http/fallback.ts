/**
 * Where visitors are sent for projects that nobody here knows: PyPICloud's fallback "redirect". A
 * claimed name and a reserved one are ours whether they have files or not, and nobody is sent away
 * for them, whatever his rights: a stranger may wait there under the same name.
 */

import { UpstreamPolicy } from "../upstream/upstream_policy.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import type { Access } from "./access.ts";

/** Where visitors are sent. */
export interface FallbackOptions {
  /** The address of the other simple index. */
  readonly url: string;
  /** Names of ours that nobody is sent there for; `acme-*` for all that begin so. Default: none. */
  readonly reserved?: readonly string[];
}

/** Another simple index. */
export class Fallback {
  readonly #url: URL;
  readonly #policy: UpstreamPolicy;

  /** Throws a `TypeError` for an address or a name that is none. */
  constructor({ url, reserved = [] }: FallbackOptions) {
    const isUsable = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
    const address = isUsable ? new URL(url) : undefined;
    if (address === undefined || address.username !== "" || address.password !== "") {
      throw new TypeError(
        "Cannot use fallback: it is no http(s) address, or has a password that all would see",
      );
    }
    this.#policy = new UpstreamPolicy({ reserved });
    this.#url = new URL(address.pathname.replace(/\/*$/, "/"), address);
  }

  /** Where the page of a project by its normalised name would be; `undefined` if the name is ours. */
  pageOf(project: string): string | undefined {
    return this.#policy.isReserved(project) ? undefined : new URL(`${project}/`, this.#url).href;
  }

  /** Where its page of PyPI's JSON API would be, which lies beside the simple index. */
  jsonOf(project: string): string | undefined {
    if (this.#policy.isReserved(project)) return undefined;
    return new URL(`../pypi/${project}/json`, this.#url).href;
  }
}

/** What is asked about where to send visitors. */
export interface FallbackParts {
  /** Knows our projects. */
  readonly wheelhouse: Wheelhouse;
  /** Has the fallback, if there is one. */
  readonly access: Access;
}

/** Where a visitor is sent for a project by its normalised name; `undefined` if nowhere. */
export async function elsewhere(
  { wheelhouse, access }: FallbackParts,
  project: string,
  kind: "pageOf" | "jsonOf" = "pageOf",
): Promise<string | undefined> {
  const location = access.fallback?.[kind](project);
  if (location === undefined || access.hasRuleOf(project)) return undefined;
  const { files, isClaimed } = await wheelhouse.index.all(project);
  return files.length > 0 || isClaimed ? undefined : location;
}

/** The redirect. Nobody may keep it, for the name may become ours at any moment. */
export function sentElsewhere(location: string): Response {
  return new Response(null, {
    status: 302,
    headers: { location, "content-length": "0", "cache-control": "no-store" },
  });
}
