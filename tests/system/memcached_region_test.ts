/** Regions over a real memcached: dogpile.cache's generic suite, and its records as they lie there. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { memcachedBackend, memcachedLocks } from "../../backends/memcached.ts";
import {
  type MemcachedServer,
  memcachedServer,
  nodeSocket,
} from "../../backends/memcached_client.ts";
import { memcachedLockKeys } from "../../backends/memcached_lock_keys.ts";
import { dogpileFraming } from "../../src/compose/dogpile_frame.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { makeRegion } from "../../src/region/region.ts";
import { regionSuite } from "../conformance/region_suite.ts";
import { memcached } from "../services/memcached.ts";
import { flush, ownServer, patient } from "../services/memcached_fixture.ts";
import type { Server } from "../services/server.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { StoreClock } from "../testing/store_time.ts";

describe("memcached beneath a region", { skip: memcached.missing }, () => {
  let running: Server;
  let server: MemcachedServer;
  let stores = 0;
  before(async () => {
    running = await memcached.start();
    server = memcachedServer(`127.0.0.1:${running.port}`, { connect: nodeSocket(), ...patient });
  });
  after(async () => {
    server.close();
    await running.stop();
  });
  const own = (clock: StoreClock): MemcachedServer => ownServer(server, `${stores++}:`, clock);

  regionSuite("D-181: memcached", (manual) => {
    const clock = new StoreClock(manual);
    return serialized(json, memcachedBackend(own(clock), { clock }));
  });
  regionSuite("D-182 D-183: memcached with its locks", (manual) => {
    const clock = new StoreClock(manual);
    const server = own(clock);
    return {
      backend: serialized(json, memcachedBackend(server, { clock })),
      locks: serializedLocks(json, memcachedLocks(server, { clock })),
    };
  });
  regionSuite("D-182 D-183: bare memcached with lock keys", (manual) => {
    const clock = new StoreClock(manual);
    const server = own(clock);
    return {
      backend: serialized(json, memcachedBackend(server, { clock, bare: true })),
      locks: serializedLocks(json, memcachedLockKeys(server, { clock })),
    };
  });

  it("D-186: a record is bytes with JSON behind the bar, and one that cannot be read is a miss", async () => {
    const store = memcachedBackend(server, { bare: true });
    const unreadable: string[] = [];
    const framing = dogpileFraming();
    const onUnreadable = ({ key }: { key: string }): void => void unreadable.push(key);
    const backend = serialized(json, store, { framing, onUnreadable });
    const region = makeRegion({ backend, softTtlMs: NEVER });
    const nested = { list: [1, { deep: [true, null] }], text: "a|b" };
    await region.set("key", nested);
    const [record] = await store.get(["key"]);
    const text = new TextDecoder().decode(record);
    equal(text.slice(text.indexOf("|") + 1), JSON.stringify(nested));
    deepEqual(await region.get("key"), nested);
    const value = new TextEncoder().encode('{"ct": 1, "v": 2}|{"cut');
    await store.set([{ key: "key", value, expiresAt: NEVER }]);
    equal(await region.get("key"), undefined);
    deepEqual(unreadable, ["key"]);
  });

  it("DX-08: a lock has an owner, is waited for with bounded patience, and fails with its server", async () => {
    await flush(running.port);
    const clock = new ManualClock();
    const storeClock = new StoreClock(clock);
    const mine = own(storeClock);
    const locks = memcachedLockKeys(mine, { clock: storeClock, random: () => 1 });
    const options = { leaseMs: 60_000, waitMs: 0, enough: (): boolean => false };
    const first = (await locks.acquire("key", { ...options, leaseMs: 1_000 })).lease!;
    await clock.advance(1_001);
    const second = (await locks.acquire("key", options)).lease!;
    await first.release();
    equal(await second.renew(60_000), true);
    const startedAt = clock.now();
    let endedAt = NEVER;
    const waiting = locks.acquire("key", { ...options, waitMs: 3_000 }).then(({ lease }) => {
      endedAt = clock.now();
      return lease;
    });
    await clock.advance(10_000);
    equal(await waiting, undefined);
    ok(endedAt - startedAt <= 3_050, `${endedAt - startedAt} ms`);
    const down = memcachedServer("127.0.0.1:1", { connect: nodeSocket(), ...patient });
    const failing = memcachedLockKeys(down).acquire("key", { ...options, waitMs: NEVER });
    equal((await failing.catch((error) => error)).name, "BackendError");
  });
});
