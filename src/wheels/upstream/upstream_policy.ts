/**
 * What of an upstream is let through: names that are ours alone are never asked for, and files wait
 * until they are so old that others would have noticed something wrong with them.
 */

import { HeldBackError } from "../../contracts/errors.ts";
import { normalizeVersion } from "../../contracts/versions.ts";
import { checkedName, NamePatterns } from "../packages/name_patterns.ts";
import type { UpstreamFile, UpstreamListing } from "./upstream_page.ts";

/** The rules for an upstream. */
export interface UpstreamPolicyOptions {
  /**
   * Names that the upstream is never asked for. A `*` at the end stands for any rest, as in `acme-*`.
   * Default: none but the claimed ones.
   */
  readonly reserved?: readonly string[];
  /**
   * How old a file must be by its upload time, in milliseconds. A file without one is held back for
   * good. Default 0, which lets everything through.
   */
  readonly cooldownMs?: number;
  /** Projects whose files need not be old. Default: none. */
  readonly exempt?: readonly string[];
}

/** A page of which some files are held back. */
export interface Sifted {
  /** What is let through. */
  readonly listing: UpstreamListing;
  /** The other files. */
  readonly heldBack: readonly UpstreamFile[];
}

/** A file and its age. */
export interface Aged {
  /** The normalised name of its project. */
  readonly project: string;
  /** Its name. */
  readonly filename: string;
  /** When it was uploaded, in epoch milliseconds, where that is known. */
  readonly uploadedAt: number | undefined;
}

const DAY_MS = 86_400_000;

/** Applies the rules. */
export class UpstreamPolicy {
  readonly #reserved: NamePatterns;
  readonly #exempt: ReadonlySet<string>;
  readonly #cooldownMs: number;

  /** Throws a `TypeError` for what is no name, a `RangeError` for a cooldown that is no duration. */
  constructor({ reserved = [], cooldownMs = 0, exempt = [] }: UpstreamPolicyOptions) {
    if (!(cooldownMs >= 0)) {
      throw new RangeError(`Cannot use upstream: "cooldownMs" is ${cooldownMs}, not 0 or more`);
    }
    this.#cooldownMs = cooldownMs;
    this.#exempt = new Set(exempt.map((name) => checkedName(name, name, "exempt")));
    this.#reserved = new NamePatterns(reserved, "reserve");
  }

  /** Whether a project, by its normalised name, is none of the upstream's. */
  isReserved(project: string): boolean {
    return this.#reserved.has(project);
  }

  /** Parts what is let through at an instant from what is held back. */
  sift(project: string, listing: UpstreamListing, now: number): Sifted {
    const isOld = (file: UpstreamFile): boolean =>
      this.#whyHeldBack({ project, uploadedAt: uploadedAtOf(file) }, now) === undefined;
    const files = listing.files.filter(isOld);
    if (files.length === listing.files.length) return { listing, heldBack: [] };
    const heldBack = listing.files.filter((file) => !isOld(file));
    const shown = new Set(files.map(({ version }) => normalizeVersion(version)));
    const hidden = new Set(heldBack.map(({ version }) => normalizeVersion(version)));
    const versions = listing.versions.filter((version) => {
      const normal = normalizeVersion(version);
      return shown.has(normal) || !hidden.has(normal);
    });
    return { listing: { ...listing, files, versions }, heldBack };
  }

  /** Throws a `HeldBackError` for a file that is too young, or of unknown age. */
  check({ project, filename, uploadedAt }: Aged, now: number): void {
    const reason = this.#whyHeldBack({ project, uploadedAt }, now);
    if (reason !== undefined) throw new HeldBackError(filename, reason);
  }

  #whyHeldBack({ project, uploadedAt }: Omit<Aged, "filename">, now: number): string | undefined {
    if (this.#cooldownMs === 0 || this.#exempt.has(project)) return undefined;
    if (uploadedAt === undefined) return "when it was uploaded is not known";
    if (now - uploadedAt >= this.#cooldownMs) return undefined;
    return `it was uploaded less than ${spoken(this.#cooldownMs)} ago`;
  }
}

/** When the upstream says that it was uploaded. */
export function uploadedAtOf({ uploadTime }: UpstreamFile): number | undefined {
  return uploadTime === undefined ? undefined : Date.parse(uploadTime);
}

function spoken(durationMs: number): string {
  const days = durationMs / DAY_MS;
  return days === 1 ? "a day" : `${Number(days.toFixed(3))} days`;
}
