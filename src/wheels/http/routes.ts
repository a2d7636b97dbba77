/** Routes as data: paths, methods and handlers, apart from the router that finds them. */

import { problemResponse } from "./errors.ts";

/** Answers a request. `param` gives the decoded value of a variable part of the path. */
export type Handler = (request: Request, param: (name: string) => string) => Promise<Response>;

/** The handlers of one path. HEAD is answered by `GET`, which sends no body then. */
export interface Methods {
  /** Reads. */
  readonly GET?: Handler;
  /** Uploads. */
  readonly POST?: Handler;
  /** Uploads to this very address. */
  readonly PUT?: Handler;
  /** Deletes. */
  readonly DELETE?: Handler;
  /** What the message of a 405 adds. */
  readonly hint?: string;
}

/** Handlers by path; `:name` stands for a variable part. */
export type Routes = Readonly<Record<string, Methods>>;

const CORS_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "ETag, X-PyPI-Last-Serial",
});

const LONGEST_PATH = 2_048;
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const REFUSED_IN_SEGMENT = /[\u0000-\u001f\u007f-\u009f\\/]|^\.{1,2}$/;

/** Answers a request at a known path by its method. */
export async function dispatch(
  request: Request,
  methods: Methods,
  param: (name: string) => string,
): Promise<Response> {
  const { method } = request;
  if (method === "OPTIONS") return preflight(methods);
  const handler = handlerFor(method, methods);
  if (handler !== undefined) return await handler(request, param);
  const hint = methods.hint === undefined ? "" : ` ${methods.hint}`;
  return problemResponse(request, {
    status: 405,
    message: `Method not allowed.${hint}`,
    code: "method",
    headers: { allow: allowed(methods) },
  });
}

function handlerFor(method: string, methods: Methods): Handler | undefined {
  switch (method) {
    case "GET":
    case "HEAD":
      return methods.GET;
    case "POST":
      return methods.POST;
    case "PUT":
      return methods.PUT;
    case "DELETE":
      return methods.DELETE;
    default:
      return undefined;
  }
}

/**
 * Lets scripts of other origins read the answer to a reading request, whatever it is: they follow no
 * redirect and see no refusal that does not say so.
 */
export function shared(request: Request, response: Response): Response {
  if (request.method !== "GET" && request.method !== "HEAD") return response;
  for (const [name, value] of Object.entries(CORS_HEADERS)) response.headers.set(name, value);
  return response;
}

/** Why a path is refused, before anything looks for it; `undefined` for a sound one. */
export function pathProblem(pathname: string): { status: number; message: string } | undefined {
  if (pathname.length > LONGEST_PATH) return { status: 414, message: "The path is too long." };
  const segments = pathname.slice(1).split("/");
  if (segments.at(-1) === "") segments.pop();
  const isSound = segments.every((segment) => {
    const decoded = decodeSegment(segment);
    return decoded !== undefined && decoded !== "" && !REFUSED_IN_SEGMENT.test(decoded);
  });
  return isSound ? undefined : { status: 400, message: "The path is malformed." };
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not UTF-8, or a stray percent sign.
    return undefined;
  }
}

function preflight(methods: Methods): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...CORS_HEADERS,
      "access-control-allow-methods": allowed(methods),
      "access-control-allow-headers": "Accept, Authorization, Content-Type, If-None-Match, Range",
      "access-control-max-age": "86400",
      allow: allowed(methods),
      "cache-control": "public, max-age=86400",
    },
  });
}

function allowed(methods: Methods): string {
  const names = methods.GET === undefined ? [] : ["GET", "HEAD"];
  if (methods.POST !== undefined) names.push("POST");
  if (methods.PUT !== undefined) names.push("PUT");
  if (methods.DELETE !== undefined) names.push("DELETE");
  return [...names, "OPTIONS"].join(", ");
}
