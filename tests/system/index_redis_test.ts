/** The index on real Redis servers: one, and a cluster of three. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Cluster, Redis } from "ioredis";
import { redisIndex } from "../../backends/index_redis.ts";
import type { RedisCommands } from "../../backends/redis.ts";
import { textArguments } from "../../backends/redis/text_arguments.ts";
import { ioredisClusterCommands, ioredisCommands } from "../../backends/redis_ioredis.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import {
  fullRecord,
  type IndexCacheFixture,
  recordOf,
} from "../conformance/index_cache_fixture.ts";
import { countsOf, House, wheel } from "../conformance/index_cache_house.ts";
import { indexCacheSuite } from "../conformance/index_cache_suite.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { type RedisCluster, startRedisCluster } from "../services/redis_cluster.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";

interface Connected {
  readonly commands: RedisCommands;
  close(): void;
}

function suite(
  name: string,
  connect: () => Promise<Connected>,
  admins: () => readonly RedisAdmin[],
): void {
  indexCacheSuite(name, async (): Promise<IndexCacheFixture> => {
    await Promise.all(admins().map((admin) => admin.call("FLUSHALL")));
    const [own, other] = [await connect(), await connect()];
    const close = (): void => {
      own.close();
      other.close();
    };
    const options = { timeoutMs: 30_000 };
    return {
      index: redisIndex(own.commands, options),
      other: redisIndex(other.commands, options),
      breakStore: close,
      close,
    };
  }, { layout: "redis" });
}

describe("one server", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
  });
  after(async () => {
    admin.close();
    await server.stop();
  });

  const connect = async (): Promise<Connected> => {
    const client = new Redis(server.port, "127.0.0.1", { lazyConnect: true });
    client.on("error", () => {});
    await client.connect();
    return { commands: ioredisCommands(client), close: () => client.disconnect() };
  };
  suite("redis", connect, () => [admin]);
  suite("redis by text alone", async () => {
    const { commands, close } = await connect();
    return { commands: { ...commands, arguments: textArguments }, close };
  }, () => [admin]);

  const trial = async (run: (index: ReturnType<typeof redisIndex>) => Promise<void>) => {
    await admin.call("FLUSHALL");
    const { commands, close } = await connect();
    await run(redisIndex(commands)).finally(close);
  };
  const hash = async (key: string): Promise<Record<string, string>> => {
    const texts = await admin.call("HGETALL", key) as string[];
    return Object.fromEntries(
      texts.flatMap((name, at) => at % 2 ? [] : [[name, texts[at + 1]!]]),
    );
  };

  it("writes PyPICloud's keys to the letter", () =>
    trial(async (index) => {
      await index.save(fullRecord);
      const { last_modified, summary, ...fields } = await hash(
        `pypicloud:package:${fullRecord.filename}`,
      );
      equal(last_modified, "1699999999.999");
      equal(summary, fullRecord.summary);
      deepEqual([fields.name, fields.version, fields.filename], [
        "demo",
        "2.0rc1",
        fullRecord.filename,
      ]);
      equal(fields.requires_python, '">=3.9, <4"');
      equal(fields.hash_sha256, JSON.stringify(fullRecord.sha256));
      deepEqual(await admin.call("SMEMBERS", "pypicloud:set"), ["demo"]);
      deepEqual(await admin.call("SMEMBERS", "pypicloud:set:demo"), [fullRecord.filename]);
      const written = await hash("pypicloud:summary:demo");
      deepEqual([written.name, written.summary], ["demo", fullRecord.summary]);
      equal(written.last_modified, last_modified);
      await index.save({ ...fullRecord, uploadedAt: 1_700_000_000_500, summary: "" });
      const after = await hash(`pypicloud:package:${fullRecord.filename}`);
      deepEqual([after.last_modified, after.summary], ["1700000000.5", ""]);
    }));

  it("P-034 P-036 P-042: what is cleared leaves no key of PyPICloud's", () =>
    trial(async (index) => {
      await index.saveMany([recordOf("demo"), recordOf("demo", "2.0"), recordOf("other")]);
      await admin.call("DEL", "pypicloud:summary:other");
      await index.clear(recordOf("other").filename);
      deepEqual(await index.summary(), [
        { project: "demo", version: "2.0", uploadedAt: recordOf("demo").uploadedAt },
      ]);
      deepEqual(await index.distinct(), ["demo"]);
      await index.clearAll();
      deepEqual(await admin.call("KEYS", "pypicloud:*"), []);
      deepEqual((await admin.call("KEYS", "*") as string[]).sort(), [
        "cairn:index",
        "cairn:serials",
      ]);
    }));

  it("reads PyPICloud's keys and completes them in place", () =>
    trial(async (index) => {
      const file = "demo-1.0.tar.gz";
      const row = ["name", "demo", "version", "1.0", "filename", file, "last_modified", "5.5"];
      await admin.call(
        "HSET",
        `pypicloud:package:${file}`,
        ...row,
        "summary",
        "",
        "uploader",
        '"z"',
      );
      await admin.call("SADD", "pypicloud:set", "demo");
      await admin.call("SADD", "pypicloud:set:demo", file);
      await admin.call("HSET", "pypicloud:summary:demo", "name", "demo", "summary", "old");
      deepEqual(await index.distinct(), []);
      equal(await index.fetch(file), undefined);
      deepEqual((await index.all("demo")).files, []);
      deepEqual(await index.summary(), []);
      const given = recordOf("demo", "1.0", { filename: file, summary: "new" });
      const complete = { ...given, uploader: "z" };
      deepEqual(await index.add(given), complete);
      deepEqual(await index.add({ ...given, sizeBytes: 1 }), complete);
      deepEqual(await index.fetch(file), complete);
      deepEqual(await index.distinct(), ["demo"]);
      equal((await hash("pypicloud:summary:demo")).summary, "new");
    }));

  it("P-037 P-049: a reload writes the fields that PyPICloud's writes", () =>
    trial(async (index) => {
      const house = new House({ index, other: index });
      await house.clock.advance(500);
      const { filename, path, sha256 } = await house.put(wheel("demo", "1.0"));
      const told = await house.put(wheel("told", "1.0", { summary: "A demonstration" }));
      deepEqual(countsOf(await house.reload()), { unchanged: 0, taken: 2, removed: 0 });
      const { size, version_key, hash_metadata_sha256, ...fields } = await hash(
        `pypicloud:package:${filename}`,
      );
      deepEqual(fields, {
        name: "demo",
        version: "1.0",
        filename,
        last_modified: "1700000000.5",
        summary: "",
        hash_sha256: JSON.stringify(sha256),
        path: JSON.stringify(path),
      });
      for (const json of [size, version_key, hash_metadata_sha256]) JSON.parse(json!);
      equal((await hash(`pypicloud:package:${told.filename}`)).summary, "A demonstration");
      deepEqual((await admin.call("SMEMBERS", "pypicloud:set") as string[]).sort(), [
        "demo",
        "told",
      ]);
      deepEqual(await admin.call("SMEMBERS", "pypicloud:set:demo"), [filename]);
      equal((await hash("pypicloud:summary:demo")).summary, "");
    }));

  it("PX-18: sends no command that Redis advises against", async () => {
    await admin.call("CONFIG", "RESETSTAT");
    await trial(async (index) => {
      const house = new House({ index, other: index });
      const { filename } = await house.upload(wheel("demo", "1.0"));
      await house.put(wheel("demo", "2.0"));
      await house.reload();
      await index.summary();
      await index.search({ names: ["demo"], operator: "or" });
      await index.distinct();
      await house.wheelhouse.remove(filename);
      await index.clearAll();
    });
    const statistics = await admin.call("INFO", "commandstats") as string;
    const names = [...statistics.matchAll(/^cmdstat_([a-z]+)[:|]/gm)].map(([, name]) => name!);
    ok(names.includes("hset") && names.includes("zrange"), names.join());
    for (const name of names) {
      const [, facts] = await admin.call("COMMAND", "DOCS", name) as [string, string[]];
      equal(facts.includes("deprecated_since"), false, name);
    }
  });

  it("PX-05: a file that goes between two reads is no error", () =>
    trial(async (index) => {
      await index.saveMany([recordOf("demo"), recordOf("demo", "2.0")]);
      await admin.call("DEL", `pypicloud:package:${recordOf("demo").filename}`);
      deepEqual((await index.all("demo")).files, [recordOf("demo", "2.0")]);
    }));

  it("a row that PyPICloud has removed stands in no later change's way", () =>
    trial(async (index) => {
      const uploadedAt = recordOf("demo").uploadedAt + 5_000;
      await index.saveMany([recordOf("demo"), recordOf("demo", "2.0", { uploadedAt })]);
      const { filename } = recordOf("demo", "2.0");
      await admin.call("DEL", `pypicloud:package:${filename}`);
      await admin.call("SREM", "pypicloud:set:demo", filename);
      await index.save(recordOf("demo", "1.1", { summary: "next" }));
      deepEqual(await index.summary(), [{
        ...{ project: "demo", version: "1.1", summary: "next" },
        uploadedAt: recordOf("demo").uploadedAt,
      }]);
      for (const version of ["1.0", "1.1"]) await index.clear(recordOf("demo", version).filename);
      deepEqual([await index.distinct(), await index.summary()], [[], []]);
    }));

  it("refuses keys of a newer schema and names both versions", () =>
    trial(async (index) => {
      await admin.call("HSET", "cairn:index", "schema_version", "2");
      await rejects(() => index.all("demo"), BackendError);
      match((await index.checkHealth()).reason, /schema 2, .* knows 1/);
    }));
});

describe("a cluster", { skip: redis.missing }, () => {
  let cluster: RedisCluster;
  before(async () => void (cluster = await startRedisCluster()));
  after(() => cluster.stop());

  const connect = async () => {
    const nodes = cluster.ports.map((port) => ({ host: "127.0.0.1", port }));
    const client = new Cluster(nodes, { lazyConnect: true });
    client.on("error", () => {});
    await client.connect();
    const call = (name: string, ...args: string[]): Promise<unknown> => client.call(name, args);
    const close = (): void => client.disconnect();
    return { commands: ioredisClusterCommands(client), call, close };
  };
  suite("redis cluster", connect, () => cluster.admins);

  it("keeps the uploader of a row of PyPICloud's that it completes", async () => {
    await Promise.all(cluster.admins.map((admin) => admin.call("FLUSHALL")));
    const { commands, call, close } = await connect();
    const record = recordOf("demo");
    const key = `pypicloud:package:${record.filename}`;
    await call("HSET", key, "name", "demo", "uploader", '"zo\\u00eb"', "hash_md5", '"ab"');
    const complete = { ...record, uploader: "zoë" };
    deepEqual(await redisIndex(commands).add(record), complete);
    deepEqual(await redisIndex(commands).fetch(record.filename), complete);
    equal(await call("HGET", key, "uploader"), '"zoë"');
    close();
  });

  it("keeps PyPICloud's keys as a copy, whoever writes at once", async () => {
    await Promise.all(cluster.admins.map((admin) => admin.call("FLUSHALL")));
    const { commands, call, close } = await connect();
    const indexes = [redisIndex(commands), redisIndex(commands)];
    await indexes[0]!.saveMany([recordOf("demo"), recordOf("demo", "2.0"), recordOf("other")]);
    await Promise.all(
      Array.from(
        { length: 12 },
        (_, at) =>
          indexes[at % 2]!.save(recordOf("demo", "1.0", { sizeBytes: at, summary: `text ${at}` })),
      ),
    );
    const { sizeBytes } = (await indexes[0]!.fetch(recordOf("demo").filename))!;
    const key = `pypicloud:package:${recordOf("demo").filename}`;
    equal(await call("HGET", key, "size"), String(sizeBytes));
    deepEqual((await call("SMEMBERS", "pypicloud:set") as string[]).sort(), ["demo", "other"]);
    await indexes[1]!.save(recordOf("demo", "2.0", { project: "moved" }));
    await indexes[0]!.clear(recordOf("other").filename);
    deepEqual((await call("SMEMBERS", "pypicloud:set") as string[]).sort(), ["demo", "moved"]);
    deepEqual(await call("SMEMBERS", "pypicloud:set:demo"), [recordOf("demo").filename]);
    equal(await call("HGET", "pypicloud:summary:demo", "summary"), `text ${sizeBytes}`);
    await indexes[0]!.clearAll();
    for (const admin of cluster.admins) deepEqual(await admin.call("KEYS", "pypicloud:*"), []);
    close();
  });
});
