/** Reading one value of 100 bytes: through cairn, and through the bare client it is given. */

import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { Redis as UpstashClient } from "@upstash/redis";
import { Redis } from "ioredis";
import { Memcache } from "memcache";
import { createClient, RESP_TYPES } from "redis";
import { type Contender, type Outcome, race, timed } from "./harness.ts";
import { memcachedBackend } from "../backends/memcached.ts";
import { memcachedServer, nodeSocket } from "../backends/memcached_client.ts";
import { redisBackend, type RedisCommands } from "../backends/redis.ts";
import { upstashCommands } from "../backends/redis_http.ts";
import { ioredisCommands } from "../backends/redis_ioredis.ts";
import { nodeRedisCommands } from "../backends/redis_node_redis.ts";
import { sqliteBackend } from "../backends/sqlite.ts";
import { listen } from "../src/apps/listen.ts";
import { redisRest } from "../src/apps/redis_rest.ts";
import { redisServer } from "../src/apps/redis_socket.ts";
import { json } from "../src/compose/json_codec.ts";
import { serialized } from "../src/compose/serialized.ts";
import type { Backend } from "../src/contracts/backend.ts";
import { NEVER } from "../src/contracts/clock.ts";
import { makeRegion } from "../src/region/region.ts";
import { memcachedOfOneThread } from "../tests/services/memcached.ts";
import { redis } from "../tests/services/redis.ts";

/** Gets the value of a key. */
type Get = (key: string) => Promise<unknown> | unknown;

/** An overhead of 15 % at most. */
const GOAL = 0.87;
const AT_ONCE = 100;
const KEYS = Array.from({ length: AT_ONCE }, (_, index) => `key number ${index}`);
const TEXT = "v".repeat(98);
const VALUE = new TextEncoder().encode(JSON.stringify(TEXT));

/** Races on every store that this machine can start. */
export async function raceGets(): Promise<Outcome[]> {
  return [
    ...redis.missing ? [] : await raceRedis(),
    ...memcachedOfOneThread.missing ? [] : await raceMemcached(),
    ...await raceSqlite(),
  ];
}

function oneByOne(name: string, get: Get): Contender {
  return timed(name, AT_ONCE, async () => {
    for (const key of KEYS) required(await get(key));
  });
}

function atOnce(name: string, get: Get): Contender {
  return timed(name, AT_ONCE, async () => {
    for (const value of await Promise.all(KEYS.map(get))) required(value);
  });
}

function required(answer: unknown): void {
  const value = Array.isArray(answer) ? answer[0] : answer;
  if (value === null || value === undefined) throw new Error("A value is missing");
}

interface Gets {
  readonly over: string;
  readonly ours: Get;
  /** What the client does without cairn. */
  readonly bare: readonly [name: string, get: Get];
  /** Other clients. */
  readonly peers?: Readonly<Record<string, Get>>;
}

async function raceBoth({ over, ours, bare, peers = {} }: Gets): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [way, contender] of [["one by one", oneByOne], ["100 at once", atOnce]] as const) {
    outcomes.push(
      await race({
        title: `get over ${over}, ${way}`,
        ours: contender("cairn's store", ours),
        others: [
          contender(...bare),
          ...Object.entries(peers).map(([name, get]) => contender(name, get)),
        ],
        goals: [{ against: bare[0], atLeast: GOAL }],
      }),
    );
  }
  return outcomes;
}

async function filled(backend: Backend<Uint8Array>): Promise<Get> {
  await backend.set(KEYS.map((key) => ({ key, value: VALUE, expiresAt: NEVER })));
  return (key) => backend.get([key]);
}

async function raceRedis(): Promise<Outcome[]> {
  const server = await redis.start();
  const outcomes = [
    ...await raceIoredis(server.port),
    ...await raceNodeRedis(server.port),
    ...await raceHttp(server.port),
  ];
  await server.stop();
  return outcomes;
}

async function raceIoredis(port: number): Promise<Outcome[]> {
  const client = new Redis(port, "127.0.0.1");
  const commands = ioredisCommands(client);
  const get: Get = (key) => client.getBuffer(key);
  const plain: Get = async (key) => JSON.parse((await client.get(`plain ${key}`))!);
  for (const key of KEYS) await client.set(`plain ${key}`, JSON.stringify(TEXT));
  const outcomes = [
    ...await raceBoth({
      over: "ioredis",
      ours: await filled(redisBackend(commands)),
      bare: ["client.getBuffer(key)", get],
    }),
    await raceRegion("ioredis", commands, plain),
  ];
  client.disconnect();
  return outcomes;
}

/** The whole way: marks, freshness and decoding. */
async function raceRegion(over: string, commands: RedisCommands, get: Get): Promise<Outcome> {
  const region = makeRegion({ backend: serialized(json, redisBackend(commands)) });
  const keys = new Map(KEYS.map((key) => [key, `region ${key}`]));
  for (const key of keys.values()) await region.set(key, TEXT);
  return await race({
    title: `hit of a region over ${over}, 100 at once`,
    ours: atOnce("region.getOrCreate(key, create)", (key) => {
      return region.getOrCreate(keys.get(key)!, () => TEXT);
    }),
    others: [atOnce("JSON.parse of client.get(key)", get)],
  });
}

async function raceNodeRedis(port: number): Promise<Outcome[]> {
  const client = createClient({ socket: { host: "127.0.0.1", port } });
  client.on("error", () => {});
  await client.connect();
  const commands = nodeRedisCommands(client);
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const plain: Get = async (key) => JSON.parse((await client.get(`plain ${key}`))!);
  for (const key of KEYS) await client.set(`plain ${key}`, JSON.stringify(TEXT));
  const outcomes = [
    ...await raceBoth({
      over: "node-redis",
      ours: await filled(redisBackend(commands)),
      bare: ["client.get(key)", (key) => bytes.get(key)],
    }),
    await raceRegion("node-redis", commands, plain),
  ];
  client.destroy();
  return outcomes;
}

async function raceHttp(port: number): Promise<Outcome[]> {
  const origin = redisServer(`redis://127.0.0.1:${port}`);
  const at = { hostname: "127.0.0.1", port: 0 };
  const front = await listen(redisRest({ redis: origin, token: "t" }), at);
  const headers = { "Authorization": "Bearer t", "Upstash-Encoding": "base64" };
  const bare: Get = async (key) => {
    const body = JSON.stringify(["GET", key]);
    const response = await fetch(front.url, { method: "POST", headers, body });
    return (await response.json()).result;
  };
  const peer = new UpstashClient({ url: front.url, token: "t", enableTelemetry: false });
  const outcomes = await raceBoth({
    over: "HTTP",
    ours: await filled(redisBackend(upstashCommands({ url: front.url, token: "t" }))),
    bare: ["fetch and its JSON", bare],
    peers: { "@upstash/redis": (key) => peer.get(key) },
  });
  await front.stop();
  origin.close();
  return outcomes;
}

async function raceMemcached(): Promise<Outcome[]> {
  const running = await memcachedOfOneThread.start();
  const address = `127.0.0.1:${running.port}`;
  const server = memcachedServer(address, { connect: nodeSocket() });
  const peer = new Memcache(address);
  await peer.connect();
  for (const key of KEYS) await peer.set(`peer${key.replaceAll(" ", "_")}`, TEXT);
  const bare: Get = (key) => server.run("get", [{ verb: "mg", key, flags: ["v"] }]);
  const outcomes = await raceBoth({
    over: "memcached",
    ours: await filled(memcachedBackend(server)),
    bare: ["our own client's mg", bare],
    peers: { "memcache": (key) => peer.get(`peer${key.replaceAll(" ", "_")}`) },
  });
  server.close();
  await peer.disconnect();
  await running.stop();
  return outcomes;
}

async function raceSqlite(): Promise<Outcome[]> {
  const database = new DatabaseSync(":memory:");
  const ours = await filled(sqliteBackend(database));
  const query = database.prepare("SELECT value FROM cairn_entries WHERE key = ?");
  const outcomes = await raceBoth({
    over: "SQLite",
    ours,
    bare: ["a prepared statement", (key) => query.get(key)?.["value"]],
  });
  database.close();
  return outcomes;
}
