/** dogpile.cache's own suites for its Redis stores: regions over a real Redis, and over Sentinel. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Redis } from "ioredis";
import { openers } from "../../backends/openers.ts";
import { hashKey, redisHashes, redisHashesLocks } from "../../backends/redis_hashes.ts";
import { redisBackend, redisLocks } from "../../backends/redis.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import type { OpenedStore } from "../../src/contracts/opener.ts";
import { makeRegion, type RegionOptions } from "../../src/region/region.ts";
import { openBackend, registerBackend } from "../../src/region/registry.ts";
import { byteSamples } from "../conformance/cases.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { regionSuite } from "../conformance/region_suite.ts";
import { connectRedis } from "../services/redis_admin.ts";
import { emptyWith } from "../services/redis_region.ts";
import { redisSentinel } from "../services/redis_sentinel.ts";
import { redisMarginMs, RedisTime, Traffic } from "../services/redis_time.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import { ManualClock } from "../testing/manual_clock.ts";

for (const [name, load] of openers) registerBackend(name, load);

const plainName = "dogpile.cache.redis";
const advancedName = "dogpile_backend_redis_advanced";
const hashesName = `${advancedName}.hstore`;
const ofHash = (key: string): string => hashKey(`hash ${key.length % 3}`, key);

describe("dogpile's suites", { skip: redis.missing }, () => {
  let server: Server;
  let sentinel: Server;
  let direct: Redis;
  let bySentinel: Redis;

  before(async () => {
    server = await redis.start();
    sentinel = await redisSentinel.start();
    const watcher = await connectRedis(sentinel.port);
    await watcher.call("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", String(server.port), "1");
    watcher.close();
    direct = new Redis(server.port, "127.0.0.1");
    const sentinels = [{ host: "127.0.0.1", port: sentinel.port }];
    bySentinel = new Redis({ sentinels, name: "mymaster" });
  });
  after(async () => {
    direct.disconnect();
    bySentinel.disconnect();
    await Promise.all([server.stop(), sentinel.stop()]);
  });

  /** A store opened by name and dogpile's arguments, empty, for a clock moved by hand. */
  async function opened(
    clock: ManualClock,
    { name = plainName, client = direct, args = {} }: {
      readonly name?: string;
      readonly client?: Redis;
      readonly args?: Readonly<Record<string, unknown>>;
    } = {},
  ): Promise<OpenedStore> {
    return await openBackend(name, { ...await emptyWith(clock, client), ...args });
  }

  const inHashes = async (clock: ManualClock): Promise<RegionOptions> => ({
    ...await opened(clock, { name: hashesName, args: { redis_expiration_time_hash: true } }),
    keyMangler: ofHash,
  });

  regionSuite("D-208: Redis, with an argument that nobody knows", (clock) => {
    return opened(clock, { args: { foo: "bar" } });
  });
  regionSuite("D-224: Sentinel, with distributed_lock and a service", (clock) => {
    const args = { distributed_lock: false, service_name: "mymaster" };
    return opened(clock, { client: bySentinel, args });
  });
  regionSuite("R-001: redis_advanced", (clock) => opened(clock, { name: advancedName }));
  regionSuite("R-001: redis_advanced, keys in hashes", inHashes);

  /** The lock suites of dogpile over what the openers put together. */
  function lockSuites(
    name: string,
    make: () => { readonly client: Redis; readonly lockPrefix?: string; readonly inHash?: boolean },
  ): void {
    locksSuite(name, async (clock): Promise<LocksFixture<Uint8Array>> => {
      const { client, inHash, ...options } = make();
      await client.flushall();
      const traffic = new Traffic();
      const admin = (...[first = "", ...rest]: string[]) => direct.call(first, rest);
      const time = new RedisTime(clock, [admin], traffic);
      let isBroken = false;
      const own = ioredisCommands(client);
      const commands = traffic.watch(time.frozen({
        ...own,
        send: (batch) => isBroken ? Promise.reject(new Error("cut")) : own.send(batch),
      }));
      const settings = { records: "bare", clock, ...options } as const;
      const locksOf = inHash ? redisHashesLocks : redisLocks;
      return {
        backend: (inHash ? redisHashes : redisBackend)(commands, settings),
        locks: locksOf(commands, settings),
        others: locksOf(commands, settings),
        time,
        marginMs: redisMarginMs,
        trips: () => traffic.trips,
        breakStore: () => void (isBroken = true),
      };
    }, { samples: byteSamples });
  }

  describe("D-210: locks in Redis", () => lockSuites("redis", () => ({ client: direct })));
  describe("D-211: locks in Redis with a prefix", () => {
    lockSuites("redis, _lok.", () => ({ client: direct, lockPrefix: "_lok." }));
  });
  describe("D-226: locks by Sentinel", () =>
    lockSuites("sentinel", () => ({ client: bySentinel })));
  describe("R-001: locks of redis_advanced, beside hashes", () => {
    lockSuites("hashes", () => ({ client: direct, lockPrefix: "_lok.", inHash: true }));
  });

  const everyStore: Readonly<Record<string, (clock: ManualClock) => Promise<RegionOptions>>> = {
    "D-210": (clock) => opened(clock),
    "D-211": (clock) => opened(clock, { args: { lock_prefix: "_lok." } }),
    "D-226": (clock) => opened(clock, { client: bySentinel }),
    "R-001": inHashes,
  };
  for (const [id, make] of Object.entries(everyStore)) {
    it(`${id}: a creator may create another key, and no lock is left of either`, async () => {
      const clock = new ManualClock();
      const region = makeRegion({ clock, ...await make(clock) });
      const create = async (): Promise<string> =>
        `foo of ${await region.getOrCreate("bar", () => "bar")}`;
      equal(await region.getOrCreate("foo", create), "foo of bar");
      equal(await region.getOrCreate("foo", () => "other"), "foo of bar");
      equal(await region.keyIsLocked("foo"), false);
      equal((await direct.keys("_lo*")).length, 0);
    });
  }

  it("R-001: redis_advanced's locks have its prefix, and its hashes live as they are told", async () => {
    const lives = [[true, 20], [undefined, 10], [false, -1]] as const;
    for (const [redis_expiration_time_hash, expected] of lives) {
      const clock = new ManualClock();
      const args = { redis_expiration_time_hash };
      const store = await opened(clock, { name: hashesName, args });
      const region = makeRegion({ clock, ...store });
      const locked = (): Promise<string[]> => direct.keys("_lok.*");
      for (const [field, seconds] of [["a", 10], ["b", 20]] as const) {
        const options = { hardTtlMs: seconds * 1_000 };
        equal((await region.getOrCreate(hashKey("h", field), locked, options)).length, 1);
      }
      deepEqual((await direct.hkeys("h")).sort(), ["a", "b"]);
      const left = await direct.ttl("h");
      ok(left <= expected && left > expected - 5, `${left} s, not ${expected}`);
      equal((await locked()).length, 0);
    }
  });

  const serializing = { "D-209": () => direct, "D-225": () => bySentinel };
  for (const [id, client] of Object.entries(serializing)) {
    it(`${id}: a record is bytes with JSON behind the bar; nested values come back`, async () => {
      const clock = new ManualClock();
      const region = makeRegion({ clock, ...await opened(clock, { client: client() }) });
      const nested = { list: [1, { deep: [true, null] }], text: "ż|ó" };
      await region.set("key", nested);
      const text = String(await client().getBuffer("key"));
      equal(text.slice(text.indexOf("|") + 1), JSON.stringify(nested));
      deepEqual(await region.get("key"), nested);
      equal(typeof JSON.parse(text.slice(0, text.indexOf("|"))).ct, "number");
    });

    it(`${id}: a record that cannot be read is a miss, and is made anew`, async () => {
      const clock = new ManualClock();
      const region = makeRegion({ clock, ...await opened(clock, { client: client() }) });
      for (const record of ['{"ct": 1, "v": 2}|{"cut', "no bar", ""]) {
        await client().set("key", record);
        equal(await region.getEntry("key"), undefined, record);
        equal(await region.getOrCreate("key", () => record.length), record.length);
        equal(await region.get("key"), record.length);
      }
    });
  }

  const running = { "D-212": () => direct, "D-227": () => bySentinel };
  for (const [id, client] of Object.entries(running)) {
    it(`${id}: a runner makes the value anew, and gives the lock back from there`, async () => {
      const clock = new ManualClock();
      const works: Promise<unknown>[] = [];
      const region = makeRegion({
        clock,
        ...await opened(clock, { client: client() }),
        background: (work) => void works.push(work),
        creation: { softTimeoutMs: 0 },
        softTtlMs: 100,
        hardTtlMs: NEVER,
      });
      let made = 0;
      const finish = Promise.withResolvers<void>();
      const create = async (): Promise<number> => {
        if (made > 0) await finish.promise;
        return ++made;
      };
      equal(await region.getOrCreate("key", create), 1);
      equal(works.length, 0, "the first call has waited for its value");
      await clock.advance(300);
      equal(await region.getOrCreate("key", create), 1, "stale, while the runner is at work");
      ok(works.length > 0);
      equal(await client().exists("_lockkey"), 1);
      finish.resolve();
      await Promise.all(works);
      equal(await client().exists("_lockkey"), 0);
      equal(await region.getOrCreate("key", create), 2);
      equal(made, 2);
    });
  }
});
