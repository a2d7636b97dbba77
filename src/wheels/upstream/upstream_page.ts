/** What an upstream index says of a project, in one shape for its JSON and its HTML. */

import type { ProjectStatus } from "../pages/project_page.ts";

/** The readable content of an upstream's page. */
export interface UpstreamListing {
  /** The files that belong to the project and have a usable address. */
  readonly files: readonly UpstreamFile[];
  /** The versions the upstream names beside those of its files; empty where it names none. */
  readonly versions: readonly string[];
  /** The project's status, where it states one. */
  readonly status?: ProjectStatus;
}

/** One file of an upstream. Absent facts are left out, never `null`. */
export interface UpstreamFile {
  /** Its name. */
  readonly filename: string;
  /** The version that its name states. */
  readonly version: string;
  /** Its absolute address, without fragment. */
  readonly url: string;
  /** What its address on our page is made of: its SHA-256, or else that of its own address. */
  readonly key: string;
  /** Its SHA-256 in hexadecimal, where the upstream states it. */
  readonly sha256?: string;
  /** Its length, where the upstream states it. */
  readonly sizeBytes?: number;
  /** When it was uploaded, as the upstream writes it: ISO 8601 in UTC. */
  readonly uploadTime?: string;
  /** `Requires-Python`. */
  readonly requiresPython?: string;
  /** SHA-256 of its core metadata, which lies at its address with `.metadata` behind it. */
  readonly metadataSha256?: string;
  /** Whether it is yanked: `true`, or the reason. */
  readonly yanked?: true | string;
  /** The absolute https address of its provenance. */
  readonly provenance?: string;
}

/** The facts of a file as they were found, not yet judged. */
export interface RawFile {
  readonly filename: unknown;
  readonly url: unknown;
  readonly sha256?: unknown;
  readonly size?: unknown;
  readonly uploadTime?: unknown;
  readonly requiresPython?: unknown;
  readonly metadataSha256?: unknown;
  readonly yanked?: unknown;
  readonly provenance?: unknown;
}
