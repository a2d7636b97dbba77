/** The wheel cache as a fetch handler, the same on every platform. */

import { Hono } from "hono";

import { type Clock, systemClock } from "../../contracts/clock.ts";
import { type Log, noLog, reasonOf } from "../log.ts";
import type { Form } from "../pages/page.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { Access, type AccessOptions } from "./access.ts";
import { asOfRoutes } from "./as_of.ts";
import { withCurdling } from "./curdling.ts";
import { answering, problemResponse } from "./errors.ts";
import { type BodyOfLength, fileRoutes } from "./files.ts";
import { healthRoutes } from "./health.ts";
import { withPypicloud } from "./pypicloud.ts";
import { integrityRoutes } from "./integrity.ts";
import { metricRoutes } from "./metrics.ts";
import { dispatch, pathProblem, type Routes, shared } from "./routes.ts";
import { simpleRoutes } from "./simple.ts";
import { uploadRoutes } from "./upload.ts";
import { partRoutes } from "./upload_parts.ts";
import type { UploadOptions } from "./upload_options.ts";

/** What an app is made of. */
export interface AppOptions {
  /** The wheel cache. */
  readonly wheelhouse: Wheelhouse;
  /** Who may do what. Default: everyone reads, nobody uploads. */
  readonly access?: AccessOptions;
  /** Dates answers. Default: the platform's clock. */
  readonly clock?: Clock;
  /** Told of every request and of what went wrong. Default: nobody. */
  readonly log?: Log;
  /** Makes bodies of known length. Default: as they are, their length in a header. */
  readonly bodyOfLength?: BodyOfLength;
  /** The form of pages for clients that do not care. Default `"html"`. */
  readonly preferredForm?: Form;
  /** How uploads are taken. Default: as {@linkcode UploadOptions} says. */
  readonly uploads?: UploadOptions;
  /**
   * Whether a proxy stands in front whose word counts on the address that clients use
   * (`X-Forwarded-Host`, `-Proto`, `-Prefix`). Default `false`.
   */
  readonly isProxied?: boolean;
}

/** A fetch handler. */
export interface App {
  /** Answers a request. Never rejects. */
  fetch(request: Request): Promise<Response>;
  /** The paths it knows. */
  readonly paths: readonly string[];
}

/**
 * Makes an app. Throws a `TypeError` where its options contradict each other, and a `RangeError`
 * for a length of parts that makes no sense.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { makeRegion } from "@cairn/cache";
 * import { memoryIndex } from "@cairn/cache/index-memory";
 * import { memoryFiles } from "@cairn/cache/memory-files";
 * import { createApp, Wheelhouse } from "@cairn/cache/wheels";
 *
 * const wheelhouse = new Wheelhouse({
 *   index: memoryIndex(),
 *   files: memoryFiles(),
 *   pages: makeRegion(),
 * });
 * const app = createApp({ wheelhouse });
 * const response = await app.fetch(new Request("https://wheels.example/simple/"));
 * assert.equal(response.status, 200);
 * assert.match(await response.text(), /<title>Simple index<\/title>/);
 * ```
 */
export function createApp(options: AppOptions): App {
  const { clock = systemClock, log = noLog } = options;
  const routes = routesOf(options);
  const router = routerOf(routes);
  return {
    paths: Object.freeze(Object.keys(routes)),
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const response = await answering(
        request,
        async () => {
          const problem = pathProblem(pathname);
          return problem ? problemResponse(request, problem) : await router.fetch(request);
        },
        (error) => log("error", `Cannot answer ${request.method} ${pathname}: ${reasonOf(error)}`),
      );
      response.headers.set("date", new Date(clock.now()).toUTCString());
      const { status } = response;
      const facts = status < 400 ? {} : { reason: response.statusText };
      log("info", `${request.method} ${pathname} ${status}`, facts);
      return shared(request, response);
    },
  };
}

function routesOf(options: AppOptions): Routes {
  const { wheelhouse, clock = systemClock, log = noLog, preferredForm = "html" } = options;
  const access = new Access(options.access ?? {}, { clock, log });
  const bodyOfLength = options.bodyOfLength ?? ((body) => body);
  const uploads = options.uploads ?? {};
  const { maxBytes = 1_073_741_824, isDigestRequired = true, takenStatus = 400 } = uploads;
  const parts = {
    ...{ wheelhouse, access, clock, preferredForm, bodyOfLength },
    ...{ maxUploadBytes: maxBytes, isDigestRequired, takenStatus },
    partBytes: checkedPartBytes(uploads),
    isProxied: options.isProxied ?? false,
  };
  const routes = {
    ...simpleRoutes(parts),
    ...asOfRoutes(parts),
    ...fileRoutes(parts),
    ...integrityRoutes(parts),
    ...uploadRoutes(parts),
    ...partRoutes(parts),
    ...healthRoutes(wheelhouse, log),
    ...metricRoutes(parts),
  };
  return withCurdling(access.hasRights ? withPypicloud(routes, parts) : routes, parts);
}

function checkedPartBytes({ partBytes = 8_388_608 }: UploadOptions): number {
  if (Number.isInteger(partBytes) && partBytes >= 1 && partBytes <= 67_108_864) return partBytes;
  throw new RangeError(`Cannot make an app: "partBytes" is ${partBytes}, not 1 to 67,108,864`);
}

function routerOf(routes: Routes): Hono {
  // The path is matched as it was sent and its parts are decoded once, by the router.
  const router = new Hono({ getPath: (request) => new URL(request.url).pathname });
  for (const [path, methods] of Object.entries(routes)) {
    router.all(
      path,
      (context) => dispatch(context.req.raw, methods, (name) => context.req.param(name) ?? ""),
    );
  }
  router.notFound((context) =>
    problemResponse(context.req.raw, { status: 404, message: "There is nothing here." })
  );
  router.onError((error) => {
    throw error;
  });
  return router;
}
