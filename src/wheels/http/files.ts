/** Files and their core metadata, whole or in parts. */

import type { ByteRange } from "../../contracts/file_store.ts";
import type { WheelFile } from "../wheel_file.ts";
import type { Reach } from "../reach.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import {
  type Access,
  cacheControl,
  isProblem,
  may,
  mayFill,
  refusalOf,
  type Visitor,
} from "./access.ts";
import { isRangeCurrent, judge, type Validators } from "./conditional.ts";
import { type Problem, problemResponse } from "./errors.ts";
import { contentRange, parseRange } from "./ranges.ts";
import { provenanceResponse } from "./integrity.ts";
import type { Routes } from "./routes.ts";

/** Makes a body that says how long it is, where a platform has a way to say so. */
export type BodyOfLength = (
  body: ReadableStream<Uint8Array>,
  lengthBytes: number,
) => ReadableStream<Uint8Array>;

/** What files are answered from. */
export interface FileParts {
  /** Where files come from. */
  readonly wheelhouse: Wheelhouse;
  /** Who may have them. */
  readonly access: Access;
  /** Makes bodies of known length. */
  readonly bodyOfLength: BodyOfLength;
}

const FILE_CACHING = "max-age=365000000, immutable, no-transform";
const METADATA_SUFFIX = ".metadata";
const PROVENANCE_SUFFIX = ".provenance";

const NOT_FOUND: Problem = Object.freeze({
  status: 404,
  message: "File not found.",
  code: "file",
});

const DELETED: Problem = Object.freeze({
  status: 410,
  message: "This file was deleted.",
  code: "deleted",
});

/** The routes of files, below the root or another place. */
export function fileRoutes(parts: FileParts, mount = ""): Routes {
  return {
    [`${mount}/packages/:aa/:bb/:rest/:filename`]: {
      GET: async (request, param) => {
        const visitor = await parts.access.check(request, "download");
        if (isProblem(visitor)) return problemResponse(request, visitor);
        const key = `${param("aa")}${param("bb")}${param("rest")}`;
        if (!/^[0-9a-f]{64}$/.test(key)) return fileAbsent(request, visitor);
        return await addressed(parts, { request, visitor, key, filename: param("filename") });
      },
    },
  };
}

/** A request for what pages list under a key. */
interface Addressed {
  readonly request: Request;
  readonly visitor: Visitor;
  readonly key: string;
  readonly filename: string;
}

async function addressed(parts: FileParts, asked: Addressed): Promise<Response> {
  const { wheelhouse } = parts;
  const { request, visitor, key, filename } = asked;
  const reach = reachOf(visitor);
  if (filename.endsWith(PROVENANCE_SUFFIX)) {
    const attested = { key, filename: filename.slice(0, -PROVENANCE_SUFFIX.length) };
    return provenanceResponse(asked, await wheelhouse.provenance(attested, reach));
  }
  const file = await find(wheelhouse, asked, reach);
  if (file !== undefined) {
    return await fileResponse(parts, { request, visitor, file, caching: FILE_CACHING });
  }
  const bare = filename.endsWith(METADATA_SUFFIX)
    ? filename.slice(0, -METADATA_SUFFIX.length)
    : filename;
  if (await wheelhouse.wasRemoved(key, bare, reach)) return problemResponse(request, DELETED);
  return fileAbsent(request, visitor);
}

/** A file for someone who may have it. */
export interface Serving {
  /** Asks for it. */
  readonly request: Request;
  /** Who asks. */
  readonly visitor: Visitor;
  /** The file. */
  readonly file: WheelFile;
  /** How it may be kept, besides by whom. */
  readonly caching: string;
  /** The name under which a browser saves it. Default: that of the address. */
  readonly savedAs?: string;
}

/** What is behind a name can be deleted and uploaded anew, so it is asked for again each time. */
export const NAMED_FILE_CACHING = "max-age=0, no-transform";

/** Which projects and files are there for a visitor. */
export function reachOf(visitor: Visitor): Reach {
  return { mayRead: (project) => may(visitor, "read", project), mayFill: mayFill(visitor) };
}

async function find(
  wheelhouse: Wheelhouse,
  { key, filename }: { key: string; filename: string },
  reach: Reach,
): Promise<WheelFile | undefined> {
  if (!filename.endsWith(METADATA_SUFFIX)) return await wheelhouse.file(key, filename, reach);
  return await wheelhouse.metadata(key, filename.slice(0, -METADATA_SUFFIX.length), reach);
}

/**
 * The answer where there is no such file for a visitor. Clients give their password only when asked for
 * it, so whoever has given none is asked.
 */
export function fileAbsent(request: Request, visitor: Visitor): Response {
  const { rights } = visitor;
  const hasAll = rights === undefined || rights.mayReadAll(undefined) && rights.mayFill(undefined);
  return hasAll ? notFound(request) : problemResponse(request, refusalOf(visitor, NOT_FOUND));
}

/** The answer to a GET or HEAD request for a file. */
export async function fileResponse(parts: FileParts, serving: Serving): Promise<Response> {
  const { request, file } = serving;
  const validators = validatorsOf(file);
  const verdict = judge(request.headers, validators);
  if (verdict === "precondition failed") {
    return problemResponse(request, { status: 412, message: "The file is another one." });
  }
  const headers = headersOf(serving, validators);
  if (verdict === "not modified") return new Response(null, { status: 304, headers });
  const range = rangeOf(request, validators, file.sizeBytes);
  if (range === "unsatisfiable") {
    return problemResponse(request, {
      status: 416,
      message: `The range is beyond the file's ${file.sizeBytes} bytes.`,
      headers: { "content-range": `bytes */${file.sizeBytes}` },
    });
  }
  return await bodyResponse(parts, serving, { headers, range });
}

async function bodyResponse(
  parts: FileParts,
  { request, file }: Serving,
  { headers, range }: { headers: Record<string, string>; range: ByteRange | undefined },
): Promise<Response> {
  const length = range?.length ?? file.sizeBytes;
  headers["content-type"] = "application/octet-stream";
  headers["content-length"] = String(length);
  if (range !== undefined) headers["content-range"] = contentRange(range, file.sizeBytes);
  if (request.method === "HEAD") return new Response(null, { headers });
  const body = await file.open(range);
  if (body === undefined) return notFound(request);
  return new Response(parts.bodyOfLength(body, length), {
    status: range === undefined ? 200 : 206,
    headers,
  });
}

function validatorsOf({ sha256, modifiedAt }: WheelFile): Validators {
  const etag = `"${sha256}"`;
  return modifiedAt === undefined ? { etag } : { etag, modifiedAt };
}

// A range is defined for GET only (RFC 9110 §14.2).
function rangeOf(
  request: Request,
  validators: Validators,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | undefined {
  if (request.method !== "GET" || !isRangeCurrent(request.headers, validators)) return undefined;
  return parseRange(request.headers.get("range"), sizeBytes);
}

function headersOf(
  { visitor, file, caching, savedAs }: Serving,
  { etag }: Validators,
): Record<string, string> {
  const { modifiedAt } = file;
  return {
    etag,
    "accept-ranges": "bytes",
    // The bytes are the same for all who may have them.
    "cache-control": cacheControl({ name: visitor.name }, caching),
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    ...(savedAs === undefined ? {} : {
      "content-disposition": `attachment; filename="${savedAs}"`,
    }),
    ...(modifiedAt === undefined ? {} : { "last-modified": new Date(modifiedAt).toUTCString() }),
  };
}

function notFound(request: Request): Response {
  return problemResponse(request, NOT_FOUND);
}
