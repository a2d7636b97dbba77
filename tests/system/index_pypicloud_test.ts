/** One index with PyPICloud itself: each reads the tables that the other one has made and filled. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { AwsClient } from "aws4fetch";
import { Redis } from "ioredis";
import { createPool } from "mysql2/promise";
import pg from "pg";
import { dynamodbIndex } from "../../backends/index_dynamodb.ts";
import { memoryIndex } from "../../backends/index_memory.ts";
import { mysqlIndex } from "../../backends/index_mysql.ts";
import { postgresIndex } from "../../backends/index_postgres.ts";
import { redisIndex } from "../../backends/index_redis.ts";
import { sqliteIndex } from "../../backends/index_sql.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import type { IndexCache } from "../../src/contracts/index_cache.ts";
import { run } from "../clients/command.ts";
import { fullRecord, recordOf } from "../conformance/index_cache_fixture.ts";
import { countsOf, House, wheel } from "../conformance/index_cache_house.ts";
import { dynamodb } from "../services/dynamodb.ts";
import { mariadb } from "../services/mariadb.ts";
import { postgres } from "../services/postgres.ts";
import { pythonTool } from "../services/python.ts";
import { redis } from "../services/redis.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import type { Server, Service } from "../services/server.ts";

/** An empty place that both can open. */
interface Place {
  /** What PyPICloud is told of it. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly index: IndexCache;
  close(): void | Promise<void>;
}

/** A package as PyPICloud has it. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly last_modified: number;
  readonly summary: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

const python = pythonTool("python");
const peer = fileURLToPath(new URL("../clients/pypicloud_peer.py", import.meta.url));
const base = await mkdtemp(join(tmpdir(), "cairn-pypicloud-"));
let places = 0;

after(() => rm(base, { recursive: true, force: true }));

async function pypicloud(place: Place, ...steps: unknown[][]): Promise<unknown[]> {
  const settings = {
    "pypi.storage": "file",
    "storage.dir": join(base, "files"),
    ...place.settings,
  };
  const env = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", HOME: base };
  const args = [peer, JSON.stringify(settings), JSON.stringify(steps)];
  const { code, output } = await run(python.path, args, { env });
  equal(code, 0, output);
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

function cases(open: () => Promise<Place> | Place): void {
  const trial = async (test: (place: Place) => Promise<void>): Promise<void> => {
    const place = await open();
    try {
      await test(place);
    } finally {
      await place.close();
    }
  };

  it("takes over what PyPICloud has uploaded, with its uploaders, and PyPICloud reads on", () =>
    trial(takesOver));
  it("is read by PyPICloud", () => trial(isRead));
  it("goes on after PyPICloud has removed a row", () => trial(goesOn));
  it("I-206: the pages of what PyPICloud has uploaded are those of an index made anew", () =>
    trial(hasTheSamePages));
}

async function takesOver(place: Place): Promise<void> {
  const { index } = place;
  const made = [wheel("demo", "9.0", { summary: "low" }), wheel("demo", "10.0")];
  const gone = wheel("gone", "1.0");
  const uploads = await Promise.all([...made, gone].map(async ({ filename, bytes }) => {
    const path = join(base, filename);
    await writeFile(path, bytes);
    return ["upload", path, { uploader: "zoë", summary: "as PyPICloud was told" }];
  }));
  const theirs = await pypicloud(place, ...uploads) as Package[];
  const filenames = [...made, gone].map(({ filename }) => filename);
  deepEqual(await index.fetchMany(filenames), [undefined, undefined, undefined]);
  deepEqual(await index.all("demo"), { files: [], serial: 0, isClaimed: false });
  deepEqual([await index.distinct(), await index.summary()], [[], []]);
  deepEqual(await index.search({ names: ["demo"], operator: "or" }), []);
  deepEqual((await index.list({ limit: 10 })).files, []);

  const house = new House({ index, other: index });
  for (const each of made) await house.put(each);
  deepEqual(countsOf(await house.reload()), { unchanged: 0, taken: 2, removed: 0 });
  deepEqual(countsOf(await house.reload()), { unchanged: 2, taken: 0, removed: 0 });
  const records = await index.fetchMany(filenames);
  for (const at of [0, 1]) {
    const { uploader, md5, sha256 } = records[at]!;
    const { hash_sha256, hash_md5 } = theirs[at]!.data;
    deepEqual([uploader, md5, sha256], ["zoë", hash_md5, hash_sha256]);
  }
  equal(records[2], undefined);
  deepEqual(await index.distinct(), ["demo"]);
  deepEqual(await index.summary(), [
    { project: "demo", version: "10.0", uploadedAt: records[1]!.uploadedAt },
  ]);

  const [all, names] = await pypicloud(place, ["all", "demo"], ["distinct"]);
  deepEqual(
    (all as Package[]).map(({ filename }) => filename).sort(),
    filenames.slice(0, 2).sort(),
  );
  for (const { data } of all as Package[]) equal(data.uploader, "zoë");
  deepEqual(names, ["demo", "gone"]);
}

async function hasTheSamePages(place: Place): Promise<void> {
  const made = [
    wheel("demo", "9.0", { summary: "low" }),
    wheel("demo", "10.0"),
    wheel("other", "1.0"),
    await makeSdist({ name: "demo", version: "9.0" }),
  ];
  const uploads = await Promise.all(made.map(async ({ filename, bytes }) => {
    const path = join(base, filename);
    await writeFile(path, bytes);
    return ["upload", path, { requires_python: ">=3.9" }];
  }));
  const theirs = await pypicloud(place, ...uploads) as Package[];
  const houses = [place.index, memoryIndex()].map((index) => new House({ index, other: index }));
  for (const house of houses) {
    for (const each of made) await house.put(each);
    await house.reload();
  }
  const [taken, anew] = await Promise.all(houses.map(pagesOf));
  deepEqual(taken, anew);
  const hashes = new Map(theirs.map(({ filename, data }) => [filename, data.hash_sha256]));
  for (const { filename } of made) ok(taken!.includes(`${hashes.get(filename)}`), filename);
  equal(hashes.size, made.length);
}

/** All pages, without the serials, which are each index's own. */
async function pagesOf({ wheelhouse }: House): Promise<string> {
  const texts: string[] = [];
  for (const form of ["json", "html"] as const) {
    const variant = { form, encoding: "identity" } as const;
    const pages = [
      await wheelhouse.list(variant),
      (await wheelhouse.page("demo", variant))!.page,
      (await wheelhouse.page("other", variant))!.page,
    ];
    texts.push(...pages.map(({ body }) => new TextDecoder().decode(body)));
  }
  return texts.join("\n").replace(/("_last-serial":|SERIAL )\d+/g, "$1");
}

async function isRead(place: Place): Promise<void> {
  const { index } = place;
  await pypicloud(place, ["distinct"]);
  const high = recordOf("demo", "3.0", { summary: "high" });
  await index.saveMany([fullRecord, high, recordOf("plain")]);
  const [found, all, names, summary, hits, health] = await pypicloud(
    place,
    ["fetch", fullRecord.filename],
    ["all", "demo"],
    ["distinct"],
    ["summary"],
    ["search", { name: ["plain"], summary: ["plain"] }, "or"],
    ["health"],
  ) as [Package, Package[], string[], Package[], Package[], unknown];
  const { data, last_modified, ...facts } = found;
  ok(Math.abs(last_modified - fullRecord.uploadedAt) <= 1, String(last_modified));
  deepEqual(facts, {
    name: "demo",
    version: fullRecord.version,
    filename: fullRecord.filename,
    summary: fullRecord.summary,
  });
  deepEqual(
    [data.hash_sha256, data.hash_md5, data.requires_python, data.uploader, data.path],
    ["sha256", "md5", "requiresPython", "uploader", "path"].map((fact) =>
      fullRecord[fact as keyof typeof fullRecord]
    ),
  );
  equal(all.length, 2);
  deepEqual([names, health], [["demo", "plain"], [true, ""]]);
  const texts = summary.map(({ name, summary: text }) => [name, text]).sort();
  deepEqual(texts, [["demo", "high"], ["plain", null]]);
  deepEqual(hits.map(({ name }) => name), ["plain"]);
}

async function goesOn(place: Place): Promise<void> {
  const { index } = place;
  const high = recordOf("demo", "3.0", { summary: "high" });
  await pypicloud(place, ["distinct"]);
  await index.saveMany([fullRecord, high]);
  await pypicloud(place, ["clear", high.filename]);
  equal(await index.fetch(high.filename), undefined);
  const next = recordOf("demo", "1.0", { summary: "low" });
  await index.save(next);
  deepEqual(await index.fetch(next.filename), next);
  deepEqual(await index.fetch(fullRecord.filename), fullRecord);
}

function shared(
  name: string,
  service: Service,
  open: (server: Server) => Promise<Place> | Place,
): void {
  describe(name, { skip: service.missing || python.missing }, () => {
    let server: Server;
    before(async () => void (server = await service.start()));
    after(() => server.stop());
    cases(() => open(server));
  });
}

describe("SQLite and PyPICloud", { skip: python.missing }, () => {
  cases(() => {
    const file = join(base, `place-${++places}.sqlite`);
    const database = new DatabaseSync(file);
    return {
      settings: { "pypi.db": "sql", "db.url": `sqlite:///${file}` },
      index: sqliteIndex(database),
      close: () => database.close(),
    };
  });
});

shared("PostgreSQL and PyPICloud", postgres, async ({ port }) => {
  const address = { host: "127.0.0.1", port, user: "postgres" };
  const database = `place${++places}`;
  const maker = new pg.Client({ ...address, database: "postgres" });
  await maker.connect();
  await maker.query(`create database ${database}`);
  await maker.end();
  const pool = new pg.Pool({ ...address, database });
  pool.on("error", () => {});
  return {
    settings: {
      "pypi.db": "sql",
      "db.url": `postgresql+psycopg2://postgres@127.0.0.1:${port}/${database}`,
    },
    index: postgresIndex(pool),
    close: () => pool.end(),
  };
});

shared("MariaDB and PyPICloud", mariadb, async ({ port }) => {
  const address = { host: "127.0.0.1", port, user: "root", charset: "utf8mb4" };
  const database = `place${++places}`;
  const maker = createPool(address);
  await maker.query(`create database ${database}`);
  await maker.end();
  const pool = createPool({ ...address, database });
  const url = `mysql+pymysql://root@127.0.0.1:${port}/${database}?charset=utf8mb4`;
  return {
    settings: { "pypi.db": "sql", "db.url": url },
    index: mysqlIndex(pool),
    close: () => pool.end(),
  };
});

shared("Redis and PyPICloud", redis, async ({ port }) => {
  const client = new Redis(port, "127.0.0.1");
  await client.flushall();
  return {
    settings: { "pypi.db": "redis", "db.url": `redis://127.0.0.1:${port}` },
    index: redisIndex(ioredisCommands(client)),
    close: () => client.disconnect(),
  };
});

shared("DynamoDB and PyPICloud", dynamodb, ({ port }) => {
  const namespace = `place${++places}.`;
  const region = "us-east-1";
  const keys = { accessKeyId: "test", secretAccessKey: "test" };
  const signer = new AwsClient({ ...keys, region, service: "dynamodb", retries: 0 });
  return {
    settings: {
      "pypi.db": "dynamo",
      "db.host": "127.0.0.1",
      "db.port": port,
      "db.region_name": region,
      "db.aws_access_key_id": "test",
      "db.aws_secret_access_key": "test",
      "db.namespace": namespace,
    },
    index: dynamodbIndex(signer, { host: "127.0.0.1", port, region, namespace }),
    close: () => {},
  };
});
