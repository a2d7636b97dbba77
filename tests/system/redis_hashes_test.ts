/** Fields of Redis hashes: the contracts, and the assertions of dogpile_backend_redis_advanced. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { Redis } from "ioredis";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import {
  hashKey,
  redisHashes,
  redisHashesLocks,
  type RedisHashesOptions,
  type TtlOnHash,
} from "../../backends/redis_hashes.ts";
import type { Atomics } from "../../src/contracts/atomics.ts";
import type { Backend, Write } from "../../src/contracts/backend.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { type AtomicsFixture, atomicsSuite } from "../conformance/atomics_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples } from "../conformance/cases.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { redis } from "../services/redis.ts";
import { redisMarginMs, RedisTime, Traffic } from "../services/redis_time.ts";
import type { Server } from "../services/server.ts";
import { ManualClock } from "../testing/manual_clock.ts";

describe("redis hashes", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  let client: Redis;
  let time: RedisTime;
  let clock: ManualClock;
  let traffic: Traffic;

  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
    client = new Redis(server.port, "127.0.0.1");
  });
  beforeEach(async () => {
    await admin.call("FLUSHALL");
    clock = new ManualClock();
    traffic = new Traffic();
    time = new RedisTime(clock, [admin.call], traffic);
  });
  after(async () => {
    client.disconnect();
    admin.close();
    await server.stop();
  });

  function hashes(options: RedisHashesOptions = {}): Backend<Uint8Array> & Atomics<Uint8Array> {
    const commands = traffic.watch(time.frozen(ioredisCommands(client)));
    return redisHashes(commands, { clock, ...options });
  }
  const ttlOf = async (key: string): Promise<number> => Number(await admin.call("TTL", key));
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const write = (key: string, ttlMs = 10_000): Write<Uint8Array> => ({
    key,
    value: bytes(`value of ${key}`),
    expiresAt: ttlMs === NEVER ? NEVER : clock.now() + ttlMs,
  });
  const tuple = hashKey("hash", "field");

  // Every key of the suites is a field, so that nothing is proven by plain keys.
  async function fixture(
    own: ManualClock,
  ): Promise<AtomicsFixture<Uint8Array> & LocksFixture<Uint8Array>> {
    await admin.call("FLUSHALL");
    const connection = new Redis(server.port, "127.0.0.1", { lazyConnect: true });
    await connection.connect();
    const counted = new Traffic();
    const suiteTime = new RedisTime(own, [admin.call], counted);
    const commands = counted.watch(suiteTime.frozen(ioredisCommands(connection)));
    const options = { clock: own, ttlOnHash: "always" } as const;
    const backend = redisHashes(commands, options);
    return {
      backend,
      atomics: backend,
      locks: redisHashesLocks(commands, options),
      others: redisHashesLocks(commands, options),
      time: suiteTime,
      marginMs: redisMarginMs,
      trips: () => counted.trips,
      breakStore: () => connection.disconnect(),
      close: () => connection.disconnect(),
    };
  }
  async function fieldsOnly(
    own: ManualClock,
  ): Promise<AtomicsFixture<Uint8Array> & LocksFixture<Uint8Array>> {
    const made = await fixture(own);
    const inHash = (key: string): string => hashKey(`{h${key.length % 3}}`, key);
    const { backend, atomics, locks, others } = made;
    const moved = (write: Write<Uint8Array>): Write<Uint8Array> => ({
      ...write,
      key: inHash(write.key),
    });
    const movedLocks = (from: typeof locks): typeof locks => ({
      name: from.name,
      revoke: (keys) => from.revoke(keys.map(inHash)),
      acquire: async (key, options) => {
        const { lease, value } = await from.acquire(inHash(key), options);
        const renamed = lease &&
          { ...lease, key, commit: (w: Write<Uint8Array>) => lease.commit(moved(w)) };
        return { lease: renamed, value };
      },
    });
    return {
      ...made,
      backend: {
        ...backend,
        name: backend.name,
        limits: backend.limits,
        get: (keys) => backend.get(keys.map(inHash)),
        set: (writes) => backend.set(writes.map(moved)),
        delete: (keys) => backend.delete(keys.map(inHash)),
      },
      atomics: {
        name: atomics.name,
        add: (w) => atomics.add(moved(w)),
        replace: (w) => atomics.replace(moved(w)),
        increment: (key, delta, expiresAt) => atomics.increment(inHash(key), delta, expiresAt),
        touch: (key, expiresAt) => atomics.touch(inHash(key), expiresAt),
        deleteIf: (key, expected) => atomics.deleteIf(inHash(key), expected),
      },
      locks: movedLocks(locks),
      others: movedLocks(others),
    };
  }
  const fieldSkips = [{
    case: "clause 7: a key outside the limits is refused before any I/O",
    reason: "the name of a field is shorter than that of a key by its hash",
  }];
  backendSuite("redis hashes", fixture, { samples: byteSamples });
  backendSuite("redis hashes, fields only", fieldsOnly, {
    samples: byteSamples,
    skips: fieldSkips,
  });
  atomicsSuite("redis hashes, fields only", fieldsOnly, { samples: byteSamples });
  locksSuite("redis hashes, fields only", fieldsOnly, { samples: byteSamples });

  it("R-005: set, get and delete, for a plain key and for a tuple", async () => {
    const backend = hashes();
    for (const key of ["plain", tuple]) {
      deepEqual(await backend.get([key]), [undefined]);
      await backend.set([write(key)]);
      deepEqual(await backend.get([key]), [bytes(`value of ${key}`)]);
      await backend.delete([key]);
      deepEqual(await backend.get([key]), [undefined]);
    }
  });

  it("R-006: 32 mixed keys in one order, and each batch in one trip", async () => {
    const backend = hashes();
    const numbers = Array.from({ length: 20 }, (_, index) => String(index));
    const tuples = Array.from({ length: 12 }, (_, index) => hashKey(`h${index % 10}`, `f${index}`));
    const keys = numbers.flatMap((key, index) => index < 12 ? [key, tuples[index]!] : [key]);
    // A script is sent whole to a server that does not know it yet, which is a trip of its own.
    await backend.set([write(hashKey("another", "field"))]);
    await backend.delete([hashKey("another", "field")]);
    const values = keys.map((key) => bytes(`value of ${key}`));
    const trips = traffic.trips;
    await backend.set(keys.map((key) => write(key)));
    deepEqual(await backend.get(keys), values);
    await backend.delete(keys);
    deepEqual(await backend.get(keys), keys.map(() => undefined));
    equal(traffic.trips - trips, 4);
  });

  it("R-007: a tuple's hash has a time to live, if new or always", async () => {
    for (const ttlOnHash of ["new", "always"] as const) {
      await hashes({ ttlOnHash }).set([write(hashKey(ttlOnHash, "field"))]);
      ok(await ttlOf(ttlOnHash) >= 1, ttlOnHash);
    }
  });

  it("R-008: after a mixed batch every key and every hash has one", async () => {
    for (const ttlOnHash of ["new", "always"] as const) {
      await admin.call("FLUSHALL");
      const keys = ["a", "b", hashKey("h", "1"), hashKey("h", "2"), hashKey("i", "1")];
      await hashes({ ttlOnHash }).set(keys.map((key) => write(key)));
      for (const name of ["a", "b", "h", "i"]) ok(await ttlOf(name) >= 1, `${ttlOnHash} ${name}`);
    }
  });

  const rounds: readonly (readonly [string, TtlOnHash, readonly string[], readonly number[]])[] = [
    ["R-009: always renews it", "always", [tuple], [10, 10, 10, 10, 10]],
    ["R-010: always renews it, in batches too", "always", [tuple, "p", hashKey("hash", "2")], [
      10,
      10,
      10,
      10,
      10,
    ]],
    ["R-011: new does not renew it", "new", [tuple], [10, 9, 8, 7, 6]],
    ["R-012: new does not renew it, in batches too", "new", [tuple, "p"], [10, 9, 8, 7, 6]],
    ["R-013: none never sets it", "none", [tuple], [-1, -1, -1, -1, -1]],
  ];
  for (const [name, ttlOnHash, keys, expected] of rounds) {
    it(name, async () => {
      const seen: number[] = [];
      for (let round = 0; round < expected.length; round++) {
        await hashes({ ttlOnHash }).set(keys.map((key) => write(key)));
        seen.push(await ttlOf("hash"));
        await time.advance(1_000);
      }
      deepEqual(seen, expected);
    });
  }

  it("DX-30: no write ever wipes a hash", async () => {
    for (const ttlOnHash of ["none", "new", "always"] as const) {
      await admin.call("FLUSHALL");
      const backend = hashes({ ttlOnHash });
      const other = hashKey("hash", "other");
      await backend.set([write(tuple, NEVER)]);
      deepEqual(await backend.get([tuple]), [bytes(`value of ${tuple}`)]);
      equal(await ttlOf("hash"), -1);
      await backend.set([write(other, 0)]);
      await backend.set([write(other, 0.25)]);
      deepEqual(await backend.get([tuple]), [bytes(`value of ${tuple}`)], ttlOnHash);
      equal(await ttlOf("hash"), -1, "what never ends is not cut short by what does");
    }
  });

  it("DX-30: fields whose names joined by a comma are the same have locks of their own", async () => {
    const locks = redisHashesLocks(ioredisCommands(client), { clock });
    const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
    ok((await locks.acquire(hashKey("a,b", "c"), options)).lease);
    ok((await locks.acquire(hashKey("a", "b,c"), options)).lease);
  });

  it("a tuple whose hash is a plain key is an error of the store", async () => {
    await admin.call("SET", "hash", "plain");
    await rejects(() => hashes().get([tuple]), BackendError);
    throws(() => hashKey("a\u001fb", "c"), RangeError);
    throws(() => hashes({ ttlOnHash: "often" as TtlOnHash }), RangeError);
  });
});
