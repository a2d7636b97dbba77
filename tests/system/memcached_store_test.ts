// runs on: deno, node24, bun
/** The suites on a real memcached: entries, atomics, both kinds of locks, and serialized entries. */

import { after, before, describe } from "node:test";
import {
  memcachedBackend,
  memcachedLocks,
  type MemcachedOptions,
} from "../../backends/memcached.ts";
import { memcachedLockKeys } from "../../backends/memcached_lock_keys.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { type AtomicsFixture, atomicsSuite } from "../conformance/atomics_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples, entrySamples, type Skip } from "../conformance/cases.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { memcached } from "../services/memcached.ts";
import { memcachedTrial } from "../services/memcached_fixture.ts";
import type { Server } from "../services/server.ts";
import type { ManualClock } from "../testing/manual_clock.ts";

const serversClock = "its deadlines are those of the server, whose clock no test moves";
const skipOf = (name: string): Skip => ({ case: name, reason: serversClock });
const bareSkips = [
  skipOf("clause 5: a value lives until its deadline and is gone at it"),
  skipOf("clause 5: a later write replaces the deadline too"),
];
const lockKeysSkips = [skipOf("commit keeps the deadline of the write")];

describe("memcached", { skip: memcached.missing }, () => {
  let running: Server;
  before(async () => void (running = await memcached.start()));
  after(() => running.stop());

  const storeOf = (options: MemcachedOptions = {}) => {
    return async (clock: ManualClock): Promise<AtomicsFixture<Uint8Array>> => {
      const trial = await memcachedTrial(clock, running.port);
      const backend = memcachedBackend(trial.server, { clock, ...options });
      return { ...trial, backend, atomics: backend };
    };
  };
  const locksOf = (kind: typeof memcachedLocks | typeof memcachedLockKeys) => {
    return async (clock: ManualClock): Promise<LocksFixture<Uint8Array>> => {
      const trial = await memcachedTrial(clock, running.port);
      const bare = kind === memcachedLockKeys;
      return {
        ...trial,
        backend: memcachedBackend(trial.server, { clock, bare }),
        locks: kind(trial.server, { clock }),
        others: kind(trial.server, { clock }),
      };
    };
  };

  backendSuite("memcached", storeOf(), { samples: byteSamples });
  atomicsSuite("memcached", storeOf(), { samples: byteSamples });
  backendSuite("bare memcached", storeOf({ bare: true }), {
    samples: byteSamples,
    skips: bareSkips,
  });
  describe("D-185: locks in memcached", () => {
    locksSuite("memcached", locksOf(memcachedLocks), { samples: byteSamples });
    locksSuite("memcached lock keys", locksOf(memcachedLockKeys), {
      samples: byteSamples,
      skips: lockKeysSkips,
    });
  });
  backendSuite("serialized(json, memcached)", async (clock) => {
    const fixture = await storeOf()(clock);
    return { ...fixture, backend: serialized(json, fixture.backend) };
  }, { samples: entrySamples });
});
