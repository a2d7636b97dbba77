/**
 * How curdling's clients upload: `PUT` to the address that the file will have, as a form whose field is
 * named as the file, or the bytes as they are. There is no digest to check; what the archive says of
 * itself is held against the name.
 */

import { InvalidFilenameError } from "../../contracts/errors.ts";
import { parseFilename } from "../packages/names.ts";
import type { StagedUpload } from "../upload.ts";
import { may, type Visitor } from "./access.ts";
import { boundaryOf, type Part, readMultipart } from "./multipart.ts";
import type { Handler } from "./routes.ts";
import { admitted, readingBody, refused, stageFor, type UploadRouteParts } from "./upload_entry.ts";

/** The handler of files that are put. */
export function putFile(parts: UploadRouteParts): Handler {
  return (request, param) =>
    admitted(parts, request, {
      take: (visitor) => take(parts, request, { visitor, filename: param("filename") }),
      existsStatus: 409,
    });
}

async function take(
  parts: UploadRouteParts,
  request: Request,
  { visitor, filename }: { readonly visitor: Visitor; readonly filename: string },
): Promise<Response> {
  // What cannot be stored is not read.
  const parsed = parseFilename(filename);
  if (parsed === undefined) {
    throw new InvalidFilenameError(filename, "is no name of a wheel or source distribution");
  }
  const { project } = parsed;
  const stage: Stage = (bytes) => stageFor(parts, project, bytes);
  const upload = await staged(request, filename, stage);
  const claims = visitor.name === undefined ? { filename } : { filename, uploader: visitor.name };
  const mayWrite = (project: string): boolean => may(visitor, "write", project);
  const { maxUploadBytes: maxBytes } = parts;
  await parts.wheelhouse.publish(upload, claims, { mayWrite, maxBytes });
  return new Response("ok", {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

/** Takes bytes aside. */
type Stage = (bytes: ReadableStream<Uint8Array>) => Promise<StagedUpload>;

async function staged(
  { body, headers }: Request,
  filename: string,
  stage: Stage,
): Promise<StagedUpload> {
  if (body === null) throw refused("There is no file.");
  const type = headers.get("content-type") ?? "";
  if (!/^\s*multipart\//i.test(type)) return await readingBody(body, stage);
  const boundary = boundaryOf(type);
  if (boundary === undefined) throw refused("Expected a form of type multipart/form-data.");
  return await readingBody(
    body,
    (bytes) => stagedField(readMultipart(bytes, boundary), filename, stage),
  );
}

/** The field of a form that is named as the file. Others are passed over. */
async function stagedField(
  parts: AsyncIterable<Part>,
  filename: string,
  stage: Stage,
): Promise<StagedUpload> {
  let upload: StagedUpload | undefined;
  try {
    for await (const part of parts) {
      if (part.name !== filename) continue;
      if (upload !== undefined) throw refused("The form has more than one such file.");
      upload = await stage(part.body);
    }
  } catch (error) {
    await upload?.staged.discard();
    throw error;
  }
  if (upload === undefined) throw refused(`The form has no field "${filename}".`);
  return upload;
}
