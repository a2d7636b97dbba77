/** Every store of an index that this machine can start, with its requests counted. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { AwsClient } from "aws4fetch";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { Miniflare } from "miniflare";
import { createPool } from "mysql2/promise";
import pg from "pg";
import { dynamodbIndex } from "../backends/index_dynamodb.ts";
import { memoryIndex } from "../backends/index_memory.ts";
import { mysqlIndex } from "../backends/index_mysql.ts";
import { postgresIndex } from "../backends/index_postgres.ts";
import { redisIndex } from "../backends/index_redis.ts";
import { sqliteIndex } from "../backends/index_sql.ts";
import { ioredisCommands } from "../backends/redis_ioredis.ts";
import type { IndexCache } from "../src/contracts/index_cache.ts";
import { dynamodb } from "../tests/services/dynamodb.ts";
import { mariadb } from "../tests/services/mariadb.ts";
import { postgres } from "../tests/services/postgres.ts";
import { redis } from "../tests/services/redis.ts";
import { fill, works } from "./index_works.ts";

/** A store at work. */
export interface Store {
  readonly name: string;
  /** What is counted. */
  readonly unit: "requests" | "statements";
  /** Does a work by its title, or fills the index where there is none; answers what that took. */
  run(title?: string): Promise<number>;
  close(): Promise<void>;
}

interface Counted {
  readonly name: string;
  readonly unit: Store["unit"];
  readonly index: IndexCache;
  requests(): number;
  close(): Promise<void>;
}

/** How to start each store. */
export function startStores(): (() => Promise<Store>)[] {
  const here = (start: () => Counted | Promise<Counted>) => async () => inProcess(await start());
  return [
    here(memory),
    here(sqlite),
    overD1,
    ...redis.missing ? [] : [here(overRedis)],
    ...postgres.missing ? [] : [here(overPostgres)],
    ...mariadb.missing ? [] : [here(overMariadb)],
    ...dynamodb.missing ? [] : [here(overDynamodb)],
  ];
}

function inProcess({ name, unit, index, requests, close }: Counted): Store {
  const run = async (title?: string): Promise<number> => {
    const before = requests();
    await (title === undefined ? fill : works[title]!)(index);
    return requests() - before;
  };
  return { name, unit, run, close };
}

function memory(): Counted {
  return {
    name: "memory",
    unit: "requests",
    index: memoryIndex(),
    requests: () => 0,
    close: async () => {},
  };
}

async function sqlite(): Promise<Counted> {
  const folder = await mkdtemp(`${tmpdir()}/cairn-bench-`);
  const database = new DatabaseSync(`${folder}/index.sqlite`);
  let count = 0;
  const index = sqliteIndex({
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        all: (...parameters) => {
          count++;
          return statement.all(...parameters);
        },
      };
    },
  });
  const close = async (): Promise<void> => {
    database.close();
    await rm(folder, { recursive: true });
  };
  return { name: "sqlite", unit: "statements", index, requests: () => count, close };
}

async function overRedis(): Promise<Counted> {
  const server = await redis.start();
  const client = new Redis(server.port, "127.0.0.1");
  const commands = ioredisCommands(client);
  let count = 0;
  const index = redisIndex({
    ...commands,
    send: (all) => {
      count++;
      return commands.send(all);
    },
  }, { timeoutMs: 60_000 });
  const close = async (): Promise<void> => {
    client.disconnect();
    await server.stop();
  };
  return { name: "redis", unit: "requests", index, requests: () => count, close };
}

async function overPostgres(): Promise<Counted> {
  const server = await postgres.start();
  const place = { host: "127.0.0.1", port: server.port, user: "postgres" };
  const pool = new pg.Pool({ ...place, database: "postgres" });
  pool.on("error", () => {});
  let count = 0;
  const index = postgresIndex({
    connect: async () => {
      const client = await pool.connect();
      const query = (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
        count++;
        return client.query(text, values);
      };
      return {
        query,
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event, listener),
        off: (event, listener) => client.off(event, listener),
      };
    },
  });
  const close = async (): Promise<void> => {
    await pool.end();
    await server.stop();
  };
  return { name: "postgres", unit: "statements", index, requests: () => count, close };
}

async function overMariadb(): Promise<Counted> {
  const server = await mariadb.start();
  const place = { host: "127.0.0.1", port: server.port, user: "root", charset: "utf8mb4" };
  const maker = createPool(place);
  await maker.query("create database cairn");
  await maker.end();
  const pool = createPool({ ...place, database: "cairn" });
  let count = 0;
  const index = mysqlIndex({
    getConnection: async () => {
      const connection = await pool.getConnection();
      return {
        query: async (sql, values) => {
          count++;
          return await connection.query(sql, values) as [unknown, unknown];
        },
        release: () => connection.release(),
        destroy: () => connection.destroy(),
      };
    },
  });
  const close = async (): Promise<void> => {
    await pool.end();
    await server.stop();
  };
  return { name: "mariadb", unit: "statements", index, requests: () => count, close };
}

async function overDynamodb(): Promise<Counted> {
  const server = await dynamodb.start();
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
  const client = new AwsClient({ ...credentials, region: "eu-central-1", service: "dynamodb" });
  let count = 0;
  const signer = {
    fetch: (url: string, request: RequestInit): Promise<Response> => {
      count++;
      return client.fetch(url, request);
    },
  };
  const place = { host: "127.0.0.1", port: server.port, timeoutMs: 60_000 };
  const index = dynamodbIndex(signer, place);
  return {
    name: "dynamodb",
    unit: "requests",
    index,
    requests: () => count,
    close: () => server.stop(),
  };
}

/** D1 is asked where it is, inside workerd: from outside every answer would pass through a socket. */
async function overD1(): Promise<Store> {
  const { outputFiles } = await build({
    entryPoints: ["bench/index_worker.ts"],
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
  });
  const worker = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.mjs", contents: outputFiles[0]!.text }],
    compatibilityDate: "2026-07-01",
    d1Databases: ["INDEX"],
  });
  const run = async (title = ""): Promise<number> => {
    const address = `http://bench.test/${encodeURIComponent(title)}`;
    const response = await worker.dispatchFetch(address);
    const text = await response.text();
    if (response.ok) return Number(text);
    throw new Error(`Cannot measure D1: ${text}`);
  };
  return { name: "d1", unit: "statements", run, close: () => worker.dispose() };
}
