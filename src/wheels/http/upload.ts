/**
 * The upload protocol of twine and its kin: one form with a file, to which parts may come in any
 * order, so that the file is staged first and judged when all is known.
 */

import type { PackageFile } from "../../contracts/index_cache.ts";
import { boundaryOf, type Part, readMultipart } from "./multipart.ts";
import { normalizeName, parseFilename } from "../packages/names.ts";
import { readAll } from "../upstream/read_all.ts";
import type { StagedUpload, UploadClaims } from "../upload.ts";
import { may, type Visitor } from "./access.ts";
import { problemResponse } from "./errors.ts";
import type { Routes } from "./routes.ts";
import { admitted, readingBody, refused, stageFor, type UploadRouteParts } from "./upload_entry.ts";

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
  "attestations",
]);

/** Actions of the protocol that were retired long ago. */
const RETIRED_ACTIONS: ReadonlySet<string> = new Set([
  "submit",
  "submit_pkg_info",
  "doc_upload",
  "remove_pkg",
]);

/** What a route of uploads makes of a form. */
export interface UploadStyle {
  /** The action of a form that names none. Default: none, and then it must. */
  readonly action?: string;
  /** What the path says of the file. Default: nothing. */
  readonly claims?: Pick<UploadClaims, "name"> & { readonly filename?: string };
  /** Whether an upload without any digest is refused. Default: as the parts have it. */
  readonly isDigestRequired?: boolean;
  /** The status where other bytes have the name. Default: as the parts have it. */
  readonly existsStatus?: number;
  /** Takes aside a file that came another way than in the form. Default: it is in the form. */
  readonly stored?: () => Promise<StagedUpload>;
  /** The answer to an upload that is there now. Default: `OK`. */
  readonly answer?: (request: Request, record: PackageFile) => Response;
}

/** The routes of uploads. Both spellings are answered, because clients refuse redirects here. */
export function uploadRoutes(parts: UploadRouteParts): Routes {
  const methods = {
    POST: (request: Request) => upload(parts, request),
    hint: "Uploads are POST requests; the index is /simple/.",
  };
  return { "/legacy": methods, "/legacy/": methods };
}

/** Answers an upload. */
export function upload(
  parts: UploadRouteParts,
  request: Request,
  style: UploadStyle = {},
): Promise<Response> {
  const { existsStatus } = style;
  return admitted(parts, request, {
    take: (visitor) => takeForm({ ...parts, style }, request, visitor),
    ...(existsStatus === undefined ? {} : { existsStatus }),
  });
}

/** Takes the form of an upload, and answers. */
export async function takeForm(
  parts: FormParts,
  request: Request,
  visitor: Visitor,
): Promise<Response> {
  const { style } = parts;
  const form = new Form(parts);
  try {
    await form.read(request);
    const stated = form.field(":action") ?? new URL(request.url).searchParams.get(":action");
    const problem = problemOfAction(stated ?? style.action ?? null);
    if (problem !== undefined) return problemResponse(request, problem);
    const record = await form.publish(visitor);
    return (style.answer ?? okay)(request, record);
  } finally {
    await form.discard();
  }
}

function problemOfAction(action: string | null): { status: number; message: string } | undefined {
  if (action === "file_upload") return undefined;
  if (action !== null && RETIRED_ACTIONS.has(action)) {
    return { status: 410, message: `The action "${action}" is retired; use "file_upload".` };
  }
  return { status: 400, message: 'Unknown action; expected "file_upload".' };
}

/** What a form is taken with. */
export interface FormParts extends UploadRouteParts {
  /** What is made of it. */
  readonly style: UploadStyle;
}

/** One form on its way in. */
class Form {
  readonly #parts: FormParts;
  readonly #fields = new Map<string, string>();
  #file: { readonly filename: string; readonly upload: StagedUpload } | undefined;

  constructor(parts: FormParts) {
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
    await readingBody(request.body, async (body) => {
      for await (const part of readMultipart(body, boundary)) await this.#take(part);
    });
  }

  /** Publishes the file. Throws `UploadRefusedError` where the form lacks something. */
  async publish(visitor: Visitor): Promise<PackageFile> {
    const { wheelhouse, style, maxUploadBytes: maxBytes } = this.#parts;
    if (this.field("protocol_version") !== undefined && this.field("protocol_version") !== "1") {
      throw refused("Unknown protocol version.");
    }
    if (this.#file === undefined && style.stored === undefined) {
      throw refused("Upload payload does not have a file.");
    }
    const filename = style.claims?.filename ?? this.#file?.filename ?? "";
    const claims = this.#claims(filename, visitor.name);
    const hasDigest = claims.sha256 ?? claims.md5 ?? claims.blake2b;
    if (hasDigest === undefined && (style.isDigestRequired ?? this.#parts.isDigestRequired)) {
      throw refused("Include at least one message digest.");
    }
    const mayWrite = (project: string): boolean => may(visitor, "write", project);
    this.#file ??= { filename, upload: await style.stored!() };
    const { record } = await wheelhouse.publish(this.#file.upload, claims, { mayWrite, maxBytes });
    return record;
  }

  /** Drops a file that was not published. */
  async discard(): Promise<void> {
    await this.#file?.upload.staged.discard();
  }

  async #take(part: Part): Promise<void> {
    if (part.name === "content" && part.filename !== undefined) {
      if (this.#file !== undefined || this.#parts.style.stored !== undefined) {
        throw refused("Upload payload has more than one file.");
      }
      this.#file = { filename: part.filename, upload: await this.#stage(part, part.filename) };
    } else if (SINGLE_FIELDS.has(part.name)) {
      if (this.#fields.has(part.name)) throw refused(`The field "${part.name}" is repeated.`);
      this.#fields.set(part.name, new TextDecoder().decode(await readAll(part.body)));
    }
  }

  /** Takes the file aside: no more of it than its project may have, as far as that is known by now. */
  async #stage({ body }: Part, filename: string): Promise<StagedUpload> {
    const stated = this.#parts.style.claims?.name ?? this.field("name");
    const name = stated ?? parseFilename(filename)?.project;
    return await stageFor(this.#parts, name === undefined ? undefined : normalizeName(name), body);
  }

  #claims(filename: string, uploader: string | undefined): UploadClaims {
    const facts = {
      name: this.#parts.style.claims?.name ?? this.field("name"),
      version: this.field("version"),
      filetype: this.field("filetype"),
      sha256: this.field("sha256_digest"),
      md5: this.field("md5_digest"),
      blake2b: this.field("blake2_256_digest"),
      attestations: this.field("attestations"),
      uploader,
    };
    const stated = Object.entries(facts).filter(([, fact]) => fact !== undefined);
    return { filename, ...Object.fromEntries(stated) };
  }
}

function okay(request: Request): Response {
  const text = "OK\n";
  return new Response(request.method === "HEAD" ? null : text, {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}
