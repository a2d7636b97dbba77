/** PyPI's old search over XML-RPC, which PyPICloud answers and `pip search` asks. */

import type { SearchQuery } from "../../contracts/index_cache.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { type Access, isProblem, may } from "./access.ts";
import { problemResponse } from "./errors.ts";
import { parseXmlCall, xmlAnswer, type XmlCall, xmlFault, type XmlValue } from "./xml_rpc.ts";

/** What a search is answered from. */
export interface SearchParts {
  /** Has the index. */
  readonly wheelhouse: Wheelhouse;
  /** Who may see what. */
  readonly access: Access;
}

const MOST_CALL_BYTES = 65_536;

/** SQL stores take a limited number of values in one query. */
const MOST_TERMS = 16;

const UNKNOWN_METHOD = -32_601;
const WRONG_PARAMS = -32_602;

/** Whether a request is a call over XML-RPC. */
export function isXmlCall(request: Request): boolean {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  return type === "text/xml" || type === "application/xml";
}

/** Answers a call. There is but one method: `search(criteria, operator)`. */
export async function search(
  { wheelhouse, access }: SearchParts,
  request: Request,
): Promise<Response> {
  const visitor = await access.check(request, "list");
  if (isProblem(visitor)) return problemResponse(request, visitor);
  const xml = await textOf(request);
  if (xml === undefined) {
    return problemResponse(request, { status: 413, message: "The call is too large." });
  }
  const call = callIn(xml);
  if (call === undefined) {
    return problemResponse(request, { status: 400, message: "The call is no XML-RPC." });
  }
  if (call.method !== "search") {
    return xmlResponse(xmlFault(UNKNOWN_METHOD, "There is no such method, only search"));
  }
  const query = queryOf(call);
  if (query === undefined) {
    const message = `Expected at most ${MOST_TERMS} terms for name or summary, and "and" or "or"`;
    return xmlResponse(xmlFault(WRONG_PARAMS, message));
  }
  const found = await wheelhouse.index.search(query);
  const readable = found.filter(({ project }) => may(visitor, "read", project));
  return xmlResponse(xmlAnswer(readable.map(({ project, version, summary = "" }) => ({
    name: project,
    version,
    summary,
  }))));
}

function callIn(xml: string): XmlCall | undefined {
  try {
    return parseXmlCall(xml);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function queryOf({ params: [criteria, operator = "and"] }: XmlCall): SearchQuery | undefined {
  if (!(criteria instanceof Map) || (operator !== "and" && operator !== "or")) return undefined;
  const names = termsOf(criteria.get("name"));
  const summaries = termsOf(criteria.get("summary"));
  if (names === undefined || summaries === undefined) return undefined;
  return names.length + summaries.length > MOST_TERMS ? undefined : { names, summaries, operator };
}

function termsOf(value: XmlValue | undefined): readonly string[] | undefined {
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return undefined;
  return value.every((term) => typeof term === "string") ? value : undefined;
}

async function textOf(request: Request): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let [text, sizeBytes] = ["", 0];
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MOST_CALL_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function xmlResponse(xml: string): Response {
  return new Response(xml, {
    headers: { "content-type": "text/xml; charset=utf-8", "cache-control": "no-store" },
  });
}
