/**
 * curdling's routes, for its clients: names and versions at `/api/`, a file by query at `/s/`, and by
 * its name at `/p/`, where it is put as well. They say what the simple pages say, under the same rules;
 * only, nobody is sent to another index, whose pages curdling's clients could not read.
 *
 * PyPICloud's routes begin with `/api/package/`, curdling's project of that name is `/api/package`
 * without a slash at its end: each client asks with its own, and is served.
 */

import { isProjectName, normalizeName } from "../packages/names.ts";
import { inOrderOfChoice } from "../packages/query.ts";
import { pageOf } from "../pages/page.ts";
import { may, refusalOf } from "./access.ts";
import { QUERY_IS_WRONG, queryRoutes } from "./curdling_files.ts";
import { putFile } from "./curdling_put.ts";
import { problemResponse } from "./errors.ts";
import type { FileParts } from "./files.ts";
import { type ListedFile, listedFiles } from "./listed_files.ts";
import type { Representation } from "./negotiation.ts";
import { pageResponse } from "./page_response.ts";
import { publicAddress } from "./public_address.ts";
import type { Routes } from "./routes.ts";
import { type Reading, reading, redirect, seesAll, type SimpleParts } from "./simple.ts";
import type { UploadRouteParts } from "./upload_entry.ts";
import { isWrong, tagsOf } from "./wheel_tags.ts";

/** What curdling's routes are answered from. */
export interface CurdlingParts extends SimpleParts, FileParts, UploadRouteParts {
  /** Whether a proxy stands in front that says under which address. */
  readonly isProxied: boolean;
}

/** A version as curdling's clients know it. */
interface CurdlingRelease {
  readonly name: string;
  readonly version: string;
  readonly urls: readonly CurdlingFile[];
}

/** A file as they know it; whether it is yanked is said beside. */
interface CurdlingFile {
  readonly url: string;
  readonly sha256: string | undefined;
  readonly yanked?: true | string;
}

const JSON_DOCUMENT: Representation = Object.freeze({
  form: "json",
  contentType: "application/json",
  tag: "curdling",
});

/** The routes with curdling's added, behind those that are more particular. */
export function withCurdling(routes: Routes, parts: CurdlingParts): Routes {
  const path = (handle: (asked: Reading) => Promise<Response>) => ({
    GET: reading(parts.access, handle),
  });
  const file = queryRoutes(parts);
  return {
    ...routes,
    "/api": path(async (asked) => redirect(asked, "api/")),
    "/api/": path((asked) => names(parts, asked)),
    "/api/package": path((asked) => releases(parts, { ...asked, name: "package" })),
    "/api/:project": path((asked) => releases(parts, asked)),
    "/s/:query": { GET: file.byQuery },
    "/p/:filename": { GET: file.byName, PUT: putFile(parts) },
  };
}

async function names({ wheelhouse }: CurdlingParts, asked: Reading): Promise<Response> {
  const mayRead = (project: string): boolean => may(asked.visitor, "read", project);
  return await document(asked, (await wheelhouse.index.distinct()).filter(mayRead), 0);
}

async function releases(parts: CurdlingParts, asked: Reading): Promise<Response> {
  const { request, name } = asked;
  const project = normalizeName(name);
  const tags = tagsOf(request);
  if (isWrong(tags)) return problemResponse(request, QUERY_IS_WRONG);
  const found = isProjectName(name)
    ? await listedFiles(parts, { ...asked, name: project })
    : undefined;
  const ordered = inOrderOfChoice(found?.files ?? [], project, tags);
  if (found === undefined || ordered.length === 0) return absent(parts, asked, project);
  const root = publicAddress(request, parts);
  const listed = ordered.map(({ version, files }): CurdlingRelease => ({
    ...{ name, version },
    urls: files.map((file) => curdlingFile(file, root)),
  }));
  return await document(asked, listed, found.page.serial);
}

function curdlingFile({ filename, hashes, yanked }: ListedFile, root: string): CurdlingFile {
  // Clients take the end of the address for the file's name.
  const name = encodeURIComponent(filename).replaceAll("%2B", "+");
  const file = { url: `${root}/p/${name}`, sha256: hashes.sha256 };
  return yanked === false ? file : { ...file, yanked: yanked || true };
}

/** Addresses depend on the proxy in front, so what is listed is asked for again each time. */
async function document(asked: Reading, value: unknown, serial: number): Promise<Response> {
  const { request, visitor } = asked;
  return pageResponse(request, {
    page: await pageOf(`${JSON.stringify(value)}\n`, { serial, isOwn: true }),
    representation: JSON_DOCUMENT,
    encoding: "identity",
    visitor,
  });
}

/** The clients take whatever is no array of versions for a project that is not there. */
function absent(parts: CurdlingParts, { request, visitor }: Reading, project: string): Response {
  const message = `Project "${project}" not found.`;
  const problem = refusalOf(visitor, { status: 404, message });
  if (problem.status === 401 && !seesAll(parts, visitor, project)) {
    return problemResponse(request, problem);
  }
  const text = '{"status": "error"}\n';
  return new Response(request.method === "HEAD" ? null : text, {
    status: 404,
    statusText: message.replace(/[^ -~]+/g, " ").slice(0, 200),
    headers: {
      "content-type": "application/json",
      "content-length": String(text.length),
      "cache-control": "no-store",
    },
  });
}
