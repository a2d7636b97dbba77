/** What a region over Redis asks of it, counted; and what it does when Redis does not answer. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import process from "node:process";
import { after, before, beforeEach, describe, it } from "node:test";
import { Redis } from "ioredis";
import { redisBackend, type RedisCommands, redisLocks } from "../../backends/redis.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import { upstashCommands } from "../../backends/redis_http.ts";
import { listen, type Listening } from "../../src/apps/listen.ts";
import { redisRest } from "../../src/apps/redis_rest.ts";
import { type RedisServer, redisServer } from "../../src/apps/redis_socket.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { type RedisProxy, redisProxy } from "../services/redis_proxy.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import { ManualClock, settled } from "../testing/manual_clock.ts";
import { until } from "../testing/until.ts";

const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`);

/** A region over a connection that does without marks, which would be read besides. */
function regionOver(commands: RedisCommands, clock: Clock): Region {
  return makeRegion({
    backend: serialized(json, redisBackend(commands, { clock })),
    locks: serializedLocks(json, redisLocks(commands, { clock })),
    softTtlMs: 10_000,
    hardTtlMs: 60_000,
    clock,
  });
}

describe("writes of ioredis", () => {
  class Line {
    readonly seen: string[] = [];
    stream: { cork(): void; uncork(): void } | undefined;

    connect(name: string): void {
      const log = (what: string) => (): unknown => this.seen.push(`${what} ${name}`);
      this.stream = { cork: log("hold"), uncork: log("let go") };
    }

    callBuffer = (...command: unknown[]): Promise<unknown> => {
      this.seen.push(String(command[1]));
      return Promise.resolve(null);
    };
  }

  it("what is asked within one turn leaves in one write", async () => {
    const line = new Line();
    line.connect("one");
    const backend = redisBackend(ioredisCommands(line), { timeoutMs: 180_000 });
    await Promise.all(["a", "b"].map((key) => backend.get([key])));
    await backend.get(["c"]);
    deepEqual(line.seen, ["hold one", "a", "b", "let go one", "hold one", "c", "let go one"]);
  });

  it("a connection is let go that was lost meanwhile, and none is held that is not there", async () => {
    const line = new Line();
    const backend = redisBackend(ioredisCommands(line), { timeoutMs: 180_000 });
    const early = backend.get(["early"]);
    line.connect("one");
    const late = backend.get(["late"]);
    line.connect("two");
    await Promise.all([early, late]);
    deepEqual(line.seen, ["early", "hold one", "late", "let go one"]);
  });
});

describe("traffic with Redis", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  let proxy: RedisProxy;
  let client: Redis;
  let clock: ManualClock;

  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
  });
  beforeEach(async () => {
    await admin.call("FLUSHALL");
    clock = new ManualClock();
    proxy = await redisProxy(server.port);
    client = new Redis(proxy.port, "127.0.0.1", { retryStrategy: () => 10 });
    client.on("error", () => {});
    await client.ping();
  });
  after(async () => {
    admin.close();
    await server.stop();
  });

  async function end(): Promise<void> {
    client.disconnect();
    await proxy.close();
  }

  /** A region that has read its marks and taught Redis the scripts. */
  async function warmRegion(commands: RedisCommands): Promise<Region> {
    const region = regionOver(commands, clock);
    await region.getOrCreate("warm", () => 1);
    return region;
  }

  /** The commands that Redis is given, and the round trips, while `work` runs. */
  async function count(
    trips: () => number,
    work: () => Promise<unknown>,
  ): Promise<[string[], number]> {
    const seen: string[] = [];
    const stop = await admin.monitor(([name = ""]) => seen.push(name.toUpperCase()));
    const before = trips();
    await work();
    const counted = trips() - before;
    await admin.call("ECHO", "the end");
    await until("Redis has told of the end", () => seen.at(-1) === "ECHO");
    stop();
    return [seen.slice(0, -1), counted];
  }

  it("asks once for a hit, and three times for a refresh or a creation", async () => {
    const region = await warmRegion(ioredisCommands(client));
    const create = (): Promise<number> => region.getOrCreate("key", () => 1);
    const scripts = ["EVALSHA", "EVALSHA"];
    deepEqual(await count(proxy.trips, create), [["GET", ...scripts], 3], "cold");
    deepEqual(await count(proxy.trips, create), [["GET"], 1], "hit");
    await clock.advance(10_001);
    // The mark is older than a second now; it comes with the value.
    deepEqual(await count(proxy.trips, create), [["MGET", ...scripts], 3], "stale");
    await end();
  });

  it("asks in three round trips for a batch of which all is missing", async () => {
    const region = await warmRegion(ioredisCommands(client));
    const batch = (): Promise<unknown> =>
      region.getOrCreateMulti(keys, (missing) => missing.map((key) => `value of ${key}`));
    const scripts = keys.map(() => "EVALSHA");
    deepEqual(await count(proxy.trips, batch), [["MGET", ...scripts, ...scripts], 3], "missing");
    deepEqual(await count(proxy.trips, batch), [["MGET"], 1], "fresh");
    await end();
  });

  it("over HTTP, too, a batch takes three requests", async () => {
    const origin: RedisServer = redisServer(`redis://127.0.0.1:${server.port}`);
    const front: Listening = await listen(redisRest({ redis: origin, token: "t" }), {
      hostname: "127.0.0.1",
      port: 0,
    });
    let requests = 0;
    const commands = upstashCommands({
      url: front.url,
      token: "t",
      fetch: (address, request) => (requests++, fetch(address, request)),
    });
    const region = await warmRegion(commands);
    const batch = (): Promise<unknown> =>
      region.getOrCreateMulti(keys, (missing) => missing.map((key) => `value of ${key}`));
    equal((await count(() => requests, batch))[1], 3);
    equal((await count(() => requests, batch))[1], 1);
    equal((await count(() => requests, () => region.getOrCreate("one", () => 1)))[1], 3);
    const together = (): Promise<unknown> => Promise.all(keys.map((key) => region.get(key)));
    deepEqual(await count(() => requests, together), [keys.map(() => "GET"), 1]);
    await front.stop();
    origin.close();
    await end();
  });

  it("a reply that does not come is a BackendError when the time is over", async () => {
    const backend = redisBackend(ioredisCommands(client), { clock, timeoutMs: 500 });
    const write = { key: "key", value: Uint8Array.of(1), expiresAt: NEVER };
    await backend.set([write]);
    proxy.hold();
    const late = backend.get(["key"]);
    const failed = rejects(late, /Cannot get on redis: no answer after 500 ms/);
    await clock.advance(1_000);
    await failed;
    proxy.letGo();
    deepEqual(await backend.get(["key"]), [write.value], "late replies are nobody else's");
    await end();
  });

  it("a commit whose reply is late has been done once, or not at all", async () => {
    const commands = ioredisCommands(client);
    const locks = redisLocks(commands, { clock, timeoutMs: 500 });
    const options = { leaseMs: 10_000, waitMs: 0, enough: () => false };
    const { lease } = await locks.acquire("key", options);
    const write = { key: "key", value: Uint8Array.of(1), expiresAt: NEVER };
    proxy.hold();
    const failed = rejects(() => lease!.commit(write), BackendError);
    await settled();
    await clock.advance(1_000);
    await failed;
    proxy.letGo();
    equal(await lease!.commit({ ...write, value: Uint8Array.of(2) }), false);
    deepEqual(await redisBackend(commands, { clock }).get(["key"]), [write.value]);
    equal(await admin.call("EXISTS", "_lockkey"), 0, "no lease is left behind");
    await end();
  });

  it("a connection cut in the middle of a reply, at every byte of it", async () => {
    const value = Uint8Array.of(1, 2, 3);
    await redisBackend(ioredisCommands(client), { clock }).set([{
      key: "key",
      value,
      expiresAt: NEVER,
    }]);
    client.disconnect();
    // Without the end of its last line the reply holds all there is to know.
    const replyBytes = "$12\r\n".length + 12;
    for (let bytes = 0; bytes < replyBytes; bytes++) {
      const once = new Redis(proxy.port, "127.0.0.1", {
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
      });
      once.on("error", () => {});
      await once.ping();
      proxy.cutNextReplyAfter(bytes);
      const backend = redisBackend(ioredisCommands(once), { clock });
      await rejects(() => backend.get(["key"]), BackendError, `cut after ${bytes} bytes`);
      once.disconnect();
    }
    await end();
  });

  it("a server killed and started again in the middle of a creation", async () => {
    const [first, second] = [await redis.start(), await redis.start()];
    proxy.leadTo(first.port);
    const region = regionOver(ioredisCommands(client), systemClock);
    await region.set("kept", "before");
    const made = await region.getOrCreate("key", async () => {
      process.kill(first.pid, "SIGKILL");
      proxy.leadTo(second.port);
      await client.ping();
      return "made";
    });
    equal(made, "made", "the caller has its value");
    const looking = await connectRedis(second.port);
    equal(await looking.call("EXISTS", "_lockkey"), 0, "no lease is left behind");
    equal(await looking.call("EXISTS", "key"), 0, "a lost lease stores nothing");
    equal(await region.getOrCreate("key", () => "made anew"), "made anew");
    equal(await region.getOrCreate("key", () => "never"), "made anew");
    looking.close();
    await Promise.all([first.stop(), second.stop()]);
    await end();
  });

  it("one who waits for a lock fails when the server is gone, and does not hang", async () => {
    const other = await redis.start();
    const own = new Redis(other.port, "127.0.0.1", {
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    own.on("error", () => {});
    const locks = redisLocks(ioredisCommands(own), { clock });
    const options = { leaseMs: 60_000, waitMs: 0, enough: () => false };
    ok((await locks.acquire("key", options)).lease);
    const waiting = locks.acquire("key", { ...options, waitMs: 30_000 });
    const failed = rejects(waiting, BackendError);
    await other.stop();
    for (let step = 0; step < 120; step++) await clock.advance(250);
    await failed;
    own.disconnect();
    await end();
  });
});
