/**
 * What an operator has laid down for projects and files, whoever asks and wherever they lie: what
 * nobody gets, which projects are closed, and what may be uploaded.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

import { HeldBackError } from "../../contracts/errors.ts";
import { isNormalizedName, normalizeName } from "../packages/names.ts";
import type { ProjectStatus } from "../pages/project_page.ts";
import { Denials, type Judged } from "./denials.ts";

/** What is laid down. */
export interface RulesOptions {
  /**
   * What nobody gets or uploads, and why: by project (`evil`), by versions of one (`demo<2`), by digest
   * (`sha256:` and 64 hexadecimal digits). Default: nothing.
   */
  readonly denied?: Readonly<Record<string, string>>;
  /**
   * The status of projects (PEP 792), in place of the upstream's word. To one that is `archived` or
   * `quarantined` nothing is uploaded; of the latter nothing is listed or served either.
   */
  readonly statuses?: Readonly<Record<string, ProjectStatus>>;
  /** The largest upload to single projects, in bytes. Default: the app's, for all. */
  readonly maxUploadBytes?: Readonly<Record<string, number>>;
  /** Whether files of local versions, such as `1.0+cu121`, may be uploaded. Default `true`. */
  readonly takesLocalVersions?: boolean;
  /** Whether another file may get the name of one that was deleted. Default `false`. */
  readonly reusesNames?: boolean;
}

/** A file to be served. */
export interface Served extends Judged {
  /** Its name. */
  readonly filename: string;
}

const STATUSES: ReadonlySet<string> = new Set(["active", "archived", "quarantined", "deprecated"]);

/**
 * Judges projects and files.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Rules } from "@cairn/cache/wheels";
 *
 * const rules = new Rules({
 *   denied: { "demo<2": "It leaks its cache" },
 *   statuses: { old: { status: "archived" } },
 * });
 * assert.equal(rules.denialOf({ project: "demo", version: "1.9" }), "It leaks its cache");
 * assert.equal(rules.denialOf({ project: "demo", version: "2.0" }), undefined);
 * assert.match(rules.closureOf("old") ?? "", /archived/);
 * ```
 */
export class Rules {
  /** Changes with whatever pages depend on; empty where nothing is laid down for them. */
  readonly identity: string;
  /** Whether files of local versions may be uploaded. */
  readonly takesLocalVersions: boolean;
  /** Whether another file may get the name of one that was deleted. */
  readonly reusesNames: boolean;
  readonly #denials: Denials;
  readonly #statuses: ReadonlyMap<string, ProjectStatus>;
  readonly #maxUploadBytes: ReadonlyMap<string, number>;

  /** Throws a `TypeError` or `RangeError` that names what makes no sense. */
  constructor(options: RulesOptions = {}) {
    const { denied = {}, statuses = {}, maxUploadBytes = {} } = options;
    this.#denials = new Denials(denied);
    this.#statuses = new Map(byProject("statuses", statuses, checkedStatus));
    this.#maxUploadBytes = new Map(byProject("maxUploadBytes", maxUploadBytes, checkedBytes));
    this.takesLocalVersions = options.takesLocalVersions ?? true;
    this.reusesNames = options.reusesNames ?? false;
    const isEmpty = Object.keys(denied).length + Object.keys(statuses).length === 0;
    this.identity = isEmpty ? "" : digestOf(JSON.stringify({ denied, statuses }));
  }

  /** Why nobody gets a file, or `undefined`. Of a project alone: why nobody gets any of its files. */
  denialOf(file: Judged): string | undefined {
    return this.#denials.reasonOf(file);
  }

  /** What is laid down as the status of a project, if anything. */
  statusOf(project: string): ProjectStatus | undefined {
    return this.#statuses.get(project);
  }

  /** Throws a `HeldBackError` for a file that nobody gets. */
  check({ filename, ...file }: Served): void {
    const { status, reason } = this.statusOf(file.project) ?? {};
    const quarantine = status === "quarantined"
      ? withReason(`project "${file.project}" is in quarantine`, reason)
      : undefined;
    const why = quarantine ?? this.denialOf(file);
    if (why !== undefined) throw new HeldBackError(filename, why);
  }

  /** Why nothing is uploaded to a project, or `undefined`. */
  closureOf(project: string): string | undefined {
    const { status, reason } = this.statusOf(project) ?? {};
    const state = status === "archived"
      ? "archived"
      : status === "quarantined"
      ? "in quarantine"
      : undefined;
    return state &&
      withReason(`Project '${project}' is ${state}; uploads are closed`, reason);
  }

  /** The largest upload to a project, in bytes; `usual` where nothing is laid down. */
  maxUploadBytesOf(project: string, usual: number): number {
    return this.#maxUploadBytes.get(project) ?? usual;
  }

  /** The largest upload that some project takes, in bytes. */
  mostUploadBytes(usual: number): number {
    return Math.max(usual, ...this.#maxUploadBytes.values());
  }
}

function byProject<T>(
  option: string,
  given: Readonly<Record<string, T>>,
  checked: (place: string, value: T) => T,
): [string, T][] {
  const names = new Set<string>();
  return Object.entries(given).map(([name, value]) => {
    const project = normalizeName(name);
    if (!isNormalizedName(project) || names.has(project)) {
      throw new TypeError(
        `Cannot use rules: "${option}.${name}" is no project's name, or named twice`,
      );
    }
    names.add(project);
    return [project, checked(`${option}.${name}`, value)];
  });
}

function checkedStatus(place: string, { status, reason }: ProjectStatus): ProjectStatus {
  if (!STATUSES.has(status)) {
    throw new TypeError(
      `Cannot use rules: "${place}" is "${status}", not one of ${[...STATUSES].join(", ")}`,
    );
  }
  return Object.freeze(reason === undefined ? { status } : { status, reason });
}

function checkedBytes(place: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new RangeError(`Cannot use rules: "${place}" is ${bytes}, not a number of bytes`);
}

function withReason(fact: string, reason: string | undefined): string {
  return reason === undefined ? fact : `${fact}: ${reason}`;
}

function digestOf(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text))).slice(0, 16);
}
