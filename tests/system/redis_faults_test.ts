/** Faults between cairn and a real Redis, whichever client the line is made of. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import process from "node:process";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { redisBackend, redisLocks } from "../../backends/redis.ts";
import { upstashCommands } from "../../backends/redis_http.ts";
import { failsafe } from "../../src/compose/failsafe.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { Write } from "../../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { type OpenRedisLine, type RedisLine, redisLines } from "../services/redis_lines.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import { ManualClock, settled } from "../testing/manual_clock.ts";
import { until } from "../testing/until.ts";

const leaseMs = 10_000;
const once = { leaseMs, waitMs: 0, enough: (): boolean => false };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const write = (key: string, text: string): Write<Uint8Array> => ({
  key,
  value: bytes(text),
  expiresAt: NEVER,
});

/** After how many bytes replies are cut off: the longest are those of the HTTP transport. */
const cutAfter: readonly number[] = Array.from({ length: 260 }, (_, index) => index);

describe("Redis that fails", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
  });
  beforeEach(async () => void (await admin.call("FLUSHALL")));
  after(async () => {
    admin.close();
    await server.stop();
  });
  for (const [name, open] of Object.entries(redisLines)) {
    describe(`over ${name}`, () => {
      const own = { open, port: () => server.port, admin: () => admin };
      describe("a reply that is cut off", () => registerCuts(own));
      describe("a reply to a lock that is cut off", () => registerLockCuts(own));
      describe("a reply that is late", () => registerDelays(own));
      describe("a pipeline that fails in part", () => registerParts(own));
      describe("a server that is killed", () => registerDeaths(own));
    });
  }
});

interface Own {
  readonly open: OpenRedisLine;
  readonly port: () => number;
  readonly admin: () => RedisAdmin;
}

/** A line, a clock and what is made of them, for each case anew. */
function benchOf({ open, port }: Own) {
  const bench = {} as { line: RedisLine; clock: ManualClock };
  beforeEach(async () => {
    bench.clock = new ManualClock(Date.now());
    bench.line = await open(port(), bench.clock);
  });
  afterEach(() => bench.line.close());
  return bench;
}

function regionOver({ commands }: RedisLine, clock: Clock): Region {
  return makeRegion({
    backend: serialized(json, redisBackend(commands, { clock })),
    locks: serializedLocks(json, redisLocks(commands, { clock })),
    softTtlMs: 60_000,
    clock,
  });
}

/** The answer of the first attempt that is not told of a broken line. */
async function recovered<T>(attempt: () => Promise<T>): Promise<T> {
  const attempts = 1_000;
  for (let tried = 1;; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof BackendError) || tried === attempts) throw error;
      await systemClock.sleep(1);
    }
  }
}

function registerCuts(own: Own): void {
  const bench = benchOf(own);

  it("is an error at every byte and never a wrong value, and the next one is right", async () => {
    const { line, clock } = bench;
    const backend = redisBackend(line.commands, { clock });
    await backend.set([write("key", "value")]);
    let [failures, answers] = [0, 0];
    for (const afterBytes of cutAfter) {
      line.link.fault = { kind: "cut", afterBytes };
      const answer = await backend.get(["key"]).catch((error) => error);
      if (answer instanceof BackendError) failures++;
      else deepEqual(answer, [bytes("value")], `after ${afterBytes} bytes`);
      answers += Number(!(answer instanceof BackendError));
      line.link.fault = { kind: "none" };
      deepEqual(await recovered(() => backend.get(["key"])), [bytes("value")]);
    }
    ok(failures > 10 && answers > 10, `${failures} failures, ${answers} answers`);
  });

  it("in the middle of a batch fails the batch, and what is found is right", async () => {
    const { line, clock } = bench;
    const backend = redisBackend(line.commands, { clock });
    const keys = ["a", "b", "c"];
    for (const afterBytes of cutAfter.filter((step) => step % 13 === 0)) {
      await own.admin().call("FLUSHALL");
      line.link.fault = { kind: "cut", afterBytes };
      const outcome = await backend.set(keys.map((key) => write(key, key))).catch((error) => error);
      line.link.fault = { kind: "none" };
      const found = await recovered(() => backend.get(keys));
      for (const [index, key] of keys.entries()) {
        ok(found[index] === undefined || String(found[index]) === String(bytes(key)), key);
      }
      if (outcome === undefined) deepEqual(found, keys.map(bytes));
      else ok(outcome instanceof BackendError);
    }
  });
}

function registerLockCuts(own: Own): void {
  const bench = benchOf(own);
  const steps = cutAfter.filter((step) => step % 13 === 0);

  it("leaves no lock that nobody holds", async () => {
    const { line, clock } = bench;
    const locks = redisLocks(line.commands, { clock });
    // Redis is to know the scripts, so that the reply cut off is that of the lock.
    await (await locks.acquire("warm", once)).lease!.release();
    for (const afterBytes of steps) {
      line.link.fault = { kind: "cut", afterBytes };
      const outcome = await locks.acquire("key", once).catch((error) => error);
      line.link.fault = { kind: "none" };
      if (outcome.lease) await recovered(() => outcome.lease.release());
      else ok(outcome instanceof BackendError, String(outcome));
      await (await recovered(() => locks.acquire("other", once))).lease!.release();
      await gone(own.admin(), "_lockkey");
    }
  });

  it("of a commit: stored and released, or neither; never twice", async () => {
    const { line, clock } = bench;
    const backend = redisBackend(line.commands, { clock });
    const locks = redisLocks(line.commands, { clock });
    const warm = (await locks.acquire("warm", once)).lease!;
    await warm.commit(write("warm", "warm"));
    for (const afterBytes of steps) {
      const key = `key-${afterBytes}`;
      const lease = (await recovered(() => locks.acquire(key, once))).lease!;
      line.link.fault = { kind: "cut", afterBytes };
      const outcome = await lease.commit(write(key, "made")).catch((error) => error);
      line.link.fault = { kind: "none" };
      ok(outcome === true || outcome instanceof BackendError);
      const [value] = await recovered(() => backend.get([key]));
      equal(value !== undefined, await own.admin().call("EXISTS", `_lock${key}`) === 0);
      const again = await recovered(() => lease.commit(write(key, "made again")));
      equal(again, value === undefined);
      equal(await own.admin().call("EXISTS", `_lock${key}`), 0);
    }
  });
}

/** Waits until Redis has let go of a key by what its holder does, long before the key ends. */
async function gone(admin: RedisAdmin, key: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < leaseMs / 2; waitedMs += 5) {
    if (await admin.call("EXISTS", key) === 0) return;
    await systemClock.sleep(5);
  }
  throw new Error(`"${key}" is still there`);
}

function registerDelays(own: Own): void {
  const bench = benchOf(own);
  const timeoutMs = 500;

  it("holds nobody up beyond the deadline, whatever was asked", async () => {
    const { line, clock } = bench;
    const backend = redisBackend(line.commands, { clock, timeoutMs });
    const locks = redisLocks(line.commands, { clock, timeoutMs });
    await backend.set([write("key", "value")]);
    const lease = (await locks.acquire("key", once)).lease!;
    const asked: Readonly<Record<string, () => Promise<unknown>>> = {
      "get": () => backend.get(["key", "other"]),
      "set": () => backend.set([write("key", "value"), write("other", "other")]),
      "add": () => backend.add(write("key", "added")),
      "increment": () => backend.increment("counter", 1, NEVER),
      "renew": () => lease.renew(leaseMs),
      "acquire": () => locks.acquire("another", { ...once, waitMs: 60_000 }),
      "commit": () => lease.commit(write("key", "value")),
      "release": () => lease.release(),
      "revoke": () => locks.revoke(["nothing"]),
    };
    for (const [operation, ask] of Object.entries(asked)) {
      line.link.fault = { kind: "hold" };
      const startedAt = clock.now();
      let endedAt = NEVER;
      const late = ask().finally(() => endedAt = clock.now());
      const failed = rejects(
        late,
        new RegExp(`Cannot ${operation} on redis: no answer after 500 ms`),
      );
      // Else what gives an unheard-of lock back might be done before what acquires it.
      await until(`the reply to ${operation}`, () => line.link.isHolding);
      while (clock.now() < startedAt + 1_000) await clock.advance(50);
      await failed;
      ok(endedAt - startedAt <= timeoutMs + 150, `${operation} took ${endedAt - startedAt} ms`);
      line.link.fault = { kind: "none" };
      deepEqual(await backend.get(["key"]), [bytes("value")], "late replies are nobody else's");
    }
    await gone(own.admin(), "_lockanother");
    await gone(own.admin(), "_lockkey");
  });

  it("that trickles in byte by byte is read all the same", async () => {
    const { line, clock } = bench;
    const backend = redisBackend(line.commands, { clock });
    const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    line.link.fault = { kind: "trickle" };
    await backend.set([{ key: "key", value, expiresAt: NEVER }]);
    deepEqual(await backend.get(["key", "none"]), [value, undefined]);
    const { lease } = await redisLocks(line.commands, { clock }).acquire("key", once);
    equal(await lease!.commit(write("key", "made")), true);
  });
}

function registerParts(own: Own): void {
  const bench = benchOf(own);
  const keys = Array.from({ length: 6 }, (_, index) => `key-${index}`);

  afterEach(() => own.admin().call("ACL", "SETUSER", "default", "resetkeys", "allkeys"));

  it("fails the batch of writes, and no key holds another one's value", async () => {
    const { line, clock } = bench;
    const backend = redisBackend(line.commands, { clock });
    await own.admin().call("ACL", "SETUSER", "default", "resetkeys", "~key-[024]*");
    await rejects(
      () => backend.set(keys.map((key) => write(key, key))),
      /Cannot set on redis: .*No permissions/i,
    );
    await own.admin().call("ACL", "SETUSER", "default", "allkeys");
    const found = await backend.get(keys);
    deepEqual(found.map((value) => value && String(value)), [
      ...[String(bytes("key-0")), undefined, String(bytes("key-2")), undefined],
      ...[String(bytes("key-4")), undefined],
    ]);
  });

  it("fails the batch of creations, keeps those that could be locked, and leaves no lock", async () => {
    const { line, clock } = bench;
    const region = regionOver(line, clock);
    await region.getOrCreate("warm", () => 1);
    // To read a list as a string is refused, by a script as well; a batch of reads passes over it.
    for (const key of ["key-1", "key-3"]) await own.admin().call("LPUSH", key, "a list");
    const made = (missing: readonly string[]): string[] => missing.map((key) => `made ${key}`);
    await rejects(() => region.getOrCreateMulti(keys, made), BackendError);
    await clock.advance(1_000);
    for (const key of keys) await gone(own.admin(), `_lock${key}`);
    await own.admin().call("DEL", "key-1", "key-3");
    deepEqual(await region.getOrCreateMulti(keys, made), made(keys));
    for (const key of keys) equal(await own.admin().call("EXISTS", `_lock${key}`), 0);
  });

  it("of the commits keeps what can be kept, and every caller has its value", async () => {
    const { line, clock } = bench;
    const region = regionOver(line, clock);
    await region.getOrCreate("warm", () => 1);
    const errors: unknown[] = [];
    region.on("storeError", ({ error }) => errors.push(error));
    const made = await region.getOrCreateMulti(keys, async (missing) => {
      await own.admin().call("ACL", "SETUSER", "default", "resetkeys", "~key-[024]", "~_*");
      return missing.map((key) => `made ${key}`);
    });
    deepEqual(made, keys.map((key) => `made ${key}`));
    equal(errors.length, 3);
    ok(errors.every((error) => error instanceof BackendError), String(errors[0]));
    await own.admin().call("ACL", "SETUSER", "default", "allkeys");
    for (const [index, key] of keys.entries()) {
      equal(await own.admin().call("EXISTS", key), index % 2 === 0 ? 1 : 0);
      const leftMs = Number(await own.admin().call("PTTL", `_lock${key}`));
      ok(leftMs === -2 || leftMs > 0 && leftMs <= leaseMs, `${leftMs} ms`);
    }
  });
}

function registerDeaths(own: Own): void {
  const bench = benchOf(own);
  const started: Server[] = [];
  const start = async (): Promise<Server> => {
    const server = await redis.start();
    started.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
  });

  it("and started anew in the middle of a creation: the value, no lease, no old value", async () => {
    const { line } = bench;
    const [first, second] = [await start(), await start()];
    line.leadTo(first.port);
    const region = regionOver(line, systemClock);
    await recovered(() => region.set("kept", "before"));
    const made = await region.getOrCreate("key", () => {
      process.kill(first.pid, "SIGKILL");
      line.leadTo(second.port);
      return "made";
    });
    equal(made, "made", "the caller has its value");
    await recovered(() => region.get("kept"));
    const looking = await connectRedis(second.port);
    equal(await looking.call("EXISTS", "_lockkey"), 0, "no lease is left behind");
    equal(await looking.call("EXISTS", "key"), 0, "a lost lease stores nothing");
    equal(await region.getOrCreate("key", () => "made anew"), "made anew");
    equal(await region.getOrCreate("key", () => "never"), "made anew");
    looking.close();
  });

  it("is an error while it is down, and a miss for who is failsafe; what failed is not done later", async () => {
    const { line, clock } = bench;
    const [first, second] = [await start(), await start()];
    line.leadTo(first.port);
    const backend = redisBackend(line.commands, { clock });
    const locks = redisLocks(line.commands, { clock });
    await recovered(() => backend.set([write("key", "value")]));
    process.kill(first.pid, "SIGKILL");
    const failed = (work: () => Promise<unknown>) => rejects(work, BackendError);
    await failed(() => backend.get(["key"]));
    await failed(() => backend.set([write("late", "late")]));
    await failed(() => locks.acquire("key", { ...once, waitMs: 60_000 }));
    deepEqual(await failsafe(backend).get(["key"]), [undefined]);
    await failsafe(backend).set([write("late", "late")]);
    line.leadTo(second.port);
    deepEqual(await recovered(() => backend.get(["key", "late"])), [undefined, undefined]);
    await settled();
    deepEqual(await backend.get(["late"]), [undefined]);
  });
}

describe("what is no answer of Upstash", () => {
  const answers: Readonly<Record<string, () => Response>> = {
    "nothing": () => new Response(""),
    "no JSON": () => new Response("<html>"),
    "JSON that is cut off": () => new Response('[{"result":"dmFs'),
    "no list": () => Response.json({ result: "dmFsdWU=" }),
    "too few results": () => Response.json([]),
    "too many results": () => Response.json([{ result: null }, { result: null }]),
    "no base64": () => Response.json([{ result: "!" }]),
    "an error": () => Response.json([{ error: "WRONGTYPE" }]),
    "no entry": () => Response.json([null]),
    "a wrong token": () => Response.json({ error: "Unauthorized" }, { status: 401 }),
    "too many requests": () => new Response("slow down", { status: 429 }),
    "a broken gateway": () => new Response("<html>", { status: 502 }),
    "another place": () => new Response(null, { status: 302, headers: { location: "/" } }),
  };
  for (const [name, answer] of Object.entries(answers)) {
    it(`${name} is a BackendError, and no miss`, async () => {
      const fetch = (): Promise<Response> => Promise.resolve(answer());
      const commands = upstashCommands({ url: "https://example.org", fetch });
      await rejects(() => redisBackend(commands).get(["key"]), BackendError);
    });
  }

  it("nothing within the time is told as such", async () => {
    const clock = new ManualClock();
    const fetch = (_: string, { signal }: RequestInit): Promise<Response> =>
      new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
    const commands = upstashCommands({ url: "https://example.org", fetch, clock, timeoutMs: 100 });
    const failed = rejects(
      () => redisBackend(commands, { clock }).get(["key"]),
      /Cannot get on redis: no answer after 100 ms/,
    );
    await clock.advance(200);
    await failed;
  });
});
