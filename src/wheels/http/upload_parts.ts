/**
 * Uploads in parts, for files that are larger than what a proxy lets through in one request:
 * 1. `POST /upload/reserve` with the file's name, digest and length as JSON tells where the parts go,
 *    and how long they are; or that the file is there.
 * 2. `PUT /upload/ID?part=N`, counted from 1, in any order, as often as it takes.
 * 3. `POST /upload/ID/finalize` with the form of an upload, but for the file, has the parts joined,
 *    judged and published, and answers as an upload does. A missing part is named and may be put then;
 *    after any other refusal of the joined file, and after a success, the parts are gone.
 *
 * `DELETE /upload/ID` drops it. Whoever has lost the answer to the last step reserves the file again,
 * and learns that it is there.
 */

import { projectCandidates } from "../packages/names.ts";
import { MOST_PARTS, partsOf, type PromisedFile, type Reservation } from "../reservations.ts";
import { alreadyExists, checkDigests, checkName, checkRight, tooLarge } from "../upload_checks.ts";
import type { StagedUpload } from "../upload.ts";
import { may, type Visitor } from "./access.ts";
import { problemOf, problemResponse } from "./errors.ts";
import { publicAddress } from "./public_address.ts";
import type { Handler, Routes } from "./routes.ts";
import { takeForm } from "./upload.ts";
import { admitted, limitFor, readingBody, refused, type UploadRouteParts } from "./upload_entry.ts";

/** What uploads in parts are answered from. */
export interface PartRouteParts extends UploadRouteParts {
  /** The length of every part but the last, in bytes. */
  readonly partBytes: number;
  /** Whether a proxy's word counts on the address that clients use. */
  readonly isProxied: boolean;
}

/** A name of 255 characters, each of them escaped, and all the rest. */
const MOST_PROMISE_BYTES = 4_096;

const NO_SUCH_UPLOAD = Object.freeze({
  status: 404,
  message: "There is no such upload; it may have been finalized, deleted, or too old.",
  code: "upload",
});

/** The routes of uploads in parts. */
export function partRoutes(parts: PartRouteParts): Routes {
  return {
    "/upload/reserve": { POST: (request) => reserve(parts, request) },
    "/upload/:id": { PUT: owned(parts, putPart), DELETE: owned(parts, drop) },
    "/upload/:id/finalize": { POST: owned(parts, finalize) },
  };
}

/** What is asked of an upload that is the visitor's. */
interface Asked {
  readonly visitor: Visitor;
  readonly reservation: Reservation;
}

function owned(
  parts: PartRouteParts,
  answer: (parts: PartRouteParts, request: Request, asked: Asked) => Promise<Response>,
): Handler {
  return (request, param) =>
    admitted(parts, request, {
      take: async (visitor) => {
        const reservation = await parts.wheelhouse.reservations.find(visitor.name, param("id"));
        if (reservation === undefined) return problemResponse(request, NO_SUCH_UPLOAD);
        return await answer(parts, request, { visitor, reservation });
      },
    });
}

function reserve(parts: PartRouteParts, request: Request): Promise<Response> {
  return admitted(parts, request, {
    take: async (visitor) => {
      const promised = { ...await promiseIn(request), partBytes: parts.partBytes };
      const isThere = await judgePromise(parts, visitor, promised);
      const { filename, sha256, sizeBytes } = promised;
      if (isThere) return json(200, { filename, sha256, size: sizeBytes });
      const { reservations } = parts.wheelhouse;
      const { id, partBytes } = await reservations.reserve(visitor.name, promised);
      return json(201, {
        id,
        upload_url: `${publicAddress(request, parts)}/upload/${id}`,
        headers: { "content-type": "application/octet-stream" },
        part_size: partBytes,
        parts: partsOf(promised),
      });
    },
  });
}

/** Answers whether the file is there. Refuses what would be refused when all parts have come. */
async function judgePromise(
  parts: PartRouteParts,
  visitor: Visitor,
  { filename, sha256, sizeBytes, partBytes }: PromisedFile,
): Promise<boolean> {
  const claims = { filename, ...visitor.name === undefined ? {} : { uploader: visitor.name } };
  checkName(claims);
  const mayWrite = (project: string): boolean => may(visitor, "write", project);
  const candidates = projectCandidates(filename);
  const project = candidates.find(mayWrite) ?? candidates[0]!;
  checkRight(project, claims, mayWrite);
  const known = await parts.wheelhouse.index.fetch(filename);
  if (known !== undefined) {
    checkRight(known.project, claims, mayWrite);
    if (known.sha256 !== sha256) throw alreadyExists(filename, known.blake2b);
    if (known.upstream === undefined) return true;
  }
  const { limitBytes, ...whose } = limitFor(parts, project);
  if (sizeBytes > limitBytes) throw tooLarge(limitBytes, whose.project);
  if (sizeBytes > MOST_PARTS * partBytes) throw tooLarge(MOST_PARTS * partBytes);
  return false;
}

async function promiseIn({ body }: Request): Promise<Omit<PromisedFile, "partBytes">> {
  if (body === null) throw refused("Expected the file's name, digest and length as JSON.");
  const stated = await readingBody(body, async (bytes) => objectIn(await textOf(bytes)));
  const { filename, sha256, size: sizeBytes } = stated;
  if (typeof filename !== "string") throw refused('Expected "filename" to be a name.');
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw refused('Expected "sha256" to be 64 hexadecimal digits.');
  }
  if (typeof sizeBytes !== "number" || !Number.isSafeInteger(sizeBytes) || sizeBytes < 1) {
    throw refused('Expected "size" to be a number of bytes.');
  }
  return { filename, sha256: sha256.toLowerCase(), sizeBytes };
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_PROMISE_BYTES) throw refused("That is too long for a reservation.");
  }
  return text + decoder.decode();
}

async function putPart(
  { wheelhouse }: PartRouteParts,
  request: Request,
  { reservation }: Asked,
): Promise<Response> {
  const stated = new URL(request.url).searchParams.get("part") ?? "";
  const part = /^\d{1,5}$/.test(stated) ? Number(stated) : 0;
  const { body } = request;
  if (body === null) throw refused("There is no part.");
  const isTaken = await readingBody(
    body,
    (bytes) => wheelhouse.reservations.put(reservation, part, bytes),
  );
  return isTaken ? nothing() : problemResponse(request, NO_SUCH_UPLOAD);
}

async function drop(
  { wheelhouse }: PartRouteParts,
  _request: Request,
  { reservation }: Asked,
): Promise<Response> {
  await wheelhouse.reservations.drop(reservation);
  return nothing();
}

async function finalize(
  parts: PartRouteParts,
  request: Request,
  { visitor, reservation }: Asked,
): Promise<Response> {
  const { reservations } = parts.wheelhouse;
  const { filename } = reservation;
  let isWhole = false;
  const stored = async (): Promise<StagedUpload> => {
    const body = await reservations.open(reservation);
    isWhole = true;
    return await joinedUpload(parts, reservation, body);
  };
  const style = { action: "file_upload", claims: { filename }, isDigestRequired: false, stored };
  try {
    const response = await takeForm({ ...parts, style }, request, visitor);
    if (response.ok) await reservations.end(reservation);
    return response;
  } catch (error) {
    // A store that failed may be there again when this is asked again.
    const { status } = problemOf(error) ?? { status: 500 };
    if (isWhole && status < 500) await reservations.end(reservation);
    throw error;
  }
}

async function joinedUpload(
  { wheelhouse }: PartRouteParts,
  { filename, sha256, sizeBytes }: Reservation,
  body: ReadableStream<Uint8Array>,
): Promise<StagedUpload> {
  const upload = await wheelhouse.stage(body, sizeBytes);
  try {
    checkDigests({ filename, sha256 }, upload.digests);
    return upload;
  } catch (error) {
    await upload.staged.discard();
    throw error;
  }
}

function json(status: number, value: unknown): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

function nothing(): Response {
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
}
