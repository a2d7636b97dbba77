/**
 * Which files a project's page lists.
 *
 * A claimed project has its own files and no others, whatever an upstream may offer under its name.
 * An unclaimed one has the upstream's files; if it has files of its own as well, which takes an
 * operator who gave the claim up, both are listed. One filename is listed once: the file that was
 * here first, ours before the upstream's and the one we hold before the one the upstream has now.
 */

import type { PackageFile, ProjectFiles } from "../../contracts/index_cache.ts";
import { fileUrl, type IndexFile, type ProjectPage } from "./project_page.ts";
import type { UpstreamFile, UpstreamListing } from "../upstream/upstream_page.ts";
import { normalizeVersion, sortedByVersion } from "../../contracts/versions.ts";

/** Where the files of a page come from. */
export interface Sources {
  /** What we hold of the project. */
  readonly held: ProjectFiles;
  /** Whether an upstream is read through at all. */
  readonly isReadThrough: boolean;
  /** What the upstream says; `undefined` where it was not asked or does not know the project. */
  readonly listing: UpstreamListing | undefined;
}

interface Listed {
  readonly file: IndexFile;
  readonly version: string;
}

/** The page of a project, or `undefined` for a project that nobody knows. */
export function listProject(project: string, sources: Sources): ProjectPage | undefined {
  const { held, listing } = sources;
  const listed = [...heldFiles(sources).map(listedOfRecord), ...upstreamFiles(sources)];
  if (listed.length === 0 && listing === undefined) return undefined;
  const isQuarantined = listing?.status?.status === "quarantined";
  const files = isQuarantined ? [] : inOrder(listed);
  const stated = [...listed.map(({ version }) => version), ...(listing?.versions ?? [])];
  return {
    project,
    serial: held.serial,
    files: files.map(({ file }) => file),
    versions: sortedByVersion(new Set(stated.map(normalizeVersion)), (version) => version),
    ...(listing?.status === undefined ? {} : { status: listing.status }),
  };
}

/** The files of one name that the upstream now has with other content than we hold. */
export function conflictsIn({ held, listing }: Sources): string[] {
  const records = new Map(held.files.map((record) => [record.filename, record]));
  return (listing?.files ?? []).filter(({ filename, sha256 }) => {
    const record = records.get(filename);
    return record !== undefined && sha256 !== undefined && record.sha256 !== sha256;
  }).map(({ filename }) => filename);
}

// Where an upstream is read through, its files are listed as it lists them, held or not.
function heldFiles({ held, isReadThrough }: Sources): readonly PackageFile[] {
  const isOwnOnly = held.isClaimed || isReadThrough;
  return isOwnOnly ? held.files.filter(({ upstream }) => upstream === undefined) : held.files;
}

function upstreamFiles({ held, listing }: Sources): Listed[] {
  const records = new Map(held.files.map((record) => [record.filename, record]));
  return (listing?.files ?? []).flatMap((file) => {
    const record = records.get(file.filename);
    if (record === undefined) return listedOfUpstream(file);
    return record.upstream === undefined ? [] : listedOfHeld(file, record);
  });
}

// Held bytes decide digest, length and metadata; the rest may have changed upstream, as yanking does.
function listedOfHeld(file: UpstreamFile, record: PackageFile): Listed {
  const { metadataSha256 = file.metadataSha256, sha256, sizeBytes } = record;
  const isSame = file.sha256 === undefined || file.sha256 === sha256;
  const held = { ...file, key: sha256, sha256, sizeBytes };
  return listedOfUpstream(
    isSame && metadataSha256 !== undefined ? { ...held, metadataSha256 } : held,
  );
}

function listedOfUpstream(file: UpstreamFile): Listed {
  const { key, version, url: _url, ...facts } = file;
  return { version, file: { ...facts, url: fileUrl(key, file.filename) } };
}

function listedOfRecord(record: PackageFile): Listed {
  const { filename, sha256, sizeBytes, requiresPython, metadataSha256, yanked } = record;
  return {
    version: record.version,
    file: {
      filename,
      url: fileUrl(sha256, filename),
      sha256,
      sizeBytes,
      uploadTime: new Date(record.uploadedAt).toISOString(),
      ...(requiresPython === undefined ? {} : { requiresPython }),
      ...(metadataSha256 === undefined ? {} : { metadataSha256 }),
      ...(yanked === undefined ? {} : { yanked }),
    },
  };
}

function inOrder(listed: Listed[]): Listed[] {
  const byName = listed.sort((a, b) => a.file.filename < b.file.filename ? -1 : 1);
  return sortedByVersion(byName, ({ version }) => version);
}
