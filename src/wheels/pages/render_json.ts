/** The simple index as JSON (PEP 691, 700, 714, 740, 792). */

import type { IndexFile, ProjectPage } from "./project_page.ts";

/** The version announced; 1.0 for a page with a file whose size is not known (PEP 700). */
const API_VERSION = "1.4";
const API_VERSION_WITHOUT_SIZES = "1.0";

/** The page that lists every project. */
export function renderListJson(projects: readonly string[], serial: number): string {
  const meta = metaOf(API_VERSION, serial);
  return `${JSON.stringify({ meta, projects: projects.map((name) => ({ name })) })}\n`;
}

/** The page of one project. */
export function renderProjectJson(page: ProjectPage): string {
  const isSized = page.files.every((file) => file.sizeBytes !== undefined);
  const version = isSized ? API_VERSION : API_VERSION_WITHOUT_SIZES;
  const document = {
    files: page.files.map(fileOf),
    meta: metaOf(version, page.serial),
    name: page.project,
    "project-status": page.status ?? { status: "active" },
    versions: page.versions,
  };
  return `${JSON.stringify(document)}\n`;
}

function metaOf(version: string, serial: number): Record<string, unknown> {
  return serial > 0
    ? { "_last-serial": serial, "api-version": version }
    : { "api-version": version };
}

// JSON.stringify leaves out what is undefined, so an unknown fact is absent and never null.
function fileOf(file: IndexFile): Record<string, unknown> {
  return {
    "core-metadata": file.metadataSha256 === undefined ? false : { sha256: file.metadataSha256 },
    filename: file.filename,
    hashes: file.sha256 === undefined ? {} : { sha256: file.sha256 },
    provenance: file.provenance,
    "requires-python": file.requiresPython,
    size: file.sizeBytes,
    "upload-time": file.uploadTime,
    url: file.url,
    yanked: file.yanked ?? false,
  };
}
