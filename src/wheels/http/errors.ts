/**
 * Answers that say no: the status, and the reason as text or, for clients that prefer JSON, as a
 * problem document (RFC 9457). The first line of the reason is the reason phrase as well, because
 * that is all that some upload clients show. Deno does not send it.
 */

import {
  BackendError,
  HeldBackError,
  IntegrityError,
  InvalidDistributionError,
  InvalidFilenameError,
  type RefusalCode,
  UploadRefusedError,
  UpstreamError,
} from "../../contracts/errors.ts";
import { prefersJson } from "./negotiation.ts";

/** Why a request gets no other answer. */
export interface Problem {
  /** The HTTP status. */
  readonly status: number;
  /** The reason, for people. */
  readonly message: string;
  /** The reason, for programs. */
  readonly code?: string;
  /** Headers besides the usual ones. `cache-control` is `no-store` unless given. */
  readonly headers?: Readonly<Record<string, string>>;
}

const STATUS_OF_REFUSAL: Readonly<Record<RefusalCode, number>> = Object.freeze({
  form: 400,
  digest: 400,
  exists: 400,
  used: 400,
  "too-large": 413,
  "too-many": 429,
  forbidden: 403,
  closed: 403,
});

const RETRY_AFTER_MS = 5_000;

/** The answer to a request that met a problem. */
export function problemResponse(request: Request, problem: Problem): Response {
  const { status, message, code } = problem;
  const isJson = prefersJson(request.headers.get("accept"));
  const title = message.split("\n", 1)[0]!;
  const body = isJson
    ? `${JSON.stringify({ title, status, detail: message, code })}\n`
    : `${message}\n`;
  const bytes = new TextEncoder().encode(body);
  return new Response(request.method === "HEAD" ? null : bytes, {
    status,
    // A reason phrase is visible ASCII and blanks.
    statusText: title.replace(/[^ -~]+/g, " ").slice(0, 200),
    headers: {
      "content-type": isJson ? "application/problem+json" : "text/plain; charset=utf-8",
      "content-length": String(bytes.byteLength),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...problem.headers,
    },
  });
}

/** The problem that an error amounts to, or `undefined` for an error that nobody foresaw. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof UploadRefusedError) {
    const { message, code } = error;
    return { status: STATUS_OF_REFUSAL[code], message, code };
  }
  if (error instanceof InvalidFilenameError) {
    return { status: 400, message: error.message, code: "filename" };
  }
  if (error instanceof InvalidDistributionError) {
    return { status: 400, message: error.message, code: "distribution" };
  }
  if (error instanceof HeldBackError) {
    return { status: 403, message: `${error.message}.`, code: "held-back" };
  }
  if (error instanceof UpstreamError) return upstreamProblem(error);
  if (error instanceof IntegrityError) {
    return { status: 502, message: error.message, code: "integrity", headers: retryAfter() };
  }
  if (error instanceof BackendError) {
    const message = "The store cannot be reached at the moment.";
    return { status: 503, message, code: "store", headers: retryAfter() };
  }
  return undefined;
}

/** Runs a handler; whatever it throws becomes an answer. */
export async function answering(
  request: Request,
  work: () => Promise<Response>,
  onUnforeseen: (error: unknown) => void,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined || problem.status === 503) onUnforeseen(error);
    return problemResponse(
      request,
      problem ?? { status: 500, message: "Something went wrong here.", code: "internal" },
    );
  }
}

// An answer that was no good is 502, no answer 503; never 404, which would send installers elsewhere.
function upstreamProblem(error: UpstreamError): Problem {
  const status = error.status === undefined || error.status === 429 || error.status === 503
    ? 503
    : 502;
  return {
    status,
    message: `The upstream index gave no usable answer. ${error.message}.`,
    code: "upstream",
    headers: retryAfter(error.retryAfterMs),
  };
}

function retryAfter(waitMs = RETRY_AFTER_MS): Record<string, string> {
  return { "retry-after": String(Math.ceil(waitMs / 1_000)) };
}
