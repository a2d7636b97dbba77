/**
 * Who may do what with which project, in PyPICloud's terms.
 *
 * A right is given to principals: `everyone`; `authenticated`, who is anybody with a password;
 * `user:NAME`; `group:NAME`. What is said of a project takes the place of the defaults entirely.
 * Admins may do everything. Projects are compared by their normalised names, so that no spelling of
 * one gets past its rule.
 */

import { isNormalizedName, normalizeName } from "../packages/names.ts";

/** What can be done with a project's files: see and fetch them, upload them, delete them. */
export type Right = "read" | "write" | "delete";

/** What somebody may, by name, `undefined` being somebody without a password. */
export interface Permissions {
  /** Whether he has a right on a project, by its normalised name. */
  may(name: string | undefined, right: Right, project: string): boolean;
  /** Whether there is a project that he may write to, be it one that is not there yet. */
  mayWriteSome(name: string | undefined): boolean;
  /** Whether he may read every project, be it one that is not there yet. */
  mayReadAll(name: string | undefined): boolean;
  /** Whether the upstream is asked for him. */
  mayFill(name: string | undefined): boolean;
  /** Whether he may do everything. */
  isAdmin(name: string | undefined): boolean;
}

/** Who may do what; principals are written as {@linkcode Rights} has them. */
export interface RightsOptions {
  /** The users of each group. Default: no groups. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** The users who may do everything. Default: nobody. */
  readonly admins?: readonly string[];
  /** Who reads projects that have no rule of their own. Default `["authenticated"]`. */
  readonly read?: readonly string[];
  /** Who uploads to projects that have no rule of their own. Default: nobody. */
  readonly write?: readonly string[];
  /** Who of those that may write deletes as well. Default `["authenticated"]`. */
  readonly delete?: readonly string[];
  /** For whom the upstream is asked, of projects that they may read. Default `["authenticated"]`. */
  readonly fill?: readonly string[];
  /** The rules of single projects; what a rule leaves out nobody may. Default: none. */
  readonly projects?: Readonly<Record<string, ProjectRule>>;
}

/** Who may do what with one project. */
export interface ProjectRule {
  /** Who reads it. Default: nobody. */
  readonly read?: readonly string[];
  /** Who uploads to it. Default: nobody. */
  readonly write?: readonly string[];
}

interface Rule {
  readonly read: ReadonlySet<string>;
  readonly write: ReadonlySet<string>;
}

const EVERYONE = "everyone";
const AUTHENTICATED = "authenticated";

/**
 * Judges names of users, `undefined` being somebody without a password.
 *
 * Throws a `TypeError` for a principal that is none, a group that nobody is said to be in, and a
 * project that is none or is named twice. Source: PyPICloud's "Access control".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Rights } from "@cairn/cache/wheels";
 *
 * const rights = new Rights({
 *   groups: { release: ["ada"] },
 *   projects: { "acme.tool": { read: ["authenticated"], write: ["group:release"] } },
 * });
 * assert.equal(rights.may("ada", "write", "acme-tool"), true);
 * assert.equal(rights.may("bob", "write", "acme-tool"), false);
 * assert.equal(rights.may(undefined, "read", "acme-tool"), false);
 * ```
 */
export class Rights implements Permissions {
  readonly #groupsOf: ReadonlyMap<string, readonly string[]>;
  readonly #admins: ReadonlySet<string>;
  readonly #rule: Rule;
  readonly #delete: ReadonlySet<string>;
  readonly #fill: ReadonlySet<string>;
  readonly #projects = new Map<string, Rule>();

  /** Takes a copy of the options. */
  constructor(options: RightsOptions) {
    const { groups = {}, admins = [], projects = {} } = options;
    const known = new Set(Object.keys(groups));
    const principals = (names: readonly string[] = []): ReadonlySet<string> =>
      new Set(names.map((name) => principalOf(name, known)));
    this.#groupsOf = groupsByUser(groups);
    this.#admins = new Set(admins);
    this.#rule = {
      read: principals(options.read ?? [AUTHENTICATED]),
      write: principals(options.write),
    };
    this.#delete = principals(options.delete ?? [AUTHENTICATED]);
    this.#fill = principals(options.fill ?? [AUTHENTICATED]);
    for (const [name, { read, write }] of Object.entries(projects)) {
      const project = normalizeName(name);
      if (!isNormalizedName(project) || this.#projects.has(project)) {
        throw new TypeError(`Cannot use rights: "${name}" is no project's name, or named twice`);
      }
      this.#projects.set(project, { read: principals(read), write: principals(write) });
    }
  }

  /** Whether somebody has a right on a project, by its normalised name. Who deletes must write, too. */
  may(name: string | undefined, right: Right, project: string): boolean {
    if (this.isAdmin(name)) return true;
    const { read, write } = this.#projects.get(project) ?? this.#rule;
    if (right === "read") return this.#isAmong(name, read);
    return this.#isAmong(name, write) && (right === "write" || this.#isAmong(name, this.#delete));
  }

  /** Whether there is a project that somebody may write to, be it one that is not there yet. */
  mayWriteSome(name: string | undefined): boolean {
    return this.isAdmin(name) ||
      [this.#rule, ...this.#projects.values()].some(({ write }) => this.#isAmong(name, write));
  }

  /** Whether somebody may read every project, be it one that is not there yet. */
  mayReadAll(name: string | undefined): boolean {
    return this.isAdmin(name) ||
      [this.#rule, ...this.#projects.values()].every(({ read }) => this.#isAmong(name, read));
  }

  /** Whether a project, by its normalised name, has a rule of its own. */
  hasRuleOf(project: string): boolean {
    return this.#projects.has(project);
  }

  /** Whether the upstream is asked for somebody. */
  mayFill(name: string | undefined): boolean {
    return this.isAdmin(name) || this.#isAmong(name, this.#fill);
  }

  /** Whether somebody may do everything. */
  isAdmin(name: string | undefined): boolean {
    return name !== undefined && this.#admins.has(name);
  }

  #isAmong(name: string | undefined, principals: ReadonlySet<string>): boolean {
    if (principals.has(EVERYONE)) return true;
    if (name === undefined) return false;
    return principals.has(AUTHENTICATED) || principals.has(`user:${name}`) ||
      (this.#groupsOf.get(name) ?? []).some((group) => principals.has(`group:${group}`));
  }
}

function principalOf(name: string, groups: ReadonlySet<string>): string {
  if (name === EVERYONE || name === AUTHENTICATED || /^user:./.test(name)) return name;
  if (name.startsWith("group:") && groups.has(name.slice("group:".length))) return name;
  throw new TypeError(
    `Cannot use rights: "${name}" is not "everyone", "authenticated", "user:NAME" ` +
      `or "group:NAME" of a group that is listed`,
  );
}

function groupsByUser(
  groups: Readonly<Record<string, readonly string[]>>,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [group, users] of Object.entries(groups)) {
    for (const user of users) found.set(user, [...found.get(user) ?? [], group]);
  }
  return found;
}
