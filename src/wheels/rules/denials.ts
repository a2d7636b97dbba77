/** Files that nobody gets, each with the reason: by project, by its versions, or by digest. */

import { normalizeName } from "../packages/names.ts";
import { parseRequirement } from "../packages/requirements.ts";
import type { Specifiers } from "../packages/specifiers.ts";

/** What of a file decides whether it is denied. */
export interface Judged {
  /** The normalised name of its project. */
  readonly project: string;
  /** Its version, where it is known. */
  readonly version?: string;
  /** Its SHA-256 in hexadecimal, where it is known. */
  readonly sha256?: string | undefined;
}

interface Denial {
  /** The versions it is about; `undefined` for all, legacy ones included. */
  readonly specifiers: Specifiers | undefined;
  readonly reason: string;
}

const DIGEST = /^sha256:([0-9a-f]{64})$/i;

/** A list of what is denied. */
export class Denials {
  readonly #byDigest = new Map<string, string>();
  readonly #byProject = new Map<string, Denial[]>();

  /**
   * Takes reasons by what they are about: `evil` for a project, `demo<2` for some of its versions,
   * `sha256:` and 64 hexadecimal digits for a file. Throws a `TypeError` for anything else.
   */
  constructor(denied: Readonly<Record<string, string>>) {
    for (const [target, reason] of Object.entries(denied)) this.#add(target, reason);
  }

  /** Why nobody gets a file, or `undefined`. Of a project alone: why nobody gets any of its files. */
  reasonOf({ project, version, sha256 }: Judged): string | undefined {
    const byDigest = sha256 === undefined ? undefined : this.#byDigest.get(sha256);
    if (byDigest !== undefined) return byDigest;
    const isMeant = ({ specifiers }: Denial): boolean =>
      specifiers === undefined || version !== undefined && specifiers.allows(version);
    return this.#byProject.get(project)?.find(isMeant)?.reason;
  }

  #add(target: string, reason: string): void {
    const digest = DIGEST.exec(target)?.[1]?.toLowerCase();
    if (digest !== undefined) return void this.#byDigest.set(digest, reason);
    const { name = "", specifiers, extras = [], url, marker } = parseRequirement(target) ?? {};
    if (specifiers === undefined || extras.length > 0 || (url ?? marker) !== undefined) {
      throw new TypeError(
        `Cannot deny "${target}": it is no project, like "demo" or "demo<2", and no "sha256:…"`,
      );
    }
    const project = normalizeName(name);
    const denial = { specifiers: specifiers.clauses.length === 0 ? undefined : specifiers, reason };
    this.#byProject.set(project, [...this.#byProject.get(project) ?? [], denial]);
  }
}
