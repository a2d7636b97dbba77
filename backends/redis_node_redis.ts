/** Connections made by node-redis (the package `redis`, version 5 and later). */

import { Buffer } from "node:buffer";
import {
  type RedisArgument,
  type RedisCommand,
  type RedisCommands,
  type RedisSlots,
  routingKeyOf,
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

/** How node-redis is asked for replies as bytes: by the type bytes of the protocol. */
export interface NodeRedisOptions {
  /** What each kind of reply becomes. */
  readonly typeMapping: Readonly<Record<number, unknown>>;
}

/** The part of a client of `createClient` that cairn uses. */
export interface NodeRedisClient {
  /** Sends any command. */
  sendCommand(args: readonly NodeRedisArgument[], options: NodeRedisOptions): Promise<unknown>;
}

/** The part of a client of `createSentinel` that cairn uses. */
export interface NodeRedisSentinel {
  /** Sends any command, to the master unless it only reads. */
  sendCommand(
    isReadonly: boolean,
    args: NodeRedisArgument[],
    options: NodeRedisOptions,
  ): Promise<unknown>;
}

/** The part of a client of `createCluster` that cairn uses. */
export interface NodeRedisCluster {
  /** Sends any command to the server that holds a key. */
  sendCommand(
    firstKey: NodeRedisArgument | undefined,
    isReadonly: boolean,
    args: NodeRedisArgument[],
    options: NodeRedisOptions,
  ): Promise<unknown>;
}

/** One argument, as node-redis takes it. */
export type NodeRedisArgument = string | Buffer;

/**
 * The connection of a connected client. Give it an `error` listener, as node-redis demands, and
 * `disableOfflineQueue: true`: what has failed is then not done later, when it may overwrite what is
 * newer.
 */
export function nodeRedisCommands(client: NodeRedisClient): RedisCommands {
  return commandsOf(undefined, (command) => client.sendCommand(ownArguments(command), asBytes));
}

/** The connection of a connected Sentinel client. Reads go to the master, to see every write. */
export function nodeRedisSentinelCommands(sentinel: NodeRedisSentinel): RedisCommands {
  return commandsOf(
    undefined,
    (command) => sentinel.sendCommand(false, ownArguments(command), asBytes),
  );
}

/** The connection of a connected cluster client. */
export function nodeRedisClusterCommands(cluster: NodeRedisCluster): RedisCommands {
  return commandsOf(clusterSlots, (command) => {
    const key = routingKeyOf(command);
    const firstKey = key === undefined ? undefined : ownBytes(key);
    return cluster.sendCommand(firstKey, false, ownArguments(command), asBytes);
  });
}

/** Bulk strings, whose type byte is `$`, as Buffers. */
const asBytes: NodeRedisOptions = Object.freeze({ typeMapping: Object.freeze({ 36: Buffer }) });

function commandsOf(
  slots: RedisSlots | undefined,
  call: (command: RedisCommand) => Promise<unknown>,
): RedisCommands {
  return Object.freeze({
    name: "node-redis",
    slots,
    arguments: "bytes",
    send: sideBySide(call, isErrorReply),
  });
}

const refusals = /^(SimpleError|BlobError|ErrorReply)$/;

function ownArguments(command: RedisCommand): NodeRedisArgument[] {
  return command.map(ownBytes);
}

function ownBytes(argument: RedisArgument): NodeRedisArgument {
  if (typeof argument === "string") return argument;
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
}

function isErrorReply(error: unknown): boolean {
  return error instanceof Error && refusals.test(error.constructor.name);
}
