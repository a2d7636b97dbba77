/** What all ways to upload have in common: who may, how much, and how refusals are told. */

import { CacheError, UploadRefusedError } from "../../contracts/errors.ts";
import { reasonOf } from "../log.ts";
import type { StagedUpload } from "../upload.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { type Access, isProblem, refusalOf, type Visitor } from "./access.ts";
import { type Problem, problemResponse } from "./errors.ts";

/** What uploads are answered from. */
export interface UploadRouteParts {
  /** Where uploads go. */
  readonly wheelhouse: Wheelhouse;
  /** Who may upload. */
  readonly access: Access;
  /** The largest file, in bytes. */
  readonly maxUploadBytes: number;
  /** Whether an upload without any digest is refused. */
  readonly isDigestRequired: boolean;
  /** The status where other bytes have the name. */
  readonly takenStatus: number;
}

/** What is done with an upload that may come in. */
export interface Intake {
  /** Takes it, and answers. */
  readonly take: (visitor: Visitor) => Promise<Response>;
  /** The status where other bytes have the name. Default: as the parts have it. */
  readonly existsStatus?: number;
}

/** Room for everything in a form that is not the file. */
const MOST_FORM_BYTES = 4 * 1_048_576;

const NOT_ALLOWED: Problem = Object.freeze({
  status: 403,
  message: "This user is not allowed to upload to any project.",
  code: "forbidden",
});

/** Answers an upload: lets it in, or says why not. */
export async function admitted(
  parts: UploadRouteParts,
  request: Request,
  { take, existsStatus: status = parts.takenStatus }: Intake,
): Promise<Response> {
  const visitor = await parts.access.check(request, "update");
  if (isProblem(visitor)) return problemResponse(request, visitor);
  // Nothing is read from someone whose uploads would all be refused.
  if (visitor.rights?.mayWriteSome(visitor.name) === false) {
    return problemResponse(request, refusalOf(visitor, NOT_ALLOWED));
  }
  checkLength(request, parts.wheelhouse.rules.mostUploadBytes(parts.maxUploadBytes));
  try {
    return await take(visitor);
  } catch (error) {
    const { code, message } = error as UploadRefusedError;
    if (error instanceof UploadRefusedError && code === "forbidden") {
      return problemResponse(request, refusalOf(visitor, { status: 403, message, code }));
    }
    if (error instanceof UploadRefusedError && (code === "exists" || code === "used")) {
      return problemResponse(request, { status, message, code });
    }
    throw error;
  }
}

/**
 * Takes a file aside: no more of it than its project may have, by its normalised name as far as that is
 * known by now, and nothing of it where the project is closed.
 */
export async function stageFor(
  { wheelhouse, maxUploadBytes: maxBytes }: UploadRouteParts,
  project: string | undefined,
  body: ReadableStream<Uint8Array>,
): Promise<StagedUpload> {
  const { rules } = wheelhouse;
  if (project === undefined) return await wheelhouse.stage(body, rules.mostUploadBytes(maxBytes));
  const { limitBytes, ...whose } = limitFor({ wheelhouse, maxUploadBytes: maxBytes }, project);
  return await wheelhouse.stage(body, limitBytes, whose);
}

/**
 * The most bytes of a file of a project, and the project where this is laid down for it. Throws an
 * `UploadRefusedError` where it is closed.
 */
export function limitFor(
  { wheelhouse: { rules }, maxUploadBytes }: Pick<
    UploadRouteParts,
    "wheelhouse" | "maxUploadBytes"
  >,
  project: string,
): { readonly limitBytes: number; readonly project?: string } {
  const closure = rules.closureOf(project);
  if (closure !== undefined) throw new UploadRefusedError("closed", `${closure}.`);
  const limitBytes = rules.maxUploadBytesOf(project, maxUploadBytes);
  return limitBytes === maxUploadBytes ? { limitBytes } : { limitBytes, project };
}

/** Reads a body. What is wrong with it, or that it broke off, is told to its sender. */
export async function readingBody<T>(
  body: ReadableStream<Uint8Array>,
  read: (body: ReadableStream<Uint8Array>) => Promise<T>,
): Promise<T> {
  const watched = new WatchedBody(body);
  try {
    return await read(watched.stream);
  } catch (error) {
    if (error instanceof CacheError && !watched.isBroken) throw error;
    const isFormError = error instanceof SyntaxError || error instanceof RangeError;
    if (isFormError || watched.isBroken) throw refused(`Malformed form: ${reasonOf(error)}`);
    throw error;
  }
}

/** The refusal of an upload that is not made as it must be. */
export function refused(message: string): UploadRefusedError {
  return new UploadRefusedError("form", message);
}

function checkLength(request: Request, maxUploadBytes: number): void {
  const lengthBytes = Number(request.headers.get("content-length") ?? 0);
  if (lengthBytes <= maxUploadBytes + MOST_FORM_BYTES) return;
  const limit = Math.floor(maxUploadBytes / 1_048_576);
  throw new UploadRefusedError("too-large", `File too large. The limit is ${limit} MB.`);
}

/** Tells a body that broke off from a store that failed. */
class WatchedBody {
  readonly stream: ReadableStream<Uint8Array>;
  isBroken = false;

  constructor(body: ReadableStream<Uint8Array>) {
    const reader = body.getReader();
    this.stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { value } = await reader.read();
          if (value === undefined) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          this.isBroken = true;
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }
}
