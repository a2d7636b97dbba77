/** Sending a page: its stored bytes untouched, or the news that the client has them already. */

import type { Encoding, Page } from "../pages/page.ts";
import { cacheControl, type Visitor } from "./access.ts";
import { judge } from "./conditional.ts";
import { problemResponse } from "./errors.ts";
import { type Representation, takesGzip } from "./negotiation.ts";

/** A page and how it is sent. */
export interface SentPage {
  /** The bytes. */
  readonly page: Page;
  /** Under which media type. */
  readonly representation: Representation;
  /** How they are packed. */
  readonly encoding: Encoding;
  /** Who gets them. */
  readonly visitor: Visitor;
  /** How old a stale page is, in milliseconds. */
  readonly ageMs?: number;
}

const PAGE_CACHING = "max-age=600, stale-while-revalidate=300, stale-if-error=86400, no-transform";

// uv believes a page for as long as it may, and would not see an upload for all that time. To ask
// again costs no more than a 304.
const OWN_PAGE_CACHING = "max-age=0, stale-if-error=86400, no-transform";

/** How to pack a page for a client. */
export function encodingFor(request: Request): Encoding {
  // On Workers the header is the edge's own; what the client takes stands beside the request.
  const { cf } = request as { cf?: { clientAcceptEncoding?: string } };
  const accepted = cf?.clientAcceptEncoding ?? request.headers.get("accept-encoding");
  return takesGzip(accepted) ? "gzip" : "identity";
}

/** The answer to a GET or HEAD request for a page. */
export function pageResponse(request: Request, sent: SentPage): Response {
  const { page, representation, encoding } = sent;
  // The same bytes under another media type are another representation, with a tag of its own.
  const etag = `"${page.digest}-${representation.tag}"`;
  const headers = headersOf(sent, etag);
  const verdict = judge(request.headers, { etag });
  if (verdict === "precondition failed") {
    return problemResponse(request, { status: 412, message: "The page has changed." });
  }
  if (verdict === "not modified") return new Response(null, { status: 304, headers });
  headers["content-type"] = representation.contentType;
  headers["content-length"] = String(page.body.byteLength);
  if (encoding === "gzip") headers["content-encoding"] = "gzip";
  return new Response(request.method === "HEAD" ? null : page.body, asPacked(headers));
}

function headersOf({ page, visitor, ageMs }: SentPage, etag: string): Record<string, string> {
  return {
    etag,
    vary: "Accept, Accept-Encoding",
    "cache-control": cacheControl(visitor, page.isOwn ? OWN_PAGE_CACHING : PAGE_CACHING),
    ...(page.serial > 0 ? { "x-pypi-last-serial": String(page.serial) } : {}),
    ...(ageMs === undefined ? {} : { age: String(Math.floor(ageMs / 1_000)) }),
  };
}

// Workers pack bodies themselves unless told that it has been done; others ignore the word.
function asPacked(headers: Record<string, string>): ResponseInit {
  const init: ResponseInit & { encodeBody: string } = { headers, encodeBody: "manual" };
  return init;
}
