/** What operations on a real memcached cost in trips: writes to it that wait for an answer. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { memcachedBackend, memcachedLocks } from "../../backends/memcached.ts";
import {
  type ConnectMemcached,
  type MemcachedServer,
  memcachedServer,
  nodeSocket,
} from "../../backends/memcached_client.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { memcached } from "../services/memcached.ts";
import { flush } from "../services/memcached_fixture.ts";
import type { Server } from "../services/server.ts";
import { ManualClock } from "../testing/manual_clock.ts";

const softTtlMs = 10_000;
/** The server may be slow. */
const patience = { timeoutMs: 60_000, acquireMs: 60_000 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const write = (key: string, text: string) => ({ key, value: bytes(text), expiresAt: NEVER });
const once = { leaseMs: 1_000, waitMs: 0, enough: (): boolean => false };

describe("trips to memcached", { skip: memcached.missing }, () => {
  let running: Server;
  let server: MemcachedServer;
  let clock: ManualClock;
  let writes = 0;
  before(async () => void (running = await memcached.start()));
  after(() => running.stop());
  beforeEach(async () => {
    await flush(running.port);
    clock = new ManualClock();
    server = memcachedServer(`127.0.0.1:${running.port}`, { connect: counting, ...patience });
  });
  afterEach(() => server.close());

  const counting: ConnectMemcached = async (address, signal) => {
    const socket = await nodeSocket()(address, signal);
    return {
      read: () => socket.read(),
      write: (bytes) => (writes++, socket.write(bytes)),
      close: () => socket.close(),
    };
  };
  /** How many trips it takes to do something. */
  const tripsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = writes;
    await work();
    return writes - before;
  };

  describe("of a region", () => {
    let region: Region;
    let created = 0;
    const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`);
    const one = () => region.getOrCreate("key", async () => ++created);
    const many = () => region.getOrCreateMulti(keys, (missing) => missing.map(() => ++created));
    beforeEach(async () => {
      region = makeRegion({
        backend: serialized(json, memcachedBackend(server, { clock })),
        locks: serializedLocks(json, memcachedLocks(server, { clock })),
        softTtlMs,
        hardTtlMs: 100 * softTtlMs,
        marksMaxAgeMs: 1_000 * softTtlMs,
        clock,
      });
      // Marks are made, and known from now on.
      await region.getOrCreate("first", () => 1);
    });

    it("are three for a cold key, one for a hit, three for a stale one", async () => {
      equal(await tripsOf(one), 3);
      equal(await tripsOf(one), 1);
      await clock.advance(softTtlMs + 1);
      const before = created;
      equal(await tripsOf(one), 3);
      equal(created, before + 1);
      equal(await tripsOf(one), 1);
    });

    it("are three for a batch of missing or stale keys, and one for a fresh one", async () => {
      equal(await tripsOf(many), 3);
      equal(await tripsOf(many), 1);
      await clock.advance(softTtlMs + 1);
      equal(await tripsOf(many), 3);
      equal(await tripsOf(many), 1);
    });
  });

  describe("of a lock on a value that was read before", () => {
    let others: MemcachedServer;
    beforeEach(() => {
      others = memcachedServer(`127.0.0.1:${running.port}`, { connect: nodeSocket(), ...patience });
    });
    afterEach(() => others.close());
    const made = () => {
      const [backend, locks] = [
        memcachedBackend(server, { clock }),
        memcachedLocks(server, { clock }),
      ];
      const theirs = memcachedBackend(others, { clock });
      return { backend, locks, theirs, theirLocks: memcachedLocks(others, { clock }) };
    };

    it("is one, and the next one reads again", async () => {
      const { backend, locks } = made();
      await backend.set([write("key", "value")]);
      await backend.get(["key"]);
      for (const trips of [1, 2]) {
        let isHeld = false;
        const acquiring = async (): Promise<void> => {
          const { lease, value } = await locks.acquire("key", once);
          deepEqual(value, bytes("value"));
          isHeld = await lease!.renew(1_000);
          await lease!.release();
        };
        equal(await tripsOf(acquiring), trips + 2);
        ok(isHeld);
      }
      deepEqual(await backend.get(["key"]), [bytes("value")]);
    });

    it("takes the value of whoever wrote meanwhile, and a fence of its own", async () => {
      const { backend, locks, theirs } = made();
      await backend.set([write("key", "old")]);
      await backend.get(["key"]);
      await theirs.set([write("key", "new")]);
      const { lease, value } = await locks.acquire("key", once);
      deepEqual(value, bytes("new"));
      equal(await lease!.commit(write("key", "newest")), true);
      deepEqual(await theirs.get(["key"]), [bytes("newest")]);
    });

    it("adds the item of whoever removed it meanwhile", async () => {
      const { backend, locks, theirs } = made();
      await backend.set([write("key", "old")]);
      await backend.get(["key"]);
      await theirs.delete(["key"]);
      let lease, value;
      equal(await tripsOf(async () => ({ lease, value } = await locks.acquire("key", once))), 1);
      equal(value, undefined);
      equal(await lease!.commit(write("key", "made")), true);
      deepEqual(await theirs.get(["key"]), [bytes("made")]);
    });

    it("leaves alone whoever took it meanwhile, or before, until that is over", async () => {
      const { backend, locks, theirs, theirLocks } = made();
      await backend.set([write("key", "old")]);
      await backend.get(["key"]);
      const first = (await theirLocks.acquire("key", once)).lease!;
      equal((await locks.acquire("key", once)).lease, undefined);
      await backend.get(["key"]);
      equal((await locks.acquire("key", once)).lease, undefined);
      equal(await first.renew(1_000), true);
      await backend.get(["key"]);
      await clock.advance(1_001);
      let lease;
      equal(await tripsOf(async () => ({ lease } = await locks.acquire("key", once))), 1);
      ok(lease!.fence > first.fence);
      equal(await first.commit(write("key", "late")), false);
      equal(await lease!.commit(write("key", "made")), true);
      deepEqual(await theirs.get(["key"]), [bytes("made")]);
    });

    it("remembers a bounded number of keys, those read last", async () => {
      const { backend, locks } = made();
      const keys = Array.from({ length: 2_000 }, (_, index) => `key-${index}`);
      await backend.set(keys.map((key) => write(key, key)));
      await backend.get(keys);
      const acquire = (key: string) => tripsOf(() => locks.acquire(key, once));
      equal(await acquire(keys[0]!), 2);
      equal(await acquire(keys.at(-1)!), 1);
    });
  });
});
