/**
 * Redis over HTTP, by `fetch` alone: Upstash's REST protocol, and Webdis.
 *
 * Upstash takes commands as JSON, which holds text and no bytes; its replies come in base64. All that
 * is sent within one turn of the event loop goes in one request. Webdis takes one command in each
 * request, percent-encoded, and answers in Redis's own protocol.
 */

import { fromBase64 } from "../src/compose/base64.ts";
import { type Clock, systemClock } from "../src/contracts/clock.ts";
import {
  type RedisCommand,
  type RedisCommands,
  type RedisReply,
  replyOf,
} from "./redis/commands.ts";
import { ReplyTimeout } from "./redis/reply_timeout.ts";
import { parseReply } from "./redis/resp.ts";
import { textArguments } from "./redis/text_arguments.ts";

export type {
  RedisArgument,
  RedisCommand,
  RedisCommands,
  RedisReply,
  RedisSlots,
  TextArguments,
} from "./redis/commands.ts";

/** The part of `fetch` that cairn uses. */
export type FetchRedis = (address: string, request: RequestInit) => Promise<Response>;

/** Where Redis answers HTTP. */
export interface RedisHttpOptions {
  /** Its address. Webdis takes a number of a database as the path, and a user before the host. */
  readonly url: string;
  /** The token of an Upstash database. Default: none. */
  readonly token?: string;
  /** A request that takes longer is aborted, in milliseconds, a tenth of a second late at most. Default: 5,000. */
  readonly timeoutMs?: number;
  /** Sends the requests. Default: the platform's `fetch`. */
  readonly fetch?: FetchRedis;
  /** Measures the wait. Default: the platform's. */
  readonly clock?: Clock;
}

/** How many commands go in one request at most. */
const commandsPerRequest = 1_000;

/**
 * A connection by Upstash's REST protocol. What is sent while a request is put together joins it.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { upstashCommands } from "@cairn/cache/redis-http";
 *
 * const commands = upstashCommands({
 *   url: "https://example.upstash.io",
 *   token: "secret",
 *   fetch: async () => Response.json([{ result: "UE9ORw==" }]),
 * });
 * const [reply] = await commands.send([["PING"]]);
 * equal(new TextDecoder().decode(reply as Uint8Array), "PONG");
 * ```
 */
export function upstashCommands(options: RedisHttpOptions): RedisCommands {
  const requests = new Requests("upstash", options);
  const upstash = new Upstash(requests, options.token);
  return Object.freeze({
    name: "upstash",
    slots: undefined,
    arguments: textArguments,
    send: (commands: readonly RedisCommand[]) => upstash.send(commands),
  });
}

/** A connection by Webdis: one request for each command. */
export function webdisCommands(options: RedisHttpOptions): RedisCommands {
  const { url, ...rest } = options;
  const [base, database] = splitDatabase(url);
  const requests = new Requests("webdis", { ...rest, url: base });
  const send = async (command: RedisCommand): Promise<RedisReply> => {
    const isList = /^H?MGET$/i.test(String(command[0]));
    const sent = isList ? ["EVAL", listScript, "0", ...command] : command;
    const body = `${database}${sent.map(percentEncoded).join("/")}.raw`;
    const response = await requests.post("", {}, body);
    const reply = replyOf(parseReply(new Uint8Array(response)));
    return isList && Array.isArray(reply) ? reply.map(ofListed) : reply;
  };
  return Object.freeze({
    name: "webdis",
    slots: undefined,
    arguments: "bytes",
    send: (commands: readonly RedisCommand[]) => Promise.all(commands.map(send)),
  });
}

/** Webdis leaves out what is nothing in a list; so what is something gets a `=` before it. */
const listScript = `
local found = redis.call(unpack(ARGV))
for index, each in ipairs(found) do found[index] = each and '=' .. each or '' end
return found`;

function ofListed(reply: RedisReply): RedisReply {
  return reply instanceof Uint8Array ? reply.length === 0 ? null : reply.subarray(1) : reply;
}

interface Waiting {
  readonly command: RedisCommand;
  readonly resolve: (reply: RedisReply) => void;
  readonly reject: (error: unknown) => void;
}

class Upstash {
  readonly #requests: Requests;
  readonly #token: string | undefined;
  #queue: Waiting[] = [];
  #isFlushing = false;
  #syncToken = "";

  constructor(requests: Requests, token: string | undefined) {
    this.#requests = requests;
    this.#token = token;
  }

  async send(commands: readonly RedisCommand[]): Promise<RedisReply[]> {
    if (commands.length === 0) return [];
    const replies = commands.map((command) =>
      new Promise<RedisReply>((resolve, reject) => this.#queue.push({ command, resolve, reject }))
    );
    if (!this.#isFlushing) void this.#flush();
    return await Promise.all(replies);
  }

  // Callers that began together are some promises apart; the queue is whole when it grows no more.
  async #flush(): Promise<void> {
    this.#isFlushing = true;
    for (let seen = -1; seen < this.#queue.length;) {
      seen = this.#queue.length;
      for (let turn = 0; turn < quietTurns; turn++) await undefined;
    }
    const queue = this.#queue;
    this.#queue = [];
    this.#isFlushing = false;
    for (let start = 0; start < queue.length; start += commandsPerRequest) {
      void this.#request(queue.slice(start, start + commandsPerRequest));
    }
  }

  async #request(batch: readonly Waiting[]): Promise<void> {
    try {
      const body = JSON.stringify(batch.map(({ command }) => command.map(textOf)));
      const response = await this.#requests.post("/pipeline", this.#headers(), body, (headers) => {
        this.#syncToken = headers.get("upstash-sync-token") ?? this.#syncToken;
      });
      const results = resultsOf(JSON.parse(decoder.decode(response)), batch.length);
      batch.forEach(({ resolve }, index) => resolve(ofUpstash(results[index]!)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #headers(): Record<string, string> {
    return {
      "Content-Type": "application/json",
      "Upstash-Encoding": "base64",
      ...(this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
      // Read your writes, where a database has replicas.
      ...(this.#syncToken === "" ? {} : { "upstash-sync-token": this.#syncToken }),
    };
  }
}

/** How many turns of the microtask queue without a new command end a batch. */
const quietTurns = 8;

/** One result of a pipeline. */
interface UpstashResult {
  readonly result?: UpstashValue;
  readonly error?: string;
}

type UpstashValue = string | number | null | readonly UpstashValue[];

function resultsOf(body: unknown, count: number): readonly UpstashResult[] {
  if (Array.isArray(body) && body.length === count) return body;
  throw new Error(`an answer with other than ${count} results`);
}

function ofUpstash({ result, error }: UpstashResult): RedisReply {
  return error === undefined ? valueOf(result ?? null) : new Error(error);
}

// Every text is in base64 but the status OK, whose length is none of base64.
function valueOf(value: UpstashValue): RedisReply {
  if (value === "OK") return encoder.encode(value);
  if (typeof value === "string") return fromBase64(value);
  if (typeof value === "number" || value === null) return value;
  return value.map(valueOf);
}

function textOf(argument: string | Uint8Array): string {
  if (typeof argument === "string") return argument;
  throw new TypeError("Cannot send bytes to Upstash: its commands are text");
}

/** The address without the number of a database, and what stands before commands for that number. */
function splitDatabase(url: string): [base: string, database: string] {
  const [, base = url, number] = /^(.*?)\/(\d+)\/?$/.exec(url) ?? [];
  return [base, number === undefined ? "" : `${number}/`];
}

// Webdis splits at "/" and looks for a format behind the last dot.
function percentEncoded(argument: string | Uint8Array): string {
  const bytes = typeof argument === "string" ? encoder.encode(argument) : argument;
  const parts: string[] = new Array(bytes.length);
  bytes.forEach((byte, index) => parts[index] = percentCodes[byte]!);
  return parts.join("");
}

const percentCodes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  const code = byte.toString(16).toUpperCase().padStart(2, "0");
  return /[A-Za-z0-9]/.test(character) ? character : `%${code}`;
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** POST requests to one place. */
class Requests {
  readonly #name: string;
  readonly #address: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeout: ReplyTimeout;
  readonly #fetch: FetchRedis;

  constructor(name: string, options: RedisHttpOptions) {
    const { url, timeoutMs = 5_000, clock = systemClock } = options;
    if (!URL.canParse(url)) throw new TypeError(`Cannot use ${name}: "url" is no address`);
    if (!(timeoutMs > 0)) throw new RangeError(`Cannot use ${name}: "timeoutMs" is ${timeoutMs}`);
    const { origin, pathname, username, password } = new URL(url);
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#name = name;
    this.#address = origin + pathname.replace(/\/+$/, "");
    this.#headers = username === "" ? {} : { Authorization: `Basic ${btoa(user)}` };
    this.#timeout = new ReplyTimeout(timeoutMs, clock);
    this.#fetch = options.fetch ?? ((address, request) => fetch(address, request));
  }

  async post(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    look: (headers: Headers) => void = () => {},
  ): Promise<ArrayBuffer> {
    const timeout = new AbortController();
    const wait = this.#timeout.begin((error) => timeout.abort(error));
    try {
      const response = await this.#fetch(`${this.#address}${path || "/"}`, {
        method: "POST",
        headers: { ...this.#headers, ...headers },
        body,
        signal: timeout.signal,
      });
      const bytes = await response.arrayBuffer();
      if (response.ok) look(response.headers);
      else throw new Error(`${this.#name} answered ${response.status}: ${reasonIn(bytes)}`);
      return bytes;
    } finally {
      wait.end();
    }
  }
}

function reasonIn(bytes: ArrayBuffer): string {
  const text = decoder.decode(bytes);
  const reason = /"error"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  return reason.slice(0, 200);
}
