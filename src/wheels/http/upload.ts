/**
 * The upload protocol of twine and its kin: one form with a file, to which parts may come in any
 * order, so that the file is staged first and judged when all is known.
 */

import { CacheError, UploadRefusedError } from "../../contracts/errors.ts";
import { boundaryOf, type Part, readMultipart } from "./multipart.ts";
import { readAll } from "../upstream/read_all.ts";
import { reasonOf } from "../log.ts";
import type { StagedUpload, UploadClaims } from "../upload.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { type Access, isProblem } from "./access.ts";
import { problemResponse } from "./errors.ts";
import type { Handler, Routes } from "./routes.ts";

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
}

/** Room for everything in a form that is not the file. */
const MOST_FORM_BYTES = 4 * 1_048_576;

/** The fields that are read; what else a form has is ignored. */
const SINGLE_FIELDS: ReadonlySet<string> = new Set([
  ":action",
  "protocol_version",
  "filetype",
  "name",
  "version",
  "sha256_digest",
  "md5_digest",
  "blake2_256_digest",
]);

/** Actions of the protocol that were retired long ago. */
const RETIRED_ACTIONS: ReadonlySet<string> = new Set([
  "submit",
  "submit_pkg_info",
  "doc_upload",
  "remove_pkg",
]);

/** The routes of uploads. Both spellings are answered, because clients refuse redirects here. */
export function uploadRoutes(parts: UploadRouteParts): Routes {
  const methods = {
    POST: upload(parts),
    hint: "Uploads are POST requests; the index is /simple/.",
  };
  return { "/legacy": methods, "/legacy/": methods };
}

function upload(parts: UploadRouteParts): Handler {
  return async (request) => {
    const visitor = await parts.access.check(request, "update");
    if (isProblem(visitor)) return problemResponse(request, visitor);
    const lengthBytes = Number(request.headers.get("content-length") ?? 0);
    if (lengthBytes > parts.maxUploadBytes + MOST_FORM_BYTES) {
      const limit = Math.floor(parts.maxUploadBytes / 1_048_576);
      throw new UploadRefusedError("too-large", `File too large. The limit is ${limit} MB.`);
    }
    const form = new Form(parts);
    try {
      await form.read(request);
      const action = form.field(":action") ?? new URL(request.url).searchParams.get(":action");
      const problem = problemOfAction(action);
      if (problem !== undefined) return problemResponse(request, problem);
      await form.publish(visitor.name);
    } finally {
      await form.discard();
    }
    return okay(request);
  };
}

function problemOfAction(action: string | null): { status: number; message: string } | undefined {
  if (action === "file_upload") return undefined;
  if (action !== null && RETIRED_ACTIONS.has(action)) {
    return { status: 410, message: `The action "${action}" is retired; use "file_upload".` };
  }
  return { status: 400, message: 'Unknown action; expected "file_upload".' };
}

/** One form on its way in. */
class Form {
  readonly #parts: UploadRouteParts;
  readonly #fields = new Map<string, string>();
  #file: { readonly filename: string; readonly upload: StagedUpload } | undefined;

  constructor(parts: UploadRouteParts) {
    this.#parts = parts;
  }

  /** A field's value; the legacy value for "none" counts as none. */
  field(name: string): string | undefined {
    const value = this.#fields.get(name)?.trim();
    return value === "" || value === "UNKNOWN" ? undefined : value;
  }

  /** Reads the whole form. Throws `UploadRefusedError` where it is malformed. */
  async read(request: Request): Promise<void> {
    const boundary = boundaryOf(request.headers.get("content-type") ?? "");
    if (boundary === undefined || request.body === null) {
      throw refused("Expected a form of type multipart/form-data.");
    }
    const body = new WatchedBody(request.body);
    try {
      for await (const part of readMultipart(body.stream, boundary)) await this.#take(part);
    } catch (error) {
      if (error instanceof CacheError && !body.isBroken) throw error;
      const isFormError = error instanceof SyntaxError || error instanceof RangeError;
      if (isFormError || body.isBroken) throw refused(`Malformed form: ${reasonOf(error)}`);
      throw error;
    }
  }

  /** Publishes the file. Throws `UploadRefusedError` where the form lacks something. */
  async publish(uploader: string | undefined): Promise<void> {
    if (this.field("protocol_version") !== undefined && this.field("protocol_version") !== "1") {
      throw refused("Unknown protocol version.");
    }
    if (this.#file === undefined) throw refused("Upload payload does not have a file.");
    const claims = this.#claims(this.#file.filename, uploader);
    const hasDigest = claims.sha256 ?? claims.md5 ?? claims.blake2b;
    if (hasDigest === undefined && this.#parts.isDigestRequired) {
      throw refused("Include at least one message digest.");
    }
    await this.#parts.wheelhouse.publish(this.#file.upload, claims);
  }

  /** Drops a file that was not published. */
  async discard(): Promise<void> {
    await this.#file?.upload.staged.discard();
  }

  async #take(part: Part): Promise<void> {
    if (part.name === "content" && part.filename !== undefined) {
      if (this.#file !== undefined) throw refused("Upload payload has more than one file.");
      const upload = await this.#parts.wheelhouse.stage(part.body, this.#parts.maxUploadBytes);
      this.#file = { filename: part.filename, upload };
    } else if (SINGLE_FIELDS.has(part.name)) {
      if (this.#fields.has(part.name)) throw refused(`The field "${part.name}" is repeated.`);
      this.#fields.set(part.name, new TextDecoder().decode(await readAll(part.body)));
    }
  }

  #claims(filename: string, uploader: string | undefined): UploadClaims {
    const facts = {
      name: this.field("name"),
      version: this.field("version"),
      filetype: this.field("filetype"),
      sha256: this.field("sha256_digest"),
      md5: this.field("md5_digest"),
      blake2b: this.field("blake2_256_digest"),
      uploader,
    };
    const stated = Object.entries(facts).filter(([, fact]) => fact !== undefined);
    return { filename, ...Object.fromEntries(stated) };
  }
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

function refused(message: string): UploadRefusedError {
  return new UploadRefusedError("form", message);
}

function okay(request: Request): Response {
  const text = "OK\n";
  return new Response(request.method === "HEAD" ? null : text, {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}
