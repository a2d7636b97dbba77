/** Whether the server can serve: for load balancers and for those who start it. */

import type { Wheelhouse } from "../wheelhouse.ts";
import { problemResponse } from "./errors.ts";
import type { Routes } from "./routes.ts";

/** The route of the health check, and the way in for people. */
export function healthRoutes(wheelhouse: Wheelhouse): Routes {
  return {
    "/health": {
      GET: async (request) => {
        const { isHealthy, reason } = await wheelhouse.checkHealth();
        if (!isHealthy) {
          const message = `The index does not answer. ${reason}`;
          return problemResponse(request, { status: 503, message, code: "health" });
        }
        return new Response(request.method === "HEAD" ? null : "Ok\n", {
          headers: {
            "content-type": "text/plain; charset=utf-8",
            "content-length": "3",
            "cache-control": "no-store",
          },
        });
      },
    },
    "/": {
      GET: async () =>
        new Response(null, {
          status: 302,
          headers: { location: "simple/", "content-length": "0", "cache-control": "no-store" },
        }),
    },
  };
}
