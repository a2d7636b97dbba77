/** Opening Redis by name and address, as configurations do. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { createSentinel } from "redis";
import { Redis } from "ioredis";
import { openers } from "../../backends/openers.ts";
import { redisBackend, type RedisCommands, redisLocks } from "../../backends/redis.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import { nodeRedisSentinelCommands } from "../../backends/redis_node_redis.ts";
import { ioredisSettings } from "../../backends/redis/opener.ts";
import { listen, type Listening } from "../../src/apps/listen.ts";
import { redisRest } from "../../src/apps/redis_rest.ts";
import { type RedisServer, redisServer } from "../../src/apps/redis_socket.ts";
import { registerBackend } from "../../src/region/registry.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples } from "../conformance/cases.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { redisSentinel } from "../services/redis_sentinel.ts";
import { redisMarginMs, RedisTime, Traffic } from "../services/redis_time.ts";
import { redis } from "../services/redis.ts";
import { webdis } from "../services/webdis.ts";
import type { Server } from "../services/server.ts";
import type { ManualClock } from "../testing/manual_clock.ts";

for (const [name, load] of openers) registerBackend(name, load);

describe("R-001: the arguments of dogpile's Redis backend", () => {
  const plain = { host: "localhost", port: 6_379, db: 0, maxRetriesPerRequest: 0 };

  it("D-213: host, port and db, and no user", () => {
    deepEqual(ioredisSettings({ host: "localhost", port: 6_379, db: 0 }), plain);
    deepEqual(ioredisSettings({}), plain);
  });

  it("D-214: an explicit host, port and database", () => {
    const args = { host: "127.0.0.1", port: 6_380, db: 3 };
    deepEqual(ioredisSettings(args), { ...args, maxRetriesPerRequest: 0 });
  });

  it("D-215: a password", () => {
    deepEqual(ioredisSettings({ password: "secret" }), { ...plain, password: "secret" });
  });

  it("D-216: a user and a password", () => {
    const user = { username: "cairn", password: "secret" };
    deepEqual(ioredisSettings(user), { ...plain, ...user });
  });

  it("D-217 D-218: a timeout in seconds, only where it is given", () => {
    deepEqual(ioredisSettings({ socket_timeout: 0.5 }), { ...plain, connectTimeout: 500 });
    equal("connectTimeout" in ioredisSettings({ socket_timeout: null }), false);
  });

  it("D-219: keeping connections alive", () => {
    equal(ioredisSettings({ socket_keepalive: true }).keepAlive, 60_000);
    equal("keepAlive" in ioredisSettings({ socket_keepalive: false }), false);
  });

  it("D-222: an address goes before everything else", () => {
    const url = "redis://user:p%40ss@127.0.0.1:6380/2" as unknown as URL;
    deepEqual(ioredisSettings({ url, host: "elsewhere" }), {
      ...{ host: "127.0.0.1", port: 6_380, db: 2, username: "user", password: "p@ss" },
      maxRetriesPerRequest: 0,
    });
  });

  it("addresses with TLS, IPv6 and Sentinels", () => {
    equal("tls" in ioredisSettings({ address: "rediss://[::1]:7/1" }), true);
    equal(ioredisSettings({ address: "rediss://[::1]:7/1" }).host, "::1");
    deepEqual(ioredisSettings({ address: "redis+sentinel://u:p@a:1,b/main/4" }), {
      sentinels: [{ host: "a", port: 1 }, { host: "b", port: 26_379 }],
      ...{ name: "main", db: 4, username: "u", password: "p", maxRetriesPerRequest: 0 },
    });
    throws(() => ioredisSettings({ address: "redis+sentinel://a:1" }), TypeError);
  });
});

describe("opening Redis", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  let sentinel: Server;
  const open: { disconnect(): void }[] = [];

  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
    sentinel = await redisSentinel.start();
    const watcher = await connectRedis(sentinel.port);
    await watcher.call("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", String(server.port), "1");
    watcher.close();
  });
  beforeEach(async () => void (await admin.call("FLUSHALL")));
  after(async () => {
    for (const client of open) client.disconnect();
    admin.close();
    await Promise.all([server.stop(), sentinel.stop()]);
  });

  function own(options: object = {}): Redis {
    const client = new Redis({ port: server.port, host: "127.0.0.1", ...options });
    open.push(client);
    return client;
  }

  /** One creation through a region that is configured by text, from end to end. */
  async function creates(region: Region, config: Record<string, unknown>): Promise<void> {
    await region.configureFromConfig(config, "");
    equal(await region.getOrCreate("key", () => "made"), "made");
    equal(await region.getOrCreate("key", () => "made twice"), "made");
    equal(await admin.call("EXISTS", "key"), 1);
    equal(await admin.call("EXISTS", "_lockkey"), 0);
  }

  it("dogpile's arguments, with one that nobody knows", async () => {
    const client = own();
    const config = {
      "backend": "dogpile.cache.redis",
      "expiration_time": 60,
      "arguments.foo": "bar",
      "arguments.client": client,
    };
    await creates(makeRegion(), config);
    ok(String(await admin.call("GET", "key")).endsWith('|"made"'), "a record of dogpile's");
  });

  it("a lock prefix of its own", async () => {
    const config = {
      "backend": "redis",
      "arguments.lock_prefix": "_lok.",
      "arguments.client": own(),
    };
    const region = makeRegion();
    await region.configureFromConfig(config, "");
    await region.getOrCreate("key", async () => {
      equal(await admin.call("EXISTS", "_lok.key"), 1);
      equal(await admin.call("EXISTS", "_lockkey"), 0);
      return 1;
    });
    equal(await admin.call("EXISTS", "_lok.key"), 0);
  });

  it("R-014: while the creator runs, the prefix and the key are a key in Redis", async () => {
    const locks = redisLocks(ioredisCommands(own()), { lockPrefix: "_lk-" });
    const options = { leaseMs: 10_000, waitMs: 0, enough: () => false };
    const { lease } = await locks.acquire("key", options);
    equal(await admin.call("EXISTS", "_lk-key"), 1);
    await lease!.release();
    equal(await admin.call("EXISTS", "_lk-key"), 0);
    throws(() => redisLocks(ioredisCommands(own()), { lockPrefix: "{" }), RangeError);
  });

  it("upstash:// and webdis://", { skip: webdis.missing }, async () => {
    const origin: RedisServer = redisServer(`redis://127.0.0.1:${server.port}`);
    const at = { hostname: "127.0.0.1", port: 0 };
    const front: Listening = await listen(redisRest({ redis: origin, token: "t" }), at);
    const { host } = new URL(front.url);
    await creates(makeRegion(), { "backend": `upstash://t@${host}`, "arguments.tls": false });
    await front.stop();
    origin.close();
    await admin.call("FLUSHALL");
    const other = await webdis.start([String(server.port)]);
    await creates(makeRegion(), { "backend": `webdis://127.0.0.1:${other.port}/0` });
    await other.stop();
  });

  it("an address that cannot be one is refused", async () => {
    for (const backend of ["redis+sentinel://a:1", "upstash:", "webdis:"]) {
      await rejects(() => makeRegion().configureFromConfig({ backend }, ""), TypeError, backend);
    }
  });

  const commandsBySentinel: Readonly<Record<string, () => Promise<RedisCommands>>> = {
    ioredis: () => {
      const sentinels = [{ host: "127.0.0.1", port: sentinel.port }];
      const client = new Redis({ sentinels, name: "mymaster" });
      open.push(client);
      return Promise.resolve(ioredisCommands(client));
    },
    "node-redis": async () => {
      const sentinelRootNodes = [{ host: "127.0.0.1", port: sentinel.port }];
      const client = createSentinel({ name: "mymaster", sentinelRootNodes });
      client.on("error", () => {});
      await client.connect();
      open.push({ disconnect: () => client.destroy() });
      return nodeRedisSentinelCommands(client);
    },
  };
  for (const [name, connect] of Object.entries(commandsBySentinel)) {
    let commands: RedisCommands | undefined;
    const make = async (clock: ManualClock): Promise<LocksFixture<Uint8Array>> => {
      await admin.call("FLUSHALL");
      commands ??= await connect();
      const traffic = new Traffic();
      const time = new RedisTime(clock, [admin.call], traffic);
      let isBroken = false;
      const watched = traffic.watch(time.frozen({
        ...commands,
        send: (batch) => isBroken ? Promise.reject(new Error("cut")) : commands!.send(batch),
      }));
      return {
        backend: redisBackend(watched, { clock }),
        locks: redisLocks(watched, { clock }),
        others: redisLocks(watched, { clock }),
        time,
        marginMs: redisMarginMs,
        trips: () => traffic.trips,
        breakStore: () => void (isBroken = true),
      };
    };
    backendSuite(`redis by Sentinel and ${name}`, make, { samples: byteSamples });
    locksSuite(`redis by Sentinel and ${name}`, make, { samples: byteSamples });
  }
});
