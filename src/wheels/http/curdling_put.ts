/**
 * How curdling's clients upload: `PUT` to the address that the file will have, as a form whose field is
 * named as the file, or the bytes as they are. There is no digest to check; what the archive says of
 * itself is held against the name.
 */

import { InvalidFilenameError } from "../../contracts/errors.ts";
import { parseFilename } from "../packages/names.ts";
import type { StagedUpload } from "../upload.ts";
import { may, type Visitor } from "./access.ts";
import { boundaryOf, readMultipart } from "./multipart.ts";
import type { Handler } from "./routes.ts";
import { admitted, readingBody, refused, type UploadRouteParts } from "./upload_entry.ts";

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
  if (parseFilename(filename) === undefined) {
    throw new InvalidFilenameError(filename, "is no name of a wheel or source distribution");
  }
  const upload = await staged(parts, request, filename);
  const claims = visitor.name === undefined ? { filename } : { filename, uploader: visitor.name };
  const mayWrite = (project: string): boolean => may(visitor, "write", project);
  await parts.wheelhouse.publish(upload, claims, { mayWrite });
  return new Response("ok", {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

async function staged(
  parts: UploadRouteParts,
  { body, headers }: Request,
  filename: string,
): Promise<StagedUpload> {
  if (body === null) throw refused("There is no file.");
  const { wheelhouse, maxUploadBytes } = parts;
  const type = headers.get("content-type") ?? "";
  if (!/^\s*multipart\//i.test(type)) {
    return await readingBody(body, (bytes) => wheelhouse.stage(bytes, maxUploadBytes));
  }
  const boundary = boundaryOf(type);
  if (boundary === undefined) throw refused("Expected a form of type multipart/form-data.");
  return await readingBody(body, (bytes) => stagedField(parts, bytes, { boundary, filename }));
}

/** The field of a form that is named as the file. Others are passed over. */
async function stagedField(
  { wheelhouse, maxUploadBytes }: UploadRouteParts,
  body: ReadableStream<Uint8Array>,
  { boundary, filename }: { readonly boundary: string; readonly filename: string },
): Promise<StagedUpload> {
  let upload: StagedUpload | undefined;
  try {
    for await (const part of readMultipart(body, boundary)) {
      if (part.name !== filename) continue;
      if (upload !== undefined) throw refused("The form has more than one such file.");
      upload = await wheelhouse.stage(part.body, maxUploadBytes);
    }
  } catch (error) {
    await upload?.staged.discard();
    throw error;
  }
  if (upload === undefined) throw refused(`The form has no field "${filename}".`);
  return upload;
}
