/** One cache with dogpile.cache over a real Redis: records, keys, expiry, and one creator for both. */

import { deepEqual, equal, ok } from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { after, before, beforeEach, describe, it } from "node:test";
import { Redis } from "ioredis";
import { redisBackend, redisLocks } from "../../backends/redis.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import { hashKey, redisHashes } from "../../backends/redis_hashes.ts";
import { dogpileFraming } from "../../src/compose/dogpile_frame.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { NEVER, systemClock } from "../../src/contracts/clock.ts";
import type { Entry } from "../../src/contracts/entry.ts";
import { sha1MangleKey } from "../../src/region/mangler.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { run } from "../clients/command.ts";
import { PYTHON_FOLDER, pythonTool } from "../services/python.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import { until } from "../testing/until.ts";

const python = pythonTool("python");
const peer = fileURLToPath(new URL("../clients/redis_peer.py", import.meta.url));

describe("cairn and dogpile.cache over Redis", { skip: redis.missing || python.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  let client: Redis;

  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
    client = new Redis(server.port, "127.0.0.1");
  });
  beforeEach(async () => void (await admin.call("FLUSHALL")));
  after(async () => {
    client.disconnect();
    admin.close();
    await server.stop();
  });

  async function dogpile(...args: string[]): Promise<Record<string, unknown>> {
    const env = { PATH: `${PYTHON_FOLDER}/bin:${process.env["PATH"] ?? ""}`, LANG: "C.UTF-8" };
    const { code, output } = await run(python.path, [peer, String(server.port), ...args], { env });
    equal(code, 0, output);
    return JSON.parse(output.trim().split("\n").at(-1)!);
  }

  function shared(clock = systemClock): Region {
    const options = { records: "bare", clock } as const;
    const framing = { framing: dogpileFraming({ softTtlMs: 60_000 }) };
    const commands = ioredisCommands(client);
    return makeRegion({
      backend: serialized(json, redisBackend(commands, options), framing),
      locks: serializedLocks(json, redisLocks(commands, options), framing),
      softTtlMs: 60_000,
      hardTtlMs: 120_000,
      clock,
      lock: { waitMs: 20_000 },
    });
  }

  /** The clock of somebody who is `ms` later than everybody else. */
  const later = (ms: number): typeof systemClock => ({
    now: () => systemClock.now() + ms,
    sleep: systemClock.sleep,
  });

  const value = { text: "ż|ó", list: [1, 2.5, null, true] };

  it("each reads what the other one wrote", async () => {
    await dogpile("set", "theirs", JSON.stringify(value));
    deepEqual(await shared().get("theirs"), value);
    await shared().set("ours", value);
    deepEqual(await dogpile("get", "ours", "60"), { found: value });
  });

  it("each finds expired what the other one wrote long ago", async () => {
    await dogpile("set", "theirs", JSON.stringify(value));
    equal(await shared(later(61_000)).get("theirs"), undefined);
    deepEqual(await shared(later(50_000)).get("theirs"), value);
    await shared(later(-61_000)).set("ours", value);
    deepEqual(await dogpile("get", "ours", "60"), {});
    deepEqual(await dogpile("get", "ours", "90"), { found: value });
    ok(Number(await admin.call("PTTL", "ours")) > 0, "Redis will free its space");
  });

  it("deletes what the other one wrote", async () => {
    await dogpile("set", "theirs", JSON.stringify(value));
    await shared().delete("theirs");
    deepEqual(await dogpile("get", "theirs", "60"), {});
  });

  it("makes the same keys", async () => {
    const { generated, mangled } = await dogpile("keys");
    equal(generated, "app.views:lookup|ns|7 two");
    equal(sha1MangleKey(String(generated)), mangled);
  });

  it("waits for Python's creator, and takes its value", async () => {
    const theirs = dogpile("create", "key", "hold");
    await until("one creates", async () => await admin.call("LLEN", "created") === 1);
    const ours = shared().getOrCreate("key", async () => {
      await admin.call("RPUSH", "created", "cairn");
      return { by: "cairn" };
    });
    await admin.call("RPUSH", "go", "on");
    deepEqual(await ours, { by: "python" });
    deepEqual(await theirs, { value: { by: "python" } });
    deepEqual(await admin.call("LRANGE", "created", "0", "-1"), ["python"]);
    equal(await admin.call("EXISTS", "_lockkey"), 0);
  });

  it("lets Python wait for its creator, and take its value", async () => {
    let isTried = false;
    const end = await admin.monitor((command) => {
      isTried ||= command[0]?.toUpperCase() === "SET" && command.includes("NX");
    });
    let theirs: Promise<unknown> | undefined;
    const ours = await shared().getOrCreate("key", async () => {
      theirs = dogpile("create", "key", "run");
      await until("it was tried", () => isTried);
      return { by: "cairn" };
    });
    end();
    deepEqual(ours, { by: "cairn" });
    deepEqual(await theirs, { value: { by: "cairn" } });
    equal(await admin.call("LLEN", "created"), 0);
  });

  it("reads the hashes of redis_advanced, and writes what it reads", async () => {
    await dogpile("hashes");
    const backend = serialized<unknown>(
      json,
      redisHashes(ioredisCommands(client), { records: "bare", ttlOnHash: "new" }),
      { framing: dogpileFraming() },
    );
    const keys = [hashKey("user:1", "name"), hashKey("user:1", "mail"), "plain"];
    const found = await backend.get(keys);
    deepEqual(found.map((entry) => entry?.payload), ["Żaneta", null, [1, 2]]);
    const ttl = Number(await admin.call("TTL", "user:1"));
    const entry: Entry = { ...found[0]!, payload: "Ola" };
    await backend.set([{ key: keys[0]!, value: entry, expiresAt: NEVER }]);
    ok(ttl >= 50 && Number(await admin.call("TTL", "user:1")) >= ttl - 10);
    equal(String(await admin.call("HGET", "user:1", "name")).endsWith('|"Ola"'), true);
  });
});
