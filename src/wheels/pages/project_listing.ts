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
import type { Rules } from "../rules/rules.ts";
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
  /** The instant before which files must have been uploaded, in epoch milliseconds. Default: none. */
  readonly before?: number;
}

/** What pages say besides. */
export interface Surroundings {
  /** What is laid down for projects and files. */
  readonly rules: Rules;
  /** Where clients reach us, if that is known; it ends in a slash. */
  readonly publicUrl: string | undefined;
}

interface Listed {
  readonly file: IndexFile;
  readonly version: string;
}

/** The page of a project, or `undefined` for a project that nobody knows. */
export function listProject(
  project: string,
  sources: Sources,
  { rules, publicUrl }: Surroundings,
): ProjectPage | undefined {
  const { held, listing, before = Infinity } = sources;
  const own = heldFiles(sources).map((record) => listedOfRecord(record, publicUrl));
  const known = [...own, ...upstreamFiles(sources)];
  if (known.length === 0 && listing === undefined) return undefined;
  const status = rules.statusOf(project) ?? listing?.status;
  const isShown = ({ version, file: { sha256, uploadTime } }: Listed): boolean =>
    rules.denialOf({ project, version, sha256 }) === undefined &&
    (before === Infinity || uploadTime !== undefined && Date.parse(uploadTime) < before);
  const shown = known.filter(isShown);
  const files = status?.status === "quarantined" ? [] : inOrder(shown);
  return {
    project,
    serial: held.serial,
    files: files.map(({ file }) => file),
    versions: versionsOf(shown, known, before === Infinity ? listing?.versions : []),
    ...(status === undefined ? {} : { status }),
  };
}

/** Each version with a file that is shown, and those stated that have none that is hidden. */
function versionsOf(
  shown: readonly Listed[],
  known: readonly Listed[],
  stated: readonly string[] = [],
): string[] {
  const versions = new Set(shown.map(({ version }) => normalizeVersion(version)));
  const filed = new Set(known.map(({ version }) => normalizeVersion(version)));
  for (const version of stated.map(normalizeVersion)) {
    if (!filed.has(version)) versions.add(version);
  }
  return sortedByVersion(versions, (version) => version);
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
  const { metadataSha256, sha256, sizeBytes } = record;
  const { metadataSha256: _announced, ...facts } = { ...file, key: sha256, sha256, sizeBytes };
  return listedOfUpstream(metadataSha256 === undefined ? facts : { ...facts, metadataSha256 });
}

function listedOfUpstream(file: UpstreamFile): Listed {
  const { key, version, url: _url, ...facts } = file;
  return { version, file: { ...facts, url: fileUrl(key, file.filename) } };
}

function listedOfRecord(record: PackageFile, publicUrl: string | undefined): Listed {
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
      ...(record.hasProvenance && publicUrl !== undefined
        ? { provenance: `${publicUrl}${provenanceUrl(record)}` }
        : {}),
    },
  };
}

/** Where the provenance of a file is to be had, below the public address (PEP 740). */
function provenanceUrl({ project, version, filename }: PackageFile): string {
  return ["integrity", project, version, filename, "provenance"].map(encodeURIComponent).join("/");
}

function inOrder(listed: Listed[]): Listed[] {
  const byName = listed.sort((a, b) => a.file.filename < b.file.filename ? -1 : 1);
  return sortedByVersion(byName, ({ version }) => version);
}
