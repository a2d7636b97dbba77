/**
 * Sending a form with a file, of which no more is in memory than is on its way.
 *
 * `fetch` sends a stream in chunks of unstated length, which many indexes and the proxies before them
 * do not take, so this is `node:http`, with the length stated. A large form is announced and goes on
 * its way when the index says so (RFC 9110, section 10.1.1), so that a refusal costs no transfer and
 * arrives: who answers and closes while the other side still writes may be heard as a broken
 * connection.
 */

import { Agent as HttpAgent, type ClientRequest, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { open } from "node:fs/promises";
import type { Clock } from "../contracts/clock.ts";
import { reasonOf } from "../wheels/log.ts";
import type { UploadForm } from "./push_way.ts";

/** What is sent. */
export interface PostedForm extends UploadForm {
  /** Its media type, with the boundary. */
  readonly contentType: string;
  /** Where the file is. */
  readonly path: string;
  /** How long the file is. */
  readonly sizeBytes: number;
}

/** What the index answered. */
export interface Answer {
  /** The status; `undefined` where the connection was lost. */
  readonly status: number | undefined;
  /** What it says, as a line; of a lost connection the reason. */
  readonly text: string;
  /** When to come back, where it says so, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** Where it redirects to. */
  readonly location?: string;
}

/** Where and how forms are sent. */
export interface PosterOptions {
  /** The address. */
  readonly url: string;
  /** The `Authorization`. */
  readonly authorization: string | undefined;
  /** How many connections are kept. */
  readonly connections: number;
  /** For `Retry-After` and for those who do not say to go on. */
  readonly clock: Clock;
  /**
   * The environment that names proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, in either case). Node
   * knows what to do with it since 24.5. Default: none, and then nothing goes through a proxy.
   */
  readonly proxies?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Who watches a form on its way. */
export interface PostWatch {
  /** Breaks it off. */
  readonly signal: AbortSignal;
  /** Told of every piece of the file that went. */
  readonly onSent: (lengthBytes: number) => void;
}

const PIECE_BYTES = 256 * 1024;

/** What is smaller fits into the buffers on the way, whatever the answer. */
const ANNOUNCED_BYTES = 64 * 1024;

/** Old servers ignore the announcement. */
const ANNOUNCEMENT_MS = 1_000;

/** A server may take its time for a large archive that it has got. */
const IDLE_MS = 120_000;

const MOST_ANSWER_BYTES = 64 * 1024;

/** Sends forms to one address over connections that it keeps. */
export class Poster {
  readonly #options: PosterOptions;
  readonly #agent: HttpAgent;
  readonly #isSecure: boolean;

  /** Connects to nothing yet. */
  constructor(options: PosterOptions) {
    this.#options = Object.freeze({ ...options });
    this.#isSecure = options.url.startsWith("https:");
    const { proxies: proxyEnv, connections: maxSockets } = options;
    const settings = { keepAlive: true, maxSockets, ...proxyEnv && { proxyEnv } };
    this.#agent = this.#isSecure ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /**
   * Sends a form and answers what the index says. Rejects where the file cannot be read, or is
   * another than it was.
   */
  async post(form: PostedForm, watch: PostWatch): Promise<Answer> {
    const request = this.#begin(form, watch.signal);
    const answered = new AbortController();
    const answer = Promise.race([this.#answerTo(request), aborted(watch.signal, answered.signal)])
      .finally(() => answered.abort());
    // It may come, or fail, while the form is on its way.
    answer.catch(() => {});
    try {
      await this.#goesOn(request, answered.signal);
      await sendForm(request, form, { signal: answered.signal, onSent: watch.onSent });
    } catch (error) {
      request.destroy();
      throw error;
    }
    try {
      return await answer;
    } catch (error) {
      return { status: undefined, text: reasonOf(error) || "the connection was lost" };
    } finally {
      // What was announced and never sent leaves a connection that is of no use to others.
      if (!request.writableEnded) request.destroy();
    }
  }

  /** Ends the connections. */
  close(): void {
    this.#agent.destroy();
  }

  #begin(form: PostedForm, signal: AbortSignal): ClientRequest {
    const { url, authorization } = this.#options;
    const { address } = form;
    const lengthBytes = form.head.length + form.sizeBytes + form.tail.length;
    const request = (this.#isSecure ? httpsRequest : httpRequest)(address ?? url, {
      method: address === undefined ? "POST" : "PUT",
      agent: this.#agent,
      signal,
      headers: {
        accept: "text/plain, */*;q=0.5",
        "content-type": form.contentType,
        "content-length": lengthBytes,
        "user-agent": "cairn",
        ...authorization !== undefined && { authorization },
        ...lengthBytes > ANNOUNCED_BYTES && { expect: "100-continue" },
      },
    });
    request.setTimeout(IDLE_MS, () => {
      request.destroy(new Error(`there was no answer for ${IDLE_MS / 1_000} s`));
    });
    return request;
  }

  /** Resolves when the form may be sent, or was judged without. */
  async #goesOn(request: ClientRequest, answered: AbortSignal): Promise<void> {
    if (request.getHeader("expect") === undefined) return;
    const { clock } = this.#options;
    const told = new AbortController();
    request.once("continue", () => told.abort());
    request.flushHeaders();
    await connected(request, answered);
    await clock.sleep(ANNOUNCEMENT_MS, AbortSignal.any([told.signal, answered]));
  }

  #answerTo(request: ClientRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      request.on("error", reject);
      request.once("response", (response) => {
        textOf(response).then((text) => resolve(this.#answerOf(response, text)), reject);
      });
    });
  }

  #answerOf(response: IncomingMessage, text: string): Answer {
    const { statusCode = 0, headers } = response;
    const retryAfterMs = this.#retryAfterOf(headers["retry-after"]);
    return {
      status: statusCode,
      text,
      ...retryAfterMs !== undefined && { retryAfterMs },
      ...headers.location !== undefined && { location: headers.location },
    };
  }

  #retryAfterOf(header: string | undefined): number | undefined {
    if (header === undefined) return undefined;
    const waitMs = /^\d+$/.test(header)
      ? Number(header) * 1_000
      : Date.parse(header) - this.#options.clock.now();
    return waitMs >= 0 ? waitMs : undefined;
  }
}

/** Rejects when `signal` is aborted: Deno's requests obey theirs without a word. */
function aborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true, signal: ended });
  });
}

/** Sends a form, unless there is an answer before its end. */
async function sendForm(
  request: ClientRequest,
  form: PostedForm,
  { signal, onSent }: PostWatch,
): Promise<void> {
  if (signal.aborted) return;
  request.write(form.head);
  for await (const piece of piecesOf(form)) {
    if (signal.aborted) return;
    if (!request.write(piece)) await drained(request, signal);
    onSent(piece.length);
  }
  request.end(form.tail);
}

/** Resolves with the connection, or where there is none. */
function connected(request: ClientRequest, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    request.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => resolve());
      else resolve();
    });
  });
}

function drained(request: ClientRequest, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    request.once("drain", finish);
    signal.addEventListener("abort", finish, { once: true });
    function finish(): void {
      request.off("drain", finish);
      signal.removeEventListener("abort", finish);
      resolve();
    }
  });
}

/** The bytes of a file, a piece at a time. Throws where there are fewer than there were. */
export async function* piecesOf(
  { path, sizeBytes }: Pick<PostedForm, "path" | "sizeBytes">,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path);
  try {
    for (let offset = 0; offset < sizeBytes;) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes - offset));
      const { bytesRead } = await file.read(piece, 0, piece.length, offset);
      if (bytesRead === 0) throw new Error("it became shorter while it was read");
      yield piece.subarray(0, bytesRead);
      offset += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** What an answer says: its text, or what its JSON or its status line says. */
async function textOf(response: IncomingMessage): Promise<string> {
  const type = response.headers["content-type"] ?? "";
  const body = await bodyOf(response);
  const said = /\bjson\b/.test(type) ? messageIn(body) : /\bhtml\b/.test(type) ? "" : body;
  const [line = ""] = said.trim().split("\n");
  return line.trim() || response.statusMessage || "";
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const piece of response.setEncoding("utf8")) {
      if (text.length < MOST_ANSWER_BYTES) text += piece;
    }
  } catch {
    // The status was there, and that is what counts.
  }
  return text;
}

function messageIn(json: string): string {
  try {
    const { detail, message, error, title } = JSON.parse(json);
    const found = [detail, message, error, title].find((text) => typeof text === "string");
    return found ?? "";
  } catch {
    return "";
  }
}
