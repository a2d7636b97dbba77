/** A file as PyPICloud's API tells of it. */

import type { PackageFile } from "../../contracts/index_cache.ts";
import { fileUrl } from "../pages/project_page.ts";

/** The description of a file. */
export interface PackageJson {
  /** The normalised name of its project. */
  readonly name: string;
  /** Its name. */
  readonly filename: string;
  /** When it was uploaded, in whole seconds since 1970. */
  readonly last_modified: number;
  /** Its version. */
  readonly version: string;
  /** Where it is to be had, relative to the address asked, with its digest. */
  readonly url: string;
  /** What it is, in a line. */
  readonly summary: string | null;
  /** What else is known, under PyPICloud's words. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Describes a file to someone who asked at a path. */
export function packageJson(record: PackageFile, pathname: string): PackageJson {
  const { project, filename, version, sha256, summary, requiresPython, md5, uploader } = record;
  const facts = {
    requires_python: requiresPython,
    summary,
    hash_sha256: sha256,
    hash_md5: md5,
    uploader,
  };
  const known = Object.entries(facts).filter(([, fact]) => fact !== undefined && fact !== "");
  return {
    name: project,
    filename,
    last_modified: Math.floor(record.uploadedAt / 1_000),
    version,
    url: `${urlFrom(pathname, record)}#sha256=${sha256}`,
    summary: summary ?? null,
    metadata: Object.fromEntries(known) as Record<string, string>,
  };
}

/** Where a file is, seen from a path; relative, so that it holds behind any proxy and mount. */
function urlFrom(pathname: string, { sha256, filename }: PackageFile): string {
  const below = fileUrl(sha256, filename).replace(/^(\.\.\/)+/, "");
  return "../".repeat(pathname.split("/").length - 2) + below;
}
