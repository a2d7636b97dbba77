/** PyPICloud's way to have the index agree with the files in the store. */

import type { Wheelhouse } from "../wheelhouse.ts";
import { type Access, isProblem, refusalOf } from "./access.ts";
import { problemResponse } from "./errors.ts";
import { jsonResponse } from "./json_response.ts";
import type { Handler, Routes } from "./routes.ts";

/** What a rebuild is asked of. */
export interface RebuildParts {
  /** Has the index. */
  readonly wheelhouse: Wheelhouse;
  /** Knows the admins. */
  readonly access: Access;
}

/**
 * The route of rebuilds. It answers at once: the reload goes on in the background, and what becomes of
 * it is logged. A second one while it runs does nothing.
 */
export function rebuildRoutes({ wheelhouse, access }: RebuildParts): Routes {
  const rebuild: Handler = async (request) => {
    const visitor = await access.check(request, "update");
    if (isProblem(visitor)) return problemResponse(request, visitor);
    if (visitor.rights?.isAdmin(visitor.name) !== true) {
      const problem = { status: 403, message: "Only admins rebuild the index.", code: "forbidden" };
      return problemResponse(request, refusalOf(visitor, problem));
    }
    // A HEAD request promises to change nothing; PyPICloud's clients send GET.
    if (request.method !== "HEAD") wheelhouse.beginReload();
    const response = jsonResponse(request, visitor, { state: "started" });
    response.headers.set("cache-control", "no-store");
    return response;
  };
  const methods = { GET: rebuild, POST: rebuild };
  return { "/admin/rebuild": methods, "/admin/rebuild/": methods };
}
