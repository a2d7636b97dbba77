/**
 * The index as of an instant: `/as-of/2026-01-31/simple/` lists of each project what was uploaded
 * until then, so that what was resolved once can be resolved again. A day counts as a whole, in UTC;
 * an instant, such as `2026-01-31T12:00:00Z`, counts to the millisecond. What was uploaded at the
 * instant itself is not listed, and what nobody knows the upload time of neither: that is how uv reads
 * `exclude-newer`.
 */

import { normalizeName } from "../packages/names.ts";
import { may, mayFill } from "./access.ts";
import { problemResponse } from "./errors.ts";
import { type FileParts, fileRoutes } from "./files.ts";
import { negotiate } from "./negotiation.ts";
import { encodingFor, pageResponse } from "./page_response.ts";
import type { Routes } from "./routes.ts";
import {
  absence,
  absent,
  listPage,
  notAcceptable,
  type Reading,
  reading,
  redirect,
  type SimpleParts,
} from "./simple.ts";

const DAY = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z$/;
const DAY_MS = 86_400_000;

const MOUNT = "/as-of/:instant";

/** The routes of the index as of an instant. Its pages link relatively, so files are there, too. */
export function asOfRoutes(parts: SimpleParts & FileParts): Routes {
  return {
    [`${MOUNT}/simple/`]: { GET: reading(parts.access, (asked) => listPage(parts, asked)) },
    [`${MOUNT}/simple/:project/`]: {
      GET: async (request, param) => {
        const before = instantOf(param("instant"));
        if (before === undefined) {
          const message = 'The instant is none; expected "2026-01-31" or "2026-01-31T12:00:00Z".';
          return problemResponse(request, { status: 400, message, code: "instant" });
        }
        return await reading(parts.access, (asked) => project(parts, asked, before))(
          request,
          param,
        );
      },
    },
    ...fileRoutes(parts, MOUNT),
  };
}

async function project(parts: SimpleParts, asked: Reading, before: number): Promise<Response> {
  const { request, visitor, name } = asked;
  const normalized = normalizeName(name);
  const refusal = absence(asked);
  if (refusal !== undefined) return refusal;
  if (normalized !== name) return redirect(asked, `../${normalized}/`);
  const format = new URL(request.url).searchParams.get("format");
  const wishes = { accept: request.headers.get("accept"), format };
  const representation = negotiate(wishes, parts.preferredForm);
  if (representation === undefined) return notAcceptable(request);
  const variant = { form: representation.form, encoding: encodingFor(request) };
  const found = may(visitor, "read", name)
    ? await parts.wheelhouse.pageAsOf(name, before, { variant, mayFill: mayFill(visitor) })
    : undefined;
  if (found === undefined) return await absent(parts, asked);
  return pageResponse(request, {
    page: found.page,
    representation,
    encoding: variant.encoding,
    visitor,
  });
}

/** The first instant that is no longer meant, in epoch milliseconds. */
function instantOf(text: string): number | undefined {
  const at = DAY.test(text) || INSTANT.test(text) ? Date.parse(text) : NaN;
  // Some platforms take 30 February for 2 March.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(text.slice(0, 10))) {
    return undefined;
  }
  return DAY.test(text) ? at + DAY_MS : at;
}
