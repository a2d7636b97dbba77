/** The page of all files that somebody may read, for those who look for links in one place. */

import type { PackageFile } from "../../contracts/index_cache.ts";
import { fileUrl } from "../pages/project_page.ts";
import { escapeHtml } from "../pages/render_html.ts";
import type { IndexReader, Wheelhouse } from "../wheelhouse.ts";
import { type Access, cacheControl, isProblem, may } from "./access.ts";
import { problemResponse } from "./errors.ts";
import type { Routes } from "./routes.ts";

/** What the page is made from. */
export interface PackagesPageParts {
  /** Knows the files. */
  readonly wheelhouse: Wheelhouse;
  /** Who may see them. */
  readonly access: Access;
}

const HEAD = '<!DOCTYPE html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8">\n' +
  "    <title>All packages</title>\n  </head>\n  <body>\n";
const FOOT = "  </body>\n</html>\n";
const BATCH = 1_000;

/** The route of the page. */
export function packagesPageRoutes({ wheelhouse, access }: PackagesPageParts): Routes {
  return {
    "/packages/": {
      GET: async (request) => {
        const visitor = await access.check(request, "list");
        if (isProblem(visitor)) return problemResponse(request, visitor);
        const mayRead = (project: string): boolean => may(visitor, "read", project);
        const pieces = pageOf(wheelhouse.index, mayRead);
        return new Response(request.method === "HEAD" ? null : streamOf(pieces), {
          headers: {
            "content-type": "text/html; charset=utf-8",
            "cache-control": cacheControl(visitor, "max-age=0"),
          },
        });
      },
    },
  };
}

/** The page as the table is read, so that a large one is nowhere as a whole. */
async function* pageOf(
  index: IndexReader,
  mayRead: (project: string) => boolean,
): AsyncGenerator<string> {
  yield HEAD;
  let cursor: string | undefined;
  do {
    const page = await index.list(
      cursor === undefined ? { limit: BATCH } : { limit: BATCH, cursor },
    );
    yield page.files.filter(({ project }) => mayRead(project)).map(anchorOf).join("");
    cursor = page.cursor;
  } while (cursor !== undefined);
  yield FOOT;
}

function streamOf(pieces: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await pieces.return(undefined);
    },
  }, { highWaterMark: 0 });
}

function anchorOf({ sha256, filename, requiresPython }: PackageFile): string {
  const url = fileUrl(sha256, filename).replace(/^.*packages\//, "");
  const python = requiresPython === undefined
    ? ""
    : ` data-requires-python="${escapeHtml(requiresPython)}"`;
  return `    <a href="${url}#sha256=${sha256}"${python}>${escapeHtml(filename)}</a><br>\n`;
}
