/** The provenance of files (PEP 740): the document that pages and clients find attestations in. */

import { normalizeName } from "../packages/names.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { type Access, cacheControl, isProblem, may, mayFill, type Visitor } from "./access.ts";
import { problemResponse } from "./errors.ts";
import { admitsType } from "./negotiation.ts";
import type { Routes } from "./routes.ts";

/** What provenance is answered from. */
export interface IntegrityParts {
  /** Where it lies. */
  readonly wheelhouse: Wheelhouse;
  /** Who may see it. */
  readonly access: Access;
}

const TYPE = "application/vnd.pypi.integrity.v1+json";

/** The route of provenance, by project, version and file. */
export function integrityRoutes({ wheelhouse, access }: IntegrityParts): Routes {
  return {
    "/integrity/:project/:version/:filename/provenance": {
      GET: async (request, param) => {
        const visitor = await access.check(request, "download");
        if (isProblem(visitor)) return problemResponse(request, visitor);
        const [project, filename] = [normalizeName(param("project")), param("filename")];
        const record = await wheelhouse.index.fetch(filename);
        const isAsked = record?.project === project && record.version === param("version");
        const reach = {
          mayRead: (name: string) => may(visitor, "read", name),
          mayFill: mayFill(visitor),
        };
        const found = isAsked ? await wheelhouse.provenance({ filename }, reach) : undefined;
        return provenanceResponse({ request, visitor }, found);
      },
    },
  };
}

/** The answer to a request for provenance. */
export function provenanceResponse(
  { request, visitor }: { readonly request: Request; readonly visitor: Visitor },
  bytes: Uint8Array<ArrayBuffer> | undefined,
): Response {
  if (!admitsType(request.headers.get("accept"), TYPE)) {
    return problemResponse(request, {
      status: 406,
      message: `No acceptable representation. Supported: ${TYPE}`,
      code: "representation",
      headers: { vary: "Accept" },
    });
  }
  if (bytes === undefined) {
    const message = "There is no provenance of this file.";
    return problemResponse(request, { status: 404, message, code: "provenance" });
  }
  return new Response(request.method === "HEAD" ? null : bytes, {
    headers: {
      "content-type": TYPE,
      "content-length": String(bytes.byteLength),
      "cache-control": cacheControl({ name: visitor.name }, "max-age=600, no-transform"),
      "x-content-type-options": "nosniff",
      vary: "Accept",
    },
  });
}
