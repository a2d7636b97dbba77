/**
 * A project's releases as PyPI's JSON API has them, which PyPICloud answers, too: what its page says,
 * by version. What only a package's metadata could tell is left empty.
 */

import { isPrerelease, normalizeVersion, sortedByVersion } from "../../contracts/versions.ts";
import { normalizeName, parseFilename } from "../packages/names.ts";
import { pageOf } from "../pages/page.ts";
import { type ListedFile, listedFiles } from "./listed_files.ts";
import type { Representation } from "./negotiation.ts";
import { pageResponse } from "./page_response.ts";
import type { Routes } from "./routes.ts";
import { absence, absent, type Reading, reading, redirect, type SimpleParts } from "./simple.ts";

const JSON_DOCUMENT: Representation = Object.freeze({
  form: "json",
  contentType: "application/json",
  tag: "releases",
});

/** The routes of releases. */
export function releaseRoutes(parts: SimpleParts): Routes {
  const methods = {
    GET: reading(parts.access, async (asked) => {
      const name = normalizeName(asked.name);
      if (name !== asked.name) return absence(asked) ?? redirect(asked, `../${name}/json`);
      return absence(asked) ?? await releases(parts, asked);
    }),
  };
  return { "/pypi/:project/json": methods, "/simple/:project/json": methods };
}

async function releases(parts: SimpleParts, asked: Reading): Promise<Response> {
  const { request, visitor, name } = asked;
  const found = await listedFiles(parts, asked);
  if (found === undefined) return await absent(parts, asked, "jsonOf");
  const { files, page: source } = found;
  const held = await parts.wheelhouse.index.all(name);
  const md5s = new Map(held.files.map((record) => [record.sha256, record.md5]));
  const text = `${JSON.stringify(documentOf(name, files, { md5s, serial: source.serial }))}\n`;
  const page = await pageOf(text, source);
  return pageResponse(request, {
    page,
    representation: JSON_DOCUMENT,
    encoding: "identity",
    visitor,
  });
}

function documentOf(
  name: string,
  files: readonly ListedFile[],
  { md5s, serial }: { md5s: ReadonlyMap<string, string | undefined>; serial: number },
): Record<string, unknown> {
  const byVersion = new Map<string, ReleasedFile[]>();
  for (const file of files) {
    const released = releasedFile(file, name, md5s);
    if (released === undefined) continue;
    const [version, description] = released;
    byVersion.set(version, [...byVersion.get(version) ?? [], description]);
  }
  const latest = latestOf(byVersion);
  const urls = byVersion.get(latest ?? "") ?? [];
  return {
    info: {
      name,
      version: latest ?? null,
      requires_python: urls[0]?.requires_python ?? null,
      license: "",
      classifiers: [],
    },
    last_serial: serial,
    releases: Object.fromEntries(byVersion),
    urls,
    vulnerabilities: [],
  };
}

/** A file of a release. What is not known is left out, but for what the API has as `null`. */
interface ReleasedFile {
  readonly filename: string;
  readonly url: string;
  readonly packagetype: "bdist_wheel" | "sdist";
  readonly digests: { readonly md5: string | undefined; readonly sha256: string | undefined };
  readonly md5_digest: string | undefined;
  readonly size: number | undefined;
  readonly upload_time_iso_8601: string | undefined;
  readonly requires_python: string | null;
  readonly yanked: boolean;
  readonly yanked_reason: string | null;
}

function releasedFile(
  file: ListedFile,
  name: string,
  md5s: ReadonlyMap<string, string | undefined>,
): [version: string, description: ReleasedFile] | undefined {
  const parsed = parseFilename(file.filename, name);
  if (parsed === undefined) return undefined;
  const { filename, url, size, yanked, hashes: { sha256 } } = file;
  const md5 = md5s.get(sha256 ?? "");
  return [normalizeVersion(parsed.version), {
    filename,
    url,
    packagetype: parsed.kind === "wheel" ? "bdist_wheel" : "sdist",
    digests: { md5, sha256 },
    md5_digest: md5,
    size,
    upload_time_iso_8601: file["upload-time"],
    requires_python: file["requires-python"] ?? null,
    yanked: yanked !== false,
    yanked_reason: typeof yanked === "string" ? yanked : null,
  }];
}

/** The highest version that is no pre-release and not yanked, or the highest there is. */
function latestOf(byVersion: ReadonlyMap<string, readonly ReleasedFile[]>): string | undefined {
  const versions = sortedByVersion(byVersion.keys(), (version) => version);
  const isFinal = (version: string): boolean =>
    !isPrerelease(version) && byVersion.get(version)!.some(({ yanked }) => !yanked);
  return versions.findLast(isFinal) ?? versions.at(-1);
}
