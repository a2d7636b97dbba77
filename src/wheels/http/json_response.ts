/** Answers of plain JSON, made for one visitor. */

import { cacheControl, type Visitor } from "./access.ts";

/** A value as JSON, which only its reader may keep, and asks for again each time. */
export function jsonResponse(request: Request, visitor: Visitor, value: unknown): Response {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  const isRead = request.method === "GET" || request.method === "HEAD";
  return new Response(request.method === "HEAD" ? null : bytes, {
    headers: {
      "content-type": "application/json",
      "content-length": String(bytes.byteLength),
      "cache-control": isRead ? cacheControl(visitor, "max-age=0") : "no-store",
    },
  });
}
