/**
 * Upstash's REST protocol in front of a Redis server: for tests and for machines where only HTTP
 * passes.
 *
 * | request                                 | answer                                   |
 * | --------------------------------------- | ---------------------------------------- |
 * | `POST /` with a JSON array              | `{"result": …}`, or 400 `{"error": …}`   |
 * | `/COMMAND/arg?EX=10`, body after `arg`  | the same                                 |
 * | `POST /pipeline` with arrays            | one result or error for each, in order   |
 * | `POST /multi-exec` with arrays          | the same in one transaction, or an error |
 *
 * With `Upstash-Encoding: base64` every text but the status OK is in base64; with
 * `Upstash-Response-Format: resp2` replies are in Redis's own protocol.
 */

import { toBase64 } from "../compose/base64.ts";
import { formatReply, type RespReply } from "../../backends/redis/resp.ts";
import type { Handler } from "./listen.ts";
import type { RedisServer } from "./redis_socket.ts";

/** What is served, and to whom. */
export interface RedisRestOptions {
  /** The server. */
  readonly redis: RedisServer;
  /** Who names it is let in, as `Authorization: Bearer` or `?_token=`. */
  readonly token: string;
}

type Command = readonly (string | Uint8Array)[];

/** How a client wants its answer. */
interface Wishes {
  readonly isBase64: boolean;
  readonly isResp: boolean;
}

/** Requests that are refused, with their status. */
class Refused extends Error {
  override readonly name: string = "Refused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Makes the handler. */
export function redisRest(options: RedisRestOptions): Handler {
  const { redis, token } = options;
  return async (request) => {
    try {
      await requireToken(request, token);
      return await answer(redis, request);
    } catch (error) {
      const status = error instanceof Refused ? error.status : 502;
      return Response.json({ error: messageOf(error) }, { status });
    }
  };
}

async function answer(redis: RedisServer, request: Request): Promise<Response> {
  if (!/^(GET|HEAD|POST|PUT)$/.test(request.method)) {
    throw new Refused(405, "ERR only GET, HEAD, POST and PUT are served");
  }
  const wishes = wishesOf(request);
  const { pathname } = new URL(request.url);
  if (pathname === "/pipeline") return await pipeline(redis, await commandsIn(request), wishes);
  if (pathname === "/multi-exec") {
    return await transaction(redis, await commandsIn(request), wishes);
  }
  const command = pathname === "/" ? await commandIn(request) : await commandOf(request);
  requireShared(command);
  const [reply] = await redis.send([command]);
  if (reply instanceof Error) throw new Refused(400, reply.message);
  return wishes.isResp ? respResponse([reply!]) : Response.json(resultOf(reply!, wishes));
}

async function pipeline(
  redis: RedisServer,
  commands: readonly Command[],
  wishes: Wishes,
): Promise<Response> {
  commands.forEach(requireShared);
  const replies = await redis.send(commands);
  if (wishes.isResp) return respResponse(replies);
  return Response.json(replies.map((reply) => resultOf(reply, wishes)));
}

// All in one write on one connection: no other command comes between.
async function transaction(
  redis: RedisServer,
  commands: readonly Command[],
  wishes: Wishes,
): Promise<Response> {
  commands.forEach(requireShared);
  const replies = await redis.send([["MULTI"], ...commands, ["EXEC"]]);
  const results = replies.at(-1);
  if (results instanceof Error) throw new Refused(400, results.message);
  return Response.json((results as readonly RespReply[]).map((reply) => resultOf(reply, wishes)));
}

function resultOf(reply: RespReply, { isBase64 }: Wishes): { result: unknown } | { error: string } {
  if (reply instanceof Error) return { error: reply.message };
  return { result: isBase64 ? inBase64(reply) : asText(reply) };
}

function inBase64(reply: RespReply): unknown {
  if (reply === "OK" || reply === null || typeof reply === "number") return reply;
  if (typeof reply === "string") return toBase64(encoder.encode(reply));
  if (reply instanceof Uint8Array) return toBase64(reply);
  return reply instanceof Error ? reply.message : reply.map(inBase64);
}

function asText(reply: RespReply): unknown {
  if (reply instanceof Uint8Array) return decoder.decode(reply);
  if (reply instanceof Error) return reply.message;
  return Array.isArray(reply) ? reply.map(asText) : reply;
}

function respResponse(replies: readonly RespReply[]): Response {
  const body = new Blob(replies.map((reply) => formatReply(reply) as Uint8Array<ArrayBuffer>));
  return new Response(body, { headers: { "Content-Type": "application/octet-stream" } });
}

function wishesOf({ headers }: Request): Wishes {
  return {
    isBase64: headers.get("Upstash-Encoding") === "base64",
    isResp: headers.get("Upstash-Response-Format") === "resp2",
  };
}

/** The command of a path: its segments, the body, and the query's names and values. */
async function commandOf(request: Request): Promise<Command> {
  const url = new URL(request.url);
  const command: (string | Uint8Array)[] = url.pathname.slice(1).split("/").map(decoded);
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > 0) command.push(body);
  for (const [name, value] of url.searchParams) {
    if (name === "_token") continue;
    command.push(name, ...(value === "" ? [] : [value]));
  }
  return command;
}

async function commandIn(request: Request): Promise<Command> {
  return commandFrom(await jsonIn(request));
}

async function commandsIn(request: Request): Promise<Command[]> {
  const commands = await jsonIn(request);
  if (Array.isArray(commands)) return commands.map(commandFrom);
  throw new Refused(400, "ERR the body is no JSON array of commands");
}

async function jsonIn(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw new Refused(400, "ERR the body is no JSON");
  }
}

function commandFrom(value: unknown): Command {
  if (!Array.isArray(value) || value.length === 0) {
    throw new Refused(400, "ERR a command is a JSON array that is not empty");
  }
  return value.map((argument) =>
    typeof argument === "object" ? JSON.stringify(argument) : String(argument)
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refused(400, "ERR the path is not percent-encoded UTF-8");
  }
}

/** Commands that change or occupy the one connection that all clients share. */
const unshared = new Set(
  ("auth blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client discard exec hello " +
    "monitor multi psubscribe punsubscribe quit reset select shutdown ssubscribe subscribe sunsubscribe sync psync " +
    "unsubscribe unwatch wait waitaof watch").split(" "),
);

function requireShared([name]: Command): void {
  const command = String(name).toLowerCase();
  if (unshared.has(command)) throw new Refused(400, `ERR "${command}" is not available over HTTP`);
}

async function requireToken(request: Request, token: string): Promise<void> {
  const bearer = /^Bearer (.*)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  const given = bearer ?? new URL(request.url).searchParams.get("_token") ?? "";
  if (await isSame(given, token)) return;
  throw new Refused(401, "Unauthorized");
}

// Digests are compared, so that the time it takes tells nothing of the token.
async function isSame(left: string, right: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [left, right].map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))),
  );
  return new Uint8Array(one!).every((byte, index) => byte === new Uint8Array(other!)[index]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
