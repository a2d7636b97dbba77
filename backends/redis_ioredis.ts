/** Connections made by ioredis. */

import { Buffer } from "node:buffer";
import {
  type RedisArgument,
  type RedisCommand,
  type RedisCommands,
  type RedisSlots,
  sideBySide,
} from "./redis/commands.ts";
import { clusterSlots } from "./redis/slots.ts";

export type {
  RedisArgument,
  RedisCommand,
  RedisCommands,
  RedisReply,
  RedisSlots,
  TextArguments,
} from "./redis/commands.ts";
export { clusterSlots } from "./redis/slots.ts";

/** The part of a `Redis` or `Cluster` of ioredis that cairn uses. */
export interface IoredisClient {
  /** Sends any command; texts of the reply come as bytes. */
  callBuffer(...command: IoredisCommand): Promise<unknown>;
  /** The connection of a `Redis`, while it has one. */
  readonly stream?: IoredisStream | null | undefined;
}

/** The part of a connection of ioredis that cairn uses. */
export interface IoredisStream {
  /** Holds back what is written from now on. */
  cork(): void;
  /** Lets go of it, in one write. */
  uncork(): void;
}

/** A command as ioredis takes it. Names in lower case are found without making them so. */
export type IoredisCommand = [name: string, ...args: (string | Buffer)[]];

/**
 * The connection of an ioredis client, which may be one to Sentinel. What is sent within one turn of
 * the event loop leaves in one write.
 *
 * The client's own settings decide how it reconnects. cairn's `timeoutMs` bounds how long anybody
 * waits for it. Take `maxRetriesPerRequest: 0`: what has failed is then not done later, when it may
 * overwrite what is newer.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { ioredisCommands } from "@cairn/cache/ioredis";
 *
 * // new Redis("redis://localhost") of ioredis, or new Redis({ sentinels, name }).
 * const client = { callBuffer: async () => "PONG" };
 * const [reply] = await ioredisCommands(client).send([["PING"]]);
 * equal(new TextDecoder().decode(reply as Uint8Array), "PONG");
 * ```
 */
export function ioredisCommands(client: IoredisClient): RedisCommands {
  return commandsOf(client, undefined);
}

/** The connection of an ioredis `Cluster`. */
export function ioredisClusterCommands(cluster: IoredisClient): RedisCommands {
  return commandsOf(cluster, clusterSlots);
}

function commandsOf(client: IoredisClient, slots: RedisSlots | undefined): RedisCommands {
  const beginTurn = turnsOf(client);
  const call = (command: RedisCommand): Promise<unknown> => {
    beginTurn();
    const own = command.every(isText) ? command : command.map(ownBytes);
    return client.callBuffer(...own as IoredisCommand);
  };
  return Object.freeze({
    name: "ioredis",
    slots,
    arguments: "bytes",
    send: sideBySide(call, isReplyError),
  });
}

// ioredis writes each command by itself; on loopback that is two thirds of a trip.
function turnsOf(client: IoredisClient): () => void {
  let held: IoredisStream | undefined;
  const end = (): void => {
    held?.uncork();
    held = undefined;
  };
  return () => {
    if (held !== undefined || !client.stream) return;
    held = client.stream;
    held.cork();
    queueMicrotask(end);
  };
}

// ioredis takes an argument for bytes only if it is a Buffer.
function ownBytes(argument: RedisArgument): string | Buffer {
  if (typeof argument === "string") return argument;
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
}

function isText(argument: RedisArgument): argument is string {
  return typeof argument === "string";
}

function isReplyError(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}
