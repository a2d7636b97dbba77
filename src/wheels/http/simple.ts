/** The simple index (PEP 503, PEP 691). */

import type { Clock } from "../../contracts/clock.ts";
import { isProjectName, normalizeName } from "../packages/names.ts";
import type { Form, Variant } from "../pages/page.ts";
import type { PageAnswer } from "../pages/pages.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import {
  type Access,
  cacheControl,
  isProblem,
  may,
  mayFill,
  refusalOf,
  type Visitor,
} from "./access.ts";
import { type Problem, problemResponse } from "./errors.ts";
import { elsewhere, sentElsewhere } from "./fallback.ts";
import { negotiate, type Representation, SUPPORTED_TYPES } from "./negotiation.ts";
import { encodingFor, pageResponse } from "./page_response.ts";
import type { Handler, Routes } from "./routes.ts";

/** What the pages are answered from. */
export interface SimpleParts {
  /** Where pages come from. */
  readonly wheelhouse: Wheelhouse;
  /** Who may see them. */
  readonly access: Access;
  /** For the age of stale pages. */
  readonly clock: Clock;
  /** What clients get that do not care. */
  readonly preferredForm: Form;
}

/** A request for a page by someone. */
export interface Reading {
  /** Asks for it. */
  readonly request: Request;
  /** Who asks. */
  readonly visitor: Visitor;
  /** The project's name as the path has it. */
  readonly name: string;
}

const HINT = "This is the simple index; uploads go to /legacy/.";

/** The routes of the simple index, below `/simple/` or, for clients of old, another place. */
export function simpleRoutes(parts: SimpleParts, mount = "simple"): Routes {
  const path = (handle: (reading: Reading) => Promise<Response>) => ({
    GET: reading(parts.access, handle),
    hint: HINT,
  });
  return {
    [`/${mount}`]: path(async (reading) => redirect(reading, `${mount}/`)),
    [`/${mount}/`]: path((reading) => listPage(parts, reading)),
    [`/${mount}/:project`]: path(async (reading) =>
      absence(reading) ?? redirect(reading, `${normalizeName(reading.name)}/`)
    ),
    [`/${mount}/:project/`]: path(async (reading) =>
      absence(reading) ?? redirectToNormalized(reading) ?? await project(parts, reading)
    ),
  };
}

/** Handles requests for pages of those who may come in. */
export function reading(access: Access, handle: (reading: Reading) => Promise<Response>): Handler {
  return async (request, param) => {
    const visitor = await access.check(request, "list");
    if (isProblem(visitor)) return problemResponse(request, visitor);
    return await handle({ request, visitor, name: param("project") });
  };
}

/** The page that lists the projects that a visitor may see. */
export async function listPage(
  parts: SimpleParts,
  { request, visitor }: Reading,
): Promise<Response> {
  const representation = representationOf(parts, request);
  if (representation === undefined) return notAcceptable(request);
  const encoding = encodingFor(request);
  const variant = { form: representation.form, encoding };
  const { name, rights } = visitor;
  const page = rights === undefined || rights.mayReadAll(name)
    ? await parts.wheelhouse.list(variant)
    : await parts.wheelhouse.listOf((project) => rights.may(name, "read", project), variant);
  return pageResponse(request, { page, representation, encoding, visitor });
}

/** The page of a project by its normalised name as it is for a visitor, if there is one. */
export async function pageFor(
  { wheelhouse }: SimpleParts,
  { visitor, name }: Reading,
  variant: Variant,
): Promise<PageAnswer | undefined> {
  if (!may(visitor, "read", name)) return undefined;
  if (mayFill(visitor)) return await wheelhouse.page(name, variant);
  if (visitor.name === undefined && await isMixed(wheelhouse, name)) return undefined;
  return await wheelhouse.heldPage(name, variant);
}

/**
 * Whether a project has files of ours and may have the upstream's, so that whoever gives a password
 * gets more. Installers that once got a page without one would never give it.
 */
async function isMixed({ index, isReadThrough }: Wheelhouse, project: string): Promise<boolean> {
  if (!isReadThrough) return false;
  const { files, isClaimed } = await index.all(project);
  return !isClaimed && files.some(({ upstream }) => upstream === undefined);
}

async function project(parts: SimpleParts, reading: Reading): Promise<Response> {
  const { request, visitor } = reading;
  const representation = representationOf(parts, request);
  if (representation === undefined) return notAcceptable(request);
  const encoding = encodingFor(request);
  const found = await pageFor(parts, reading, { form: representation.form, encoding });
  if (found === undefined) return await absent(parts, reading);
  const { page, staleSince } = found;
  const ageMs = staleSince === undefined ? undefined : parts.clock.now() - staleSince;
  return pageResponse(request, {
    page,
    representation,
    encoding,
    visitor,
    ...(ageMs === undefined ? {} : { ageMs }),
  });
}

function representationOf(parts: SimpleParts, request: Request): Representation | undefined {
  const accept = request.headers.get("accept");
  const format = new URL(request.url).searchParams.get("format");
  return negotiate({ accept, format }, parts.preferredForm);
}

/** The answer for what is no project name at all, so that no upstream hears of it. */
export function absence(reading: Reading): Response | undefined {
  return isProjectName(reading.name) ? undefined : notFound(reading);
}

function redirectToNormalized(reading: Reading): Response | undefined {
  const normalized = normalizeName(reading.name);
  return normalized === reading.name ? undefined : redirect(reading, `../${normalized}/`);
}

/** A permanent redirect to another spelling of the same place, relative so that mounts keep. */
export function redirect({ request, visitor }: Reading, location: string): Response {
  return new Response(null, {
    status: 301,
    headers: {
      location: location + new URL(request.url).search,
      "content-length": "0",
      "cache-control": cacheControl(visitor, "max-age=86400"),
    },
  });
}

/**
 * The answer where there is nothing for this visitor. Whether the project is hidden, or there would be
 * more of it for others, is not told: whoever has given no password is asked for one.
 */
export async function absent(
  parts: SimpleParts,
  reading: Reading,
  kind: "pageOf" | "jsonOf" = "pageOf",
): Promise<Response> {
  const { request, visitor, name } = reading;
  const location = await elsewhere(parts, name, kind);
  if (location !== undefined) return sentElsewhere(location);
  if (seesAll(parts, visitor, name)) return notFound(reading);
  return problemResponse(request, refusalOf(visitor, absenceOf(reading)));
}

/** Whether there is no more of a project, by its normalised name, for others than for a visitor. */
export function seesAll({ wheelhouse }: SimpleParts, visitor: Visitor, project: string): boolean {
  return may(visitor, "read", project) && (mayFill(visitor) || !wheelhouse.isReadThrough);
}

function notFound(reading: Reading): Response {
  return problemResponse(reading.request, absenceOf(reading));
}

function absenceOf({ visitor, name }: Reading): Problem {
  return {
    status: 404,
    message: `Project "${name}" not found.`,
    code: "project",
    headers: { "cache-control": cacheControl(visitor, "max-age=60"), vary: "Accept" },
  };
}

/** The answer to a request for a form that there is none of. */
export function notAcceptable(request: Request): Response {
  return problemResponse(request, {
    status: 406,
    message: `No acceptable representation. Supported: ${SUPPORTED_TYPES.join(", ")}`,
    code: "representation",
    headers: { vary: "Accept" },
  });
}
