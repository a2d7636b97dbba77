/**
 * What operations cost on a store: the commands it is given and the round trips they take, counted at
 * the store; beside dogpile.cache, whose process is given the same Redis.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { memcachedBackend, memcachedLocks } from "../backends/memcached.ts";
import { memcachedServer, type MetaCommand, nodeSocket } from "../backends/memcached_client.ts";
import { redisBackend, type RedisCommands, redisLocks } from "../backends/redis.ts";
import { upstashCommands } from "../backends/redis_http.ts";
import { ioredisCommands } from "../backends/redis_ioredis.ts";
import { nodeRedisCommands } from "../backends/redis_node_redis.ts";
import {
  sqliteBackend,
  type SqliteHandle,
  sqliteLocks,
  type SqliteValue,
} from "../backends/sqlite.ts";
import { listen } from "../src/apps/listen.ts";
import { redisRest } from "../src/apps/redis_rest.ts";
import { redisServer } from "../src/apps/redis_socket.ts";
import { json } from "../src/compose/json_codec.ts";
import { serialized } from "../src/compose/serialized.ts";
import { serializedLocks } from "../src/compose/serialized_locks.ts";
import type { Backend } from "../src/contracts/backend.ts";
import { type Clock, systemClock } from "../src/contracts/clock.ts";
import type { Locks } from "../src/contracts/locks.ts";
import { makeRegion, type Region } from "../src/region/region.ts";
import { memcached } from "../tests/services/memcached.ts";
import { pythonTool } from "../tests/services/python.ts";
import { connectRedis, type RedisAdmin } from "../tests/services/redis_admin.ts";
import { redisProxy } from "../tests/services/redis_proxy.ts";
import { redis } from "../tests/services/redis.ts";

/** What an operation costs. */
export interface Cost {
  readonly operation: string;
  readonly commands: number;
  /** Nothing where there is no network. */
  readonly trips?: number;
}

/** What all operations cost over one store. */
export interface Costs {
  readonly name: string;
  readonly costs: readonly Cost[];
}

/** A program that does operations by name, with what it asks counted. */
interface Counted {
  readonly name: string;
  run(operation: Operation): Promise<void>;
  /** The commands and trips so far; once no more of them are on their way. */
  count(): Promise<{ commands: number; trips?: number }>;
  close(): Promise<void>;
}

const BATCH = Array.from({ length: 10 }, (_, index) => `batch-${index}`);
const SOFT_MS = 10_000;

/** In this order each finds what those before it have left. */
const OPERATIONS = [
  "cold",
  "hit",
  "stale",
  "batch missing",
  "batch fresh",
  "set",
  "delete",
] as const;

type Operation = "warm" | typeof OPERATIONS[number];

/** Time that can be put forward while the platform's goes on. */
class AheadClock implements Clock {
  aheadMs = 0;
  readonly sleep: Clock["sleep"] = systemClock.sleep;
  now(): number {
    return systemClock.now() + this.aheadMs;
  }
}

/** Counts everything, on every store that this machine can start. */
export async function countTrips(): Promise<Costs[]> {
  const makers = [
    ...redis.missing ? [] : [overIoredis, overNodeRedis, overHttp, overDogpile],
    ...memcached.missing ? [] : [overMemcached],
    overSqlite,
  ];
  const all: Costs[] = [];
  for (const make of makers) {
    const counted = await make();
    if (counted === undefined) continue;
    try {
      all.push({ name: counted.name, costs: await costsOf(counted) });
    } finally {
      await counted.close();
    }
  }
  return all;
}

async function costsOf(counted: Counted): Promise<Cost[]> {
  // Twice, so that scripts are known and marks are made.
  await counted.run("warm");
  await counted.run("warm");
  const costs: Cost[] = [];
  for (const operation of OPERATIONS) {
    const before = await counted.count();
    await counted.run(operation);
    const after = await counted.count();
    costs.push({
      operation,
      commands: after.commands - before.commands,
      ...(after.trips === undefined ? {} : { trips: after.trips - before.trips! }),
    });
  }
  return costs;
}

/** Does the operations through a region. */
function runnerOf(region: Region, clock: AheadClock): (operation: Operation) => Promise<void> {
  const create = (key: string): Promise<unknown> => region.getOrCreate(key, () => 1);
  const createMany = (): Promise<unknown> =>
    region.getOrCreateMulti(BATCH, (missing) => missing.map(() => 1));
  const work: Readonly<Record<Operation, () => Promise<unknown>>> = {
    "warm": async () => {
      await create("warm");
      await region.set("warm", 1);
      await region.delete("warm");
    },
    "cold": () => create("key"),
    "hit": () => create("key"),
    "stale": () => {
      clock.aheadMs += SOFT_MS + 1;
      return create("key");
    },
    "batch missing": createMany,
    "batch fresh": createMany,
    "set": () => region.set("key", 1),
    "delete": () => region.delete("key"),
  };
  return async (operation) => void (await work[operation]());
}

function regionOf(
  clock: AheadClock,
  { backend, locks }: { backend: Backend<Uint8Array>; locks: Locks<Uint8Array> },
): Region {
  return makeRegion({
    backend: serialized(json, backend),
    locks: serializedLocks(json, locks),
    softTtlMs: SOFT_MS,
    hardTtlMs: 10 * SOFT_MS,
    marksMaxAgeMs: 100 * SOFT_MS,
    clock,
  });
}

/** A Redis behind a line that counts, and a count of what it does. */
async function startRedis() {
  const server = await redis.start();
  const line = await redisProxy(server.port);
  const admin = await connectRedis(server.port);
  const count = await commandCounter(admin);
  return {
    port: line.port,
    serverPort: server.port,
    count: async () => ({ commands: await count(), trips: line.trips() }),
    close: async () => {
      admin.close();
      await line.close();
      await server.stop();
    },
  };
}

async function commandCounter(admin: RedisAdmin): Promise<() => Promise<number>> {
  let [commands, echoes] = [0, 0];
  await admin.monitor(([name = ""]) => {
    if (name.toUpperCase() === "ECHO") echoes++;
    else commands++;
  });
  return async () => {
    const awaited = echoes + 1;
    await admin.call("ECHO", "counted so far");
    while (echoes < awaited) await systemClock.sleep(1);
    return commands;
  };
}

async function overRedis(
  name: string,
  connect: (port: number) => Promise<{ commands: RedisCommands; close(): void }>,
): Promise<Counted> {
  const { port, count, close } = await startRedis();
  const own = await connect(port);
  const clock = new AheadClock();
  const region = regionOf(clock, {
    backend: redisBackend(own.commands, { clock }),
    locks: redisLocks(own.commands, { clock }),
  });
  return {
    name,
    run: runnerOf(region, clock),
    count,
    close: async () => {
      own.close();
      await close();
    },
  };
}

function overIoredis(): Promise<Counted> {
  return overRedis("Redis by ioredis", async (port) => {
    const client = new Redis(port, "127.0.0.1");
    await client.ping();
    return { commands: ioredisCommands(client), close: () => client.disconnect() };
  });
}

function overNodeRedis(): Promise<Counted> {
  return overRedis("Redis by node-redis", async (port) => {
    const client = createClient({ socket: { host: "127.0.0.1", port } });
    client.on("error", () => {});
    await client.connect();
    return { commands: nodeRedisCommands(client), close: () => client.destroy() };
  });
}

async function overHttp(): Promise<Counted> {
  const { serverPort, count, close } = await startRedis();
  const origin = redisServer(`redis://127.0.0.1:${serverPort}`);
  const front = await listen(redisRest({ redis: origin, token: "t" }), {
    hostname: "127.0.0.1",
    port: 0,
  });
  let requests = 0;
  const commands = upstashCommands({
    url: front.url,
    token: "t",
    fetch: (address, request) => (requests++, fetch(address, request)),
  });
  const clock = new AheadClock();
  const region = regionOf(clock, {
    backend: redisBackend(commands, { clock }),
    locks: redisLocks(commands, { clock }),
  });
  return {
    name: "Redis over HTTP",
    run: runnerOf(region, clock),
    count: async () => ({ ...await count(), trips: requests }),
    close: async () => {
      await front.stop();
      origin.close();
      await close();
    },
  };
}

async function overDogpile(): Promise<Counted | undefined> {
  const python = pythonTool("python");
  if (python.missing) return undefined;
  const { port, count, close } = await startRedis();
  const script = fileURLToPath(new URL("dogpile_trips.py", import.meta.url));
  const child = spawn(python.path, [script, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    name: "dogpile.cache",
    run: async (operation) => {
      child.stdin!.write(`${operation}\n`);
      if ((await answers.next()).value !== "done") throw new Error("dogpile.cache has ended");
    },
    count,
    close: async () => {
      await ended(child);
      await close();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const isOver = new Promise((resolve) => child.once("exit", resolve));
  child.stdin!.end();
  await isOver;
}

async function overMemcached(): Promise<Counted> {
  const running = await memcached.start();
  const line = await redisProxy(running.port);
  const inner = memcachedServer(`127.0.0.1:${line.port}`, {
    connect: nodeSocket(),
    connections: 1,
  });
  let commands = 0;
  const counted = <C extends readonly MetaCommand[]>(batch: C): C => {
    commands += batch.length;
    return batch;
  };
  const server = {
    label: inner.label,
    get era() {
      return inner.era;
    },
    run: (operation: string, batch: readonly MetaCommand[]) => inner.run(operation, counted(batch)),
    runIn: (era: number, operation: string, batch: readonly MetaCommand[]) =>
      inner.runIn(era, operation, counted(batch)),
    close: () => inner.close(),
  };
  const clock = new AheadClock();
  const region = regionOf(clock, {
    backend: memcachedBackend(server, { clock }),
    locks: memcachedLocks(server, { clock }),
  });
  return {
    name: "memcached",
    run: runnerOf(region, clock),
    count: () => Promise.resolve({ commands, trips: line.trips() }),
    close: async () => {
      inner.close();
      await line.close();
      await running.stop();
    },
  };
}

async function overSqlite(): Promise<Counted> {
  const folder = await mkdtemp(`${tmpdir()}/cairn-trips-`);
  const database = new DatabaseSync(`${folder}/cache.db`);
  let commands = 0;
  const handle: SqliteHandle = {
    exec: (sql: string) => (commands++, database.exec(sql)),
    prepare: (sql: string) => {
      const query = database.prepare(sql);
      return {
        get: (...args: SqliteValue[]) => (commands++, query.get(...args)),
        setReturnArrays: (isOn: boolean) => query.setReturnArrays(isOn),
      };
    },
  };
  const clock = new AheadClock();
  const region = regionOf(clock, {
    backend: sqliteBackend(handle, { clock }),
    locks: sqliteLocks(handle, { clock }),
  });
  return {
    name: "SQLite, statements",
    run: runnerOf(region, clock),
    count: () => Promise.resolve({ commands }),
    close: async () => {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}
