/** Files for curdling's clients: the best one for a query, and the one of a name. */

import { chooseFile, parseQuery } from "../packages/query.ts";
import type { WheelFile } from "../wheel_file.ts";
import { type Access, isProblem, refusalOf, type Visitor } from "./access.ts";
import { type Problem, problemResponse } from "./errors.ts";
import { fileAbsent, type FileParts, fileResponse, NAMED_FILE_CACHING, reachOf } from "./files.ts";
import { listedFiles } from "./listed_files.ts";
import type { Handler } from "./routes.ts";
import { seesAll, type SimpleParts } from "./simple.ts";
import { isWrong, tagsOf } from "./wheel_tags.ts";

type Parts = SimpleParts & FileParts;

/** What curdling says to a query that is none. */
export const QUERY_IS_WRONG: Problem = Object.freeze({
  status: 400,
  message: "your query is wrong",
  code: "query",
});

const NOT_FOUND: Problem = Object.freeze({
  status: 404,
  message: "package not found",
  code: "package",
});

/** Who answers for files. */
export function queryRoutes(parts: Parts): { readonly byQuery: Handler; readonly byName: Handler } {
  return {
    byQuery: async (request, param) => {
      const visitor = await entering(parts.access, request);
      if (isProblem(visitor)) return problemResponse(request, visitor);
      return await answerTo(parts, param("query"), { request, visitor });
    },
    byName: async (request, param) => {
      const visitor = await parts.access.check(request, "download");
      if (isProblem(visitor)) return problemResponse(request, visitor);
      const file = await fileNamed(parts, param("filename"), visitor);
      if (file === undefined) return fileAbsent(request, visitor);
      return await fileResponse(parts, { request, visitor, file, caching: NAMED_FILE_CACHING });
    },
  };
}

/** A query tells what there is and fetches it. */
async function entering(access: Access, request: Request): Promise<Visitor | Problem> {
  const lister = await access.check(request, "list");
  if (isProblem(lister)) return lister;
  const fetcher = await access.check(request, "download");
  return isProblem(fetcher) || fetcher.name !== undefined ? fetcher : lister;
}

async function answerTo(
  parts: Parts,
  text: string,
  { request, visitor }: { readonly request: Request; readonly visitor: Visitor },
): Promise<Response> {
  const query = parseQuery(text);
  const tags = tagsOf(request);
  if (query === undefined || isWrong(tags)) return problemResponse(request, QUERY_IS_WRONG);
  const { project } = query;
  const listed = await listedFiles(parts, { request, visitor, name: project });
  const chosen = chooseFile(query, listed?.files ?? [], tags);
  const file = chosen &&
    await parts.wheelhouse.fileOf(project, chosen.filename, reachOf(visitor));
  if (file === undefined) {
    const problem = seesAll(parts, visitor, project) ? NOT_FOUND : refusalOf(visitor, NOT_FOUND);
    return problemResponse(request, problem);
  }
  const { filename: savedAs } = chosen!;
  const serving = { request, visitor, file, caching: NAMED_FILE_CACHING, savedAs };
  return await fileResponse(parts, serving);
}

/** What was read through before its project became ours is not listed any more. */
async function fileNamed(
  { wheelhouse }: Parts,
  filename: string,
  visitor: Visitor,
): Promise<WheelFile | undefined> {
  const { index } = wheelhouse;
  const record = await index.fetch(filename);
  const isForeign = record?.upstream !== undefined && (await index.all(record.project)).isClaimed;
  return isForeign ? undefined : await wheelhouse.fileOf(undefined, filename, reachOf(visitor));
}
