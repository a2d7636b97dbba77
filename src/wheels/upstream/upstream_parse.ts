/**
 * Reading an upstream's page. What is not a sound page of the very project asked for (a login form,
 * an error, a cut document, another project's page) is a `SyntaxError`, so that it can never take
 * the place of a page we hold.
 */

import { Parser } from "htmlparser2";

import { UpstreamError } from "../../contracts/errors.ts";
import { reasonOf } from "../log.ts";
import { normalizeName } from "../packages/names.ts";
import type { ProjectStatus } from "../pages/project_page.ts";
import { filenameOf, judgeFile, type PageOrigin } from "./upstream_file.ts";
import type { RawFile, UpstreamFile, UpstreamListing } from "./upstream_page.ts";

/** Reads the page of an answer by its type. An `UpstreamError` says what is wrong with it. */
export function parseUpstreamPage(
  origin: PageOrigin,
  { status, headers }: Response,
  bytes: Uint8Array,
): UpstreamListing {
  const type = (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  const text = new TextDecoder().decode(bytes);
  try {
    if (type === "application/vnd.pypi.simple.v1+json") return parseUpstreamJson(text, origin);
    if (type === "application/vnd.pypi.simple.v1+html" || type === "text/html") {
      return parseUpstreamHtml(text, origin);
    }
  } catch (cause) {
    throw new UpstreamError(origin.baseUrl, reasonOf(cause), { status, cause });
  }
  throw new UpstreamError(origin.baseUrl, `its type is "${type}"`, { status });
}

/** Reads a page of PEP 691's JSON. */
export function parseUpstreamJson(text: string, origin: PageOrigin): UpstreamListing {
  const page = objectOf(JSON.parse(text), "the page");
  checkVersion(objectOf(page.meta, "meta")["api-version"]);
  if (typeof page.name !== "string" || normalizeName(page.name) !== origin.project) {
    throw new SyntaxError(`Cannot read page of "${origin.project}": it is another project's`);
  }
  if (!Array.isArray(page.files)) throw new SyntaxError("Cannot read page: it has no files");
  return listingOf(page.files.map(rawOfJson), {
    origin,
    versions: Array.isArray(page.versions) ? page.versions.filter(isText) : [],
    status: statusOf(page["project-status"]),
  });
}

/** Reads a page of PEP 503's HTML. */
export function parseUpstreamHtml(text: string, origin: PageOrigin): UpstreamListing {
  const found = scanHtml(text);
  if (found.metas.has("pypi:repository-version")) {
    checkVersion(found.metas.get("pypi:repository-version"));
  }
  const baseUrl = found.base === undefined || !URL.canParse(found.base, origin.baseUrl)
    ? origin.baseUrl
    : new URL(found.base, origin.baseUrl).href;
  const listing = listingOf(found.anchors.map((anchor) => rawOfAnchor(anchor, baseUrl)), {
    origin: { ...origin, baseUrl },
    versions: [],
    status: statusOf({
      status: found.metas.get("pypi:project-status"),
      reason: found.metas.get("pypi:project-status-reason"),
    }),
  });
  if (listing.files.length === 0 && !isIndexPage(found)) {
    throw new SyntaxError(`Cannot read page of "${origin.project}": it is no index page`);
  }
  return listing;
}

interface Surroundings {
  readonly origin: PageOrigin;
  readonly versions: readonly string[];
  readonly status: ProjectStatus | undefined;
}

function listingOf(raws: readonly RawFile[], around: Surroundings): UpstreamListing {
  const files: UpstreamFile[] = [];
  const names = new Set<string>();
  for (const raw of raws) {
    const file = judgeFile(raw, around.origin);
    if (file === undefined || names.has(file.filename)) continue;
    names.add(file.filename);
    files.push(file);
  }
  const { versions, status } = around;
  return status === undefined ? { files, versions } : { files, versions, status };
}

function rawOfJson(value: unknown): RawFile {
  const file = objectOf(value, "a file");
  const hashes = isObject(file.hashes) ? file.hashes : {};
  return {
    filename: file.filename,
    url: file.url,
    sha256: hashes.sha256,
    size: file.size,
    uploadTime: file["upload-time"],
    requiresPython: file["requires-python"],
    metadataSha256: metadataDigestOf(file),
    yanked: file.yanked,
    provenance: file.provenance,
  };
}

// PEP 714 tells the story of the three names.
function metadataDigestOf(file: Record<string, unknown>): unknown {
  const announced = file["core-metadata"] ?? file["dist-info-metadata"] ??
    file["data-dist-info-metadata"];
  return isObject(announced) ? announced.sha256 : undefined;
}

function rawOfAnchor(attributes: Record<string, string>, baseUrl: string): RawFile {
  const { href = "" } = attributes;
  const metadata = attributes["data-core-metadata"] ?? attributes["data-dist-info-metadata"];
  const yanked = attributes["data-yanked"];
  return {
    filename: filenameOf(href, baseUrl),
    url: href,
    requiresPython: attributes["data-requires-python"],
    metadataSha256: metadata?.replace(/^sha256=/, ""),
    yanked: yanked === "" ? true : yanked,
    provenance: attributes["data-provenance"],
  };
}

interface ScannedHtml {
  readonly anchors: Record<string, string>[];
  readonly metas: Map<string, string>;
  readonly title: string;
  readonly base: string | undefined;
}

function scanHtml(text: string): ScannedHtml {
  const anchors: Record<string, string>[] = [];
  const metas = new Map<string, string>();
  let [title, isTitle, base] = ["", false, undefined as string | undefined];
  const parser = new Parser({
    onopentag(name, attributes): void {
      if (name === "a" && attributes.href !== undefined) anchors.push(attributes);
      if (name === "base") base ??= attributes.href;
      if (name === "meta") metas.set(attributes.name ?? "", attributes.content ?? "");
      isTitle = name === "title";
    },
    ontext(data): void {
      if (isTitle) title += data;
    },
    onclosetag(): void {
      isTitle = false;
    },
  });
  parser.end(text);
  return { anchors, metas, title, base };
}

// An empty page is legal (PEP 503), so it has to be told from a login form by other signs.
function isIndexPage(found: ScannedHtml): boolean {
  return found.metas.has("pypi:repository-version") || /^\s*links for\b/i.test(found.title);
}

function checkVersion(version: unknown): void {
  if (typeof version !== "string" || !/^1\.[0-9]+$/.test(version)) {
    throw new SyntaxError(`Cannot read page: repository version is "${String(version)}", not 1.x`);
  }
}

function statusOf(value: unknown): ProjectStatus | undefined {
  if (!isObject(value) || !isText(value.status)) return undefined;
  const { status, reason } = value;
  return isText(reason) ? { status, reason } : { status };
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (!isObject(value)) throw new SyntaxError(`Cannot read page: ${what} is no object`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 4_096;
}
