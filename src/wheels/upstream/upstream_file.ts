/** Judging one file of an upstream's page: only facts of the right shape are believed. */

import { sha256 as digest } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

import { parseFilename } from "../packages/names.ts";
import type { RawFile, UpstreamFile } from "./upstream_page.ts";

/** Whose page it is, and where it was read. */
export interface PageOrigin {
  /** The normalised name of the project. */
  readonly project: string;
  /** The address against which relative ones are resolved. */
  readonly baseUrl: string;
}

const SHA256 = /^[0-9a-f]{64}$/;
const UPLOAD_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/;
const LONGEST_TEXT = 4_096;

/**
 * A file with its facts, or `undefined` if its name is not that of a package of the project or its
 * address is unusable. A fact of the wrong shape counts as not stated.
 */
export function judgeFile(raw: RawFile, origin: PageOrigin): UpstreamFile | undefined {
  const filename = textOf(raw.filename);
  const address = addressOf(textOf(raw.url), origin.baseUrl);
  if (filename === undefined || address === undefined) return undefined;
  const parsed = parseFilename(filename, origin.project);
  if (parsed === undefined) return undefined;
  const fragment = /(?:^|&)sha256=([0-9a-f]{64})(?:&|$)/i.exec(address.hash.slice(1))?.[1];
  // Credentials are configured; those that a page brings along are not used, let alone kept.
  [address.hash, address.username, address.password] = ["", "", ""];
  const sha256 = digestOf(raw.sha256) ?? fragment?.toLowerCase();
  return withoutUndefined({
    filename,
    version: parsed.version,
    url: address.href,
    key: sha256 ?? bytesToHex(digest(utf8ToBytes(address.href))),
    sha256,
    sizeBytes: Number.isSafeInteger(raw.size) && Number(raw.size) >= 0 ? raw.size : undefined,
    uploadTime: UPLOAD_TIME.test(String(raw.uploadTime)) ? raw.uploadTime : undefined,
    requiresPython: textOf(raw.requiresPython),
    metadataSha256: digestOf(raw.metadataSha256),
    yanked: raw.yanked === true ? true : textOf(raw.yanked),
    provenance: provenanceOf(raw.provenance),
  }) as unknown as UpstreamFile;
}

/** The filename at the end of an address, as installers take it. */
export function filenameOf(url: string, baseUrl: string): string | undefined {
  const last = addressOf(url, baseUrl)?.pathname.split("/").at(-1);
  try {
    return last === undefined ? undefined : decodeURIComponent(last);
  } catch {
    // A percent sign that encodes nothing: no package has such a name.
    return undefined;
  }
}

function addressOf(url: string | undefined, baseUrl: string): URL | undefined {
  if (url === undefined || !URL.canParse(url, baseUrl)) return undefined;
  const address = new URL(url, baseUrl);
  return address.protocol === "https:" || address.protocol === "http:" ? address : undefined;
}

function provenanceOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && text.startsWith("https://") && URL.canParse(text) ? text : undefined;
}

function digestOf(value: unknown): string | undefined {
  const digest = typeof value === "string" ? value.toLowerCase() : "";
  return SHA256.test(digest) ? digest : undefined;
}

function textOf(value: unknown): string | undefined {
  const isUsable = typeof value === "string" && value !== "" && value.length <= LONGEST_TEXT;
  return isUsable ? value : undefined;
}

function withoutUndefined(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
}
