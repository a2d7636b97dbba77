/**
 * The index on every store that this machine can start: how long the work of a large index takes, and
 * how many requests it costs.
 *
 * `deno run -A bench/index_caches.ts` or `node bench/index_caches.ts`. A figure is the median of several
 * rounds; ratios are to memory, which does the same work with nothing to ask. D1 is counted by its test
 * inside workerd, where its clock stands still.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { AwsClient } from "aws4fetch";
import { Redis } from "ioredis";
import { createPool } from "mysql2/promise";
import pg from "pg";
import { conclude, type Line, median, type Outcome } from "./harness.ts";
import { dynamodbIndex } from "../backends/index_dynamodb.ts";
import { memoryIndex } from "../backends/index_memory.ts";
import { mysqlIndex } from "../backends/index_mysql.ts";
import { postgresIndex } from "../backends/index_postgres.ts";
import { redisIndex } from "../backends/index_redis.ts";
import { sqliteIndex } from "../backends/index_sql.ts";
import { ioredisCommands } from "../backends/redis_ioredis.ts";
import { systemClock } from "../src/contracts/clock.ts";
import type { FileStore, StoredFile } from "../src/contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../src/contracts/index_cache.ts";
import { portableDigests } from "../src/wheels/digests.ts";
import { reloadIndex } from "../src/wheels/reload.ts";
import { dynamodb } from "../tests/services/dynamodb.ts";
import { mariadb } from "../tests/services/mariadb.ts";
import { postgres } from "../tests/services/postgres.ts";
import { redis } from "../tests/services/redis.ts";

/** An index, with its requests counted. */
interface Counted {
  readonly name: string;
  readonly index: IndexCache;
  requests(): number;
  close(): Promise<void>;
}

const PROJECT_FILES = 5_000;
const ALL_FILES = 25_000;
const ROUNDS = 3;

/** What a graceful reload of unchanged files may take on SQLite, in milliseconds. */
const RELOAD_GOAL_MS = 2_000;

function record(project: string, number: number): PackageFile {
  const filename = `${project}-1.${number}-py3-none-any.whl`;
  return {
    filename,
    project,
    version: `1.${number}`,
    uploadedAt: 1_700_000_000_000 + number,
    sizeBytes: 10_000 + number,
    sha256: number.toString(16).padStart(64, "0"),
    path: `${project}/${filename}`,
    md5: "d".repeat(32),
    blake2b: "b".repeat(64),
    requiresPython: ">=3.9",
    summary: "A project whose summary has a usual length",
    metadataSha256: "c".repeat(64),
  };
}

const large = Array.from({ length: PROJECT_FILES }, (_, at) => record("large", at));
const many = Array.from(
  { length: ALL_FILES - PROJECT_FILES },
  (_, at) => record(`project${at % 2_000}`, at),
);
const paths: readonly StoredFile[] = [...large, ...many]
  .map(({ path, sizeBytes, uploadedAt }) => ({ path, sizeBytes, modifiedAt: uploadedAt }))
  .sort((left, right) => left.path < right.path ? -1 : 1);

/** A store whose files are those of the records; a reload that reads one of them has failed. */
const files: FileStore = {
  name: "listing",
  head: () => Promise.reject(new Error("a file was looked for")),
  read: () => Promise.reject(new Error("a file was read")),
  put: () => Promise.reject(new Error("a file was written")),
  stage: () => Promise.reject(new Error("a file was written")),
  delete: () => Promise.reject(new Error("a file was deleted")),
  list: ({ limit, cursor = "0" }) => {
    const next = Number(cursor) + limit;
    const page = paths.slice(Number(cursor), next);
    return Promise.resolve({
      files: page,
      cursor: next < paths.length ? String(next) : undefined,
    });
  },
};

const works: Readonly<Record<string, (index: IndexCache) => Promise<void>>> = {
  "saveMany of 5,000 files": (index) => index.saveMany(large),
  "all() of 5,000 files": async (index) => {
    expect((await index.all("large")).files.length, PROJECT_FILES);
  },
  "distinct of 25,000 files": async (index) => expect((await index.distinct()).length, 2_001),
  "summary of 25,000 files": async (index) => expect((await index.summary()).length, 2_001),
  "graceful reload of 25,000 unchanged files": async (index) => {
    const parts = { files, index, digests: portableDigests, log: () => {}, clock: systemClock };
    const report = await reloadIndex(parts);
    expect(report.unchanged, ALL_FILES);
    expect(report.taken + report.removed + report.skipped, 0);
  },
};

function expect(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`found ${found}, not ${wanted}`);
}

async function stores(): Promise<Counted[]> {
  const opened = [memory(), await sqlite()];
  if (!redis.missing) opened.push(await overRedis());
  if (!postgres.missing) opened.push(await overPostgres());
  if (!mariadb.missing) opened.push(await overMariadb());
  if (!dynamodb.missing) opened.push(await overDynamodb());
  return opened;
}

function memory(): Counted {
  return { name: "memory", index: memoryIndex(), requests: () => 0, close: async () => {} };
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
  return { name: "sqlite", index, requests: () => count, close };
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
  return { name: "redis", index, requests: () => count, close };
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
  return { name: "postgres", index, requests: () => count, close };
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
  return { name: "mariadb", index, requests: () => count, close };
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
  return { name: "dynamodb", index, requests: () => count, close: () => server.stop() };
}

/** The median time of a work, in milliseconds, and the requests of its last round. */
async function measured(
  store: Counted,
  work: (index: IndexCache) => Promise<void>,
): Promise<{ ms: number; requests: number }> {
  const times: number[] = [];
  let requests = 0;
  // DynamoDB Local takes minutes for what the others do in seconds.
  const rounds = store.name === "dynamodb" ? 1 : ROUNDS;
  for (let round = 0; round < rounds; round++) {
    const before = store.requests();
    const startedAt = performance.now();
    await work(store.index);
    times.push(performance.now() - startedAt);
    requests = store.requests() - before;
  }
  return { ms: median(times), requests };
}

const lines = new Map<string, Line[]>(Object.keys(works).map((title) => [title, []]));
for (const store of await stores()) {
  console.log(`\n${store.name}`);
  await store.index.saveMany([...large, ...many]);
  for (const [title, work] of Object.entries(works)) {
    const { ms, requests } = await measured(store, work);
    const isShort = store.name === "sqlite" && title.includes("reload") && ms > RELOAD_GOAL_MS;
    console.log(
      `  ${title.padEnd(44)}${ms.toFixed(1).padStart(10)} ms${
        String(requests).padStart(8)
      } requests` +
        (isShort ? `  short of ${RELOAD_GOAL_MS} ms` : ""),
    );
    const own = lines.get(title)!;
    const nanoseconds = ms * 1e6;
    const ratio = nanoseconds / (own[0]?.nanoseconds ?? nanoseconds);
    own.push({ name: `${store.name}, ${requests} requests`, nanoseconds, ratio });
  }
  await store.close();
}
const outcomes = [...lines].map(([title, own]): Outcome => ({ title, rounds: ROUNDS, lines: own }));
await conclude("index_caches", outcomes);
