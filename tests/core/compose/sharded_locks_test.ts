/** Locks and atomics over several stores. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { autoEject } from "../../../src/compose/auto_eject.ts";
import { sharded } from "../../../src/compose/sharded.ts";
import { shardedAtomics, shardedLocks } from "../../../src/compose/sharded_locks.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { Locks } from "../../../src/contracts/locks.ts";
import { ketama } from "../../../src/hash/hashing.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { atomicsFailureCase, atomicsSuite } from "../../conformance/atomics_suite.ts";
import { byteSamples } from "../../conformance/cases.ts";
import { locksSuite } from "../../conformance/locks_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

const hosts = ["10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4"];
const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`);
const once = { leaseMs: 1_000, waitMs: 0, enough: (): boolean => false };
const neverFails = "memory does not fail";

atomicsSuite("sharded over four memories", (clock) => {
  const ring = ketama({ shards: hosts });
  const shards = hosts.map(() => memoryBackend<Uint8Array>({ clock }));
  return { backend: sharded(ring, shards), atomics: shardedAtomics(ring, shards) };
}, { samples: byteSamples, skips: [{ case: atomicsFailureCase, reason: neverFails }] });

locksSuite("sharded over four memories", (clock) => {
  const ring = ketama({ shards: hosts });
  const shards = hosts.map(() => memoryBackend<Uint8Array>({ clock }));
  const locks = shards.map((shard) => localLocks(shard, { clock }));
  return {
    backend: sharded(ring, shards),
    locks: shardedLocks(ring, locks),
    others: shardedLocks(ring, locks),
  };
}, {
  samples: byteSamples,
  skips: [{
    case: "failure of the store is a BackendError, not a busy lock",
    reason: neverFails,
  }],
});

describe("shardedLocks", () => {
  it("locks every key where its value is, and nowhere else", async () => {
    const ring = ketama({ shards: hosts });
    const shards = hosts.map(() => localLocks(memoryBackend<string>()));
    const locks = shardedLocks(ring, shards);
    for (const key of keys) ok((await locks.acquire(key, once)).lease);
    for (const key of keys) {
      const free = await Promise.all(shards.map(async (shard) => {
        return (await shard.acquire(key, once)).lease !== undefined;
      }));
      deepEqual(free, hosts.map((_, index) => index !== ring.indexOf(key)));
    }
  });

  it("revokes on every shard, also where one of them fails", async () => {
    const ring = ketama({ shards: hosts });
    const stores = hosts.map(() => memoryBackend<string>());
    const shards: Locks<string>[] = stores.map((store) => localLocks(store));
    shards[1] = failing(shards[1]!);
    await sharded(ring, stores).set(keys.map((key) => ({ key, value: key, expiresAt: NEVER })));
    const locks = shardedLocks(ring, shards);
    await rejects(locks.revoke(keys), /shard "10\.0\.1\.2": Cannot revoke on broken: down/);
    const left = await sharded(ring, stores).get(keys);
    deepEqual(left, keys.map((key) => ring.indexOf(key) === 1 ? key : undefined));
  });

  it("names a shard that fails, ejects it, and takes it back when its time is over", async () => {
    const clock = new ManualClock();
    const ring = ketama({ shards: hosts });
    const shards: Locks<string>[] = hosts.map(() => localLocks(memoryBackend<string>(), { clock }));
    const whole = shards[1]!;
    shards[1] = failing(whole);
    const key = keys.find((key) => ring.indexOf(key) === 1)!;
    const ejecting = autoEject(ring, { failures: 2, retryMs: 1_000, clock });
    const locks = shardedLocks(ring, shards, { autoEject: ejecting });
    const isNamed = (error: unknown): boolean =>
      error instanceof BackendError && error.backend === 'shard "10.0.1.2"' &&
      error.operation === "acquire" && error.cause instanceof BackendError;
    await rejects(locks.acquire(key, once), isNamed);
    await rejects(locks.acquire(key, once), isNamed);
    const { lease } = await locks.acquire(key, { ...once, leaseMs: 60_000 });
    equal(ring.isLive(1), false);
    await clock.advance(1_000);
    await rejects(locks.acquire(key, once), isNamed);
    equal(await lease!.renew(60_000), true);
  });

  it("wants one store for each label", () => {
    const ring = ketama({ shards: hosts });
    const locks = [localLocks(memoryBackend<string>())];
    throws(() => shardedLocks(ring, locks), /there are 1 stores for 4 labels/);
    throws(() => shardedAtomics(ring, [memoryBackend<string>()]), RangeError);
  });
});

function failing(locks: Locks<string>): Locks<string> {
  const fail = (operation: string) => (): Promise<never> =>
    Promise.reject(new BackendError("broken", operation, new Error("down")));
  return { ...locks, name: "broken", acquire: fail("acquire"), revoke: fail("revoke") };
}
