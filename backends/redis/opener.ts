/** Opening Redis by an address or by dogpile.cache's arguments, with ioredis. */

import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { type EntriesForm, redisEntries } from "./entries.ts";
import { type IoredisClient, ioredisCommands } from "../redis_ioredis.ts";

/** ioredis names its durations after no unit. */
export type Milliseconds = number;

/** What of ioredis's options is set. */
export interface IoredisSettings {
  /** Its host. */
  readonly host?: string;
  /** Its port. */
  readonly port?: number;
  /** The Sentinels to ask. */
  readonly sentinels?: readonly { readonly host: string; readonly port: number }[];
  /** The service that they name. */
  readonly name?: string;
  /** Its user. */
  readonly username?: string;
  /** The password. */
  readonly password?: string;
  /** The number of the database. */
  readonly db?: number;
  /** Present for TLS. */
  readonly tls?: Readonly<Record<string, never>>;
  /** How long to wait for a connection, in milliseconds. */
  readonly connectTimeout?: Milliseconds;
  /** Whether idle connections are probed, and after how long, in milliseconds. */
  readonly keepAlive?: Milliseconds;
  /** How often a command is sent again after its connection was lost. */
  readonly maxRetriesPerRequest: number;
}

/** Opens Redis; the entries are cairn's own records. */
export async function openRedis(args: OpenerArguments): Promise<OpenedStore> {
  return await opened(args, "cairn");
}

/** Opens Redis; the entries are dogpile.cache's records. */
export async function openDogpileRedis(args: OpenerArguments): Promise<OpenedStore> {
  return await opened(args, "dogpile");
}

/** As {@linkcode openDogpileRedis}, with the locks of dogpile_backend_redis_advanced. */
export async function openRedisAdvanced(args: OpenerArguments): Promise<OpenedStore> {
  return await opened({ ...advanced, ...args }, "dogpile");
}

/**
 * The same with hashes for the keys of `hashKey`. The argument `redis_expiration_time_hash` says which
 * writes give a hash a time to live: `true` every one, `false` none, else the one that makes it.
 */
export async function openRedisAdvancedHashes(args: OpenerArguments): Promise<OpenedStore> {
  return await opened({ ...advanced, ...args }, "dogpile hashes");
}

/** Its version 0.5 has locks of another name than dogpile.cache. */
const advanced: OpenerArguments = Object.freeze({ lock_prefix: "_lok." });

/**
 * The settings of a client for an address, `redis://`, `rediss://` or `redis+sentinel://`, or for the
 * arguments `url`, or `host`, `port`, `db`, `username`, `password`, `socket_timeout` in seconds and
 * `socket_keepalive`. An address goes before everything else; unknown arguments are ignored.
 */
export function ioredisSettings(args: OpenerArguments): IoredisSettings {
  const { socket_timeout: seconds, socket_keepalive: isKeptAlive } = args;
  return Object.freeze({
    ...placeOf(args),
    ...(typeof seconds === "number" ? { connectTimeout: seconds * 1_000 } : {}),
    ...(isKeptAlive === true ? { keepAlive: keepAliveMs } : {}),
    // Sent again, a command whose reply was lost could be done twice.
    maxRetriesPerRequest: 0,
  });
}

const keepAliveMs = 60_000;
const sentinelPort = 26_379;

async function opened(args: OpenerArguments, form: EntriesForm): Promise<OpenedStore> {
  const { client } = args;
  if (client !== undefined) {
    const commands = ioredisCommands(client as IoredisClient);
    return { ...redisEntries(commands, args, form), close: async () => {} };
  }
  const own = await connected(args);
  const entries = redisEntries(ioredisCommands(own), args, form);
  return { ...entries, close: async () => own.disconnect() };
}

async function connected(args: OpenerArguments): Promise<OwnClient> {
  const settings = ioredisSettings(args);
  const { Redis } = await ioredis();
  const client = new Redis(settings);
  // A command that fails says so itself; without a listener the process would hear of it, too.
  client.on("error", () => {});
  return client;
}

interface OwnClient extends IoredisClient {
  on(event: "error", listener: () => void): unknown;
  disconnect(): void;
}

interface IoredisModule {
  readonly Redis: new (settings: IoredisSettings) => OwnClient;
}

async function ioredis(): Promise<IoredisModule> {
  try {
    return await import("ioredis") as unknown as IoredisModule;
  } catch (cause) {
    throw new TypeError("Cannot open Redis: the package ioredis is not there", { cause });
  }
}

function placeOf(args: OpenerArguments): Omit<IoredisSettings, "maxRetriesPerRequest"> {
  const address = args.address ?? (args.url === undefined ? undefined : String(args.url));
  if (address !== undefined) {
    return address.startsWith("redis+sentinel:") ? sentinelsOf(address) : serverOf(address);
  }
  const { host = "localhost", port = 6_379, db = 0, username, password } = args;
  return {
    host: String(host),
    port: Number(port),
    db: Number(db),
    ...(isStated(username) ? { username: String(username) } : {}),
    ...(isStated(password) ? { password: String(password) } : {}),
  };
}

function serverOf(address: string): Omit<IoredisSettings, "maxRetriesPerRequest"> {
  if (!URL.canParse(address)) throw new TypeError("Cannot open Redis: its address is no URL");
  const { protocol, hostname, port, pathname, username, password } = new URL(address);
  return {
    host: decodeURIComponent(hostname).replace(/^\[|\]$/g, "") || "localhost",
    port: Number(port || 6_379),
    db: Number(pathname.slice(1) || 0),
    ...userOf(username, password),
    ...(protocol === "rediss:" ? { tls: {} } : {}),
  };
}

const sentinelAddress =
  /^redis\+sentinel:\/\/(?:([^:@]*)(?::([^@]*))?@)?([^/@]+)\/([^/]+)(?:\/(\d+))?$/;

function sentinelsOf(address: string): Omit<IoredisSettings, "maxRetriesPerRequest"> {
  const [, username = "", password = "", servers, name, db] = sentinelAddress.exec(address) ?? [];
  if (servers === undefined || name === undefined) {
    throw new TypeError("Cannot open Redis: give redis+sentinel://HOST:PORT,HOST:PORT/SERVICE");
  }
  const sentinels = servers.split(",").map((server) => {
    const [host = "", port] = server.split(":");
    return { host, port: Number(port ?? sentinelPort) };
  });
  return { sentinels, name, db: Number(db ?? 0), ...userOf(username, password) };
}

function userOf(username: string, password: string): { username?: string; password?: string } {
  return {
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
  };
}

function isStated(value: unknown): boolean {
  return value !== undefined && value !== null;
}
