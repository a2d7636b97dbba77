/** Whether the server can serve: for load balancers and for those who start it. */

import type { Log } from "../log.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { problemResponse } from "./errors.ts";
import type { Handler, Routes } from "./routes.ts";

/** The routes of the health check, and the way in for people. */
export function healthRoutes(wheelhouse: Wheelhouse, log: Log): Routes {
  const methods = { GET: healthOf(wheelhouse, log) };
  return {
    "/health": methods,
    "/-/ready": methods,
    "/": {
      GET: async () =>
        new Response(null, {
          status: 302,
          headers: { location: "simple/", "content-length": "0", "cache-control": "no-store" },
        }),
    },
  };
}

// The public learns which part fails; a store's own words may tell of addresses and accounts.
function healthOf(wheelhouse: Wheelhouse, log: Log): Handler {
  return async (request) => {
    const { isHealthy, part, reason } = await wheelhouse.checkHealth();
    if (!isHealthy) {
      log("error", `The ${part} does not answer: ${reason}`);
      const message = `The ${part} does not answer.`;
      return problemResponse(request, { status: 503, message, code: "health" });
    }
    return new Response(request.method === "HEAD" ? null : "Ok\n", {
      headers: {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "3",
        "cache-control": "no-store",
      },
    });
  };
}
