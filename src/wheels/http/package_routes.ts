/** PyPICloud's API of packages: what there is, one file, and its upload and deletion. */

import { sortedByVersion } from "../../contracts/versions.ts";
import { normalizeName } from "../packages/names.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { isProblem, may, mayFill, refusalOf, type Visitor } from "./access.ts";
import { type Problem, problemResponse } from "./errors.ts";
import { type FileParts, fileResponse, NAMED_FILE_CACHING, reachOf } from "./files.ts";
import { jsonResponse } from "./json_response.ts";
import { packageJson } from "./package_json.ts";
import type { Handler, Methods, Routes } from "./routes.ts";
import { upload } from "./upload.ts";
import type { UploadRouteParts } from "./upload_entry.ts";

/** What packages are answered from. */
export type PackageRouteParts = FileParts & UploadRouteParts;

/** A request about a project, or a file of it, by someone. */
interface Asking {
  readonly request: Request;
  readonly visitor: Visitor;
  /** The normalised name, empty where the path has none. */
  readonly project: string;
  /** Empty where the path has none. */
  readonly filename: string;
}

/** The routes of packages, with the slash at the end and without. */
export function packageRoutes(parts: PackageRouteParts): Routes {
  const asked =
    (answer: (asking: Asking) => Promise<Response>): Handler => async (request, param) => {
      const visitor = await parts.access.check(request, "list");
      if (isProblem(visitor)) return problemResponse(request, visitor);
      const [project, filename] = [normalizeName(param("project")), param("filename")];
      return await answer({ request, visitor, project, filename });
    };
  const list: Methods = { GET: asked((asking) => listOf(parts.wheelhouse, asking)) };
  const project: Methods = { GET: asked((asking) => projectOf(parts.wheelhouse, asking)) };
  const file: Methods = {
    GET: asked((asking) => download(parts, asking)),
    POST: (request, param) => uploadTo(parts, request, param),
    DELETE: asked((asking) => remove(parts.wheelhouse, asking)),
  };
  return {
    "/api/package": list,
    "/api/package/": list,
    "/api/package/:project": project,
    "/api/package/:project/": project,
    "/api/package/:project/:filename": file,
    "/api/package/:project/:filename/": file,
  };
}

async function listOf({ index }: Wheelhouse, { request, visitor }: Asking): Promise<Response> {
  const mayRead = (project: string): boolean => may(visitor, "read", project);
  if (new URL(request.url).searchParams.get("verbose") !== "true") {
    return jsonResponse(request, visitor, { packages: (await index.distinct()).filter(mayRead) });
  }
  const summaries = (await index.summary()).filter(({ project }) => mayRead(project));
  return jsonResponse(request, visitor, {
    packages: summaries.map(({ project, summary, uploadedAt }) => ({
      name: project,
      summary: summary ?? null,
      last_modified: Math.floor(uploadedAt / 1_000),
    })),
  });
}

async function projectOf({ index }: Wheelhouse, asking: Asking): Promise<Response> {
  const { request, visitor, project } = asking;
  if (!may(visitor, "read", project)) return refused(asking);
  const { files } = await index.all(project);
  const { pathname } = new URL(request.url);
  const newestFirst = sortedByVersion(files, ({ version }) => version).reverse();
  return jsonResponse(request, visitor, {
    packages: newestFirst.map((record) => packageJson(record, pathname)),
    write: may(visitor, "write", project),
  });
}

async function download(parts: PackageRouteParts, asking: Asking): Promise<Response> {
  const { request, visitor, project, filename } = asking;
  const { wheelhouse } = parts;
  if (!may(visitor, "read", project)) return refused(asking);
  const file = await wheelhouse.fileOf(project, filename, reachOf(visitor));
  if (file !== undefined) {
    return await fileResponse(parts, { request, visitor, file, caching: NAMED_FILE_CACHING });
  }
  // The upstream may have it, but is not asked for this visitor.
  return wheelhouse.isReadThrough && !mayFill(visitor) ? refused(asking) : notFound(asking);
}

function uploadTo(
  parts: PackageRouteParts,
  request: Request,
  param: (name: string) => string,
): Promise<Response> {
  return upload(parts, request, {
    ...pypicloudUpload,
    claims: { name: param("project"), filename: param("filename") },
  });
}

/** How PyPICloud's clients upload: they need no action and no digest, and know 409. */
export const pypicloudUpload = Object.freeze({
  action: "file_upload",
  isDigestRequired: false,
  existsStatus: 409,
  answer: (request: Request, record: Parameters<typeof packageJson>[0]): Response =>
    jsonResponse(request, { name: undefined }, packageJson(record, new URL(request.url).pathname)),
});

async function remove(wheelhouse: Wheelhouse, asking: Asking): Promise<Response> {
  const { visitor, project, filename } = asking;
  if (!may(visitor, "delete", project)) return refused(asking);
  const record = await wheelhouse.index.fetch(filename);
  if (record?.project !== project || !await wheelhouse.remove(filename)) return notFound(asking);
  return new Response(null, { headers: { "content-length": "0", "cache-control": "no-store" } });
}

function refused({ request, visitor, project }: Asking): Response {
  const message = `This is not allowed on project "${project}".`;
  const problem: Problem = { status: 403, message, code: "forbidden" };
  return problemResponse(request, refusalOf(visitor, problem));
}

function notFound({ request }: Asking): Response {
  return problemResponse(request, { status: 404, message: "File not found.", code: "file" });
}
