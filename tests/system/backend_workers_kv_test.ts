/** Entries in Workers KV, on workerd's own simulation of it. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Miniflare } from "miniflare";
import { type KVNamespace, workersKVBackend } from "../../backends/workers_kv.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { type Clock, NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples, entrySamples, type StoreFixture } from "../conformance/cases.ts";
import { ManualClock } from "../testing/manual_clock.ts";

let miniflare: Miniflare;
let binding: KVNamespace;

before(async () => {
  miniflare = new Miniflare({
    modules: true,
    script: "export default { fetch: () => new Response() };",
    compatibilityDate: "2025-06-01",
    kvNamespaces: ["CACHE"],
  });
  binding = await miniflare.getKVNamespace("CACHE") as unknown as KVNamespace;
});

after(() => miniflare.dispose());

backendSuite("workers kv", fixtureOf, { samples: byteSamples });
backendSuite("serialized(json, workers kv)", (clock) => {
  const fixture = fixtureOf(clock);
  return { ...fixture, backend: serialized(json, fixture.backend) };
}, { samples: entrySamples });

describe("workers kv", () => {
  it("asks KV for no shorter life than the minute it takes, rounded up", async () => {
    const lives: (number | undefined)[] = [];
    const recording: KVNamespace = {
      ...boundMethods(binding),
      put: (_key, _value, { expirationTtl }) => Promise.resolve(void lives.push(expirationTtl)),
    };
    const clock = new ManualClock();
    const backend = workersKVBackend(recording, { clock });
    for (const lifeMs of [1, 59_999, 60_000, 60_001, 3_600_000, NEVER]) {
      await backend.set([{ key: "key", value: Uint8Array.of(1), expiresAt: clock.now() + lifeMs }]);
    }
    deepEqual(lives, [60, 60, 60, 61, 3_600, undefined]);
  });

  it("declares what it cannot do", () => {
    const { limits } = workersKVBackend(binding, { prefix: "é:" });
    deepEqual([limits.keyBytes, limits.ttlMinMs, limits.ttlStepMs, limits.consistency], [
      509,
      60_000,
      1_000,
      "eventual",
    ]);
    throws(() => workersKVBackend(binding, { prefix: "" }), RangeError);
    throws(() => workersKVBackend(binding, { prefix: "p".repeat(300) }), RangeError);
  });

  it("takes a record that is none of ours for a miss", async () => {
    const backend = workersKVBackend(binding, { prefix: "foreign:" });
    await binding.put("foreign:short", Uint8Array.of(1, 2), {});
    await binding.put("foreign:other", new TextEncoder().encode("another program's value"), {});
    deepEqual(await backend.get(["short", "other"]), [undefined, undefined]);
  });

  it("passes the time a place may answer from its own copy", async () => {
    const asked: unknown[] = [];
    const recording: KVNamespace = {
      ...boundMethods(binding),
      get: (_key, options) => (asked.push(options), Promise.resolve(null)),
    };
    await workersKVBackend(recording, { cacheTtlMs: 90_500 }).get(["key"]);
    deepEqual(asked, [{ type: "arrayBuffer", cacheTtl: 90 }]);
    throws(() => workersKVBackend(binding, { cacheTtlMs: 1_000 }), /"cacheTtlMs" is 1000/);
    deepEqual(await workersKVBackend(binding, { cacheTtlMs: 60_000 }).get(["key"]), [undefined]);
  });

  it("keeps sixteen requests under way, and no more", async () => {
    let [underWay, most] = [0, 0];
    const counting: KVNamespace = {
      ...boundMethods(binding),
      get: async () => {
        most = Math.max(most, ++underWay);
        await Promise.resolve();
        underWay--;
        return null;
      },
    };
    await workersKVBackend(counting).get(Array.from({ length: 50 }, (_, index) => `${index}`));
    equal(most, 16);
  });

  it("another place that still has the old record judges it by its deadline", async () => {
    const clock = new ManualClock();
    const lagging = new LaggingNamespace(boundMethods(binding));
    const backend = workersKVBackend(lagging, { clock, prefix: "lag:" });
    const value = Uint8Array.of(1);
    await backend.set([{ key: "key", value, expiresAt: clock.now() + 1_000 }]);
    await lagging.arrive();
    await backend.delete(["key"]);
    deepEqual(await backend.get(["key"]), [value], "the deletion has not arrived yet");
    await clock.advance(1_000);
    deepEqual(await backend.get(["key"]), [undefined]);
  });

  it("reports KV's own refusal as the cause", async () => {
    const tooOften = new Error("KV PUT failed: 429 Too Many Requests");
    const failing: KVNamespace = {
      ...boundMethods(binding),
      put: () => Promise.reject(tooOften),
    };
    const backend = workersKVBackend(failing);
    const write = { key: "key", value: Uint8Array.of(1), expiresAt: NEVER };
    await rejects(() => backend.set([write]), (error) => {
      ok(error instanceof BackendError);
      deepEqual([error.backend, error.operation, error.cause], ["workers kv", "set", tooOften]);
      return true;
    });
  });
});

/** Reads what had been written when the writes were last said to have arrived. */
class LaggingNamespace implements KVNamespace {
  readonly #namespace: KVNamespace;
  #late: (() => Promise<void>)[] = [];

  constructor(namespace: KVNamespace) {
    this.#namespace = namespace;
  }

  async get(...given: Parameters<KVNamespace["get"]>): Promise<ArrayBuffer | null> {
    return await this.#namespace.get(...given);
  }

  put(...given: Parameters<KVNamespace["put"]>): Promise<void> {
    return this.#later(() => this.#namespace.put(...given));
  }

  delete(key: string): Promise<void> {
    return this.#later(() => this.#namespace.delete(key));
  }

  async arrive(): Promise<void> {
    const late = this.#late;
    this.#late = [];
    for (const write of late) await write();
  }

  #later(write: () => Promise<void>): Promise<void> {
    this.#late.push(write);
    return Promise.resolve();
  }
}

let fixtures = 0;

// Each fixture has a prefix of its own, so that it finds none of the others' entries. KV's own
// clock is real: only the deadlines within the records obey the manual one.
function fixtureOf(clock: ManualClock): StoreFixture<Uint8Array> {
  let trips = 0;
  let isBroken = false;
  const bound = boundMethods(binding);
  const begin = (): void => {
    trips++;
    if (isBroken) throw new Error("KV is out of order");
  };
  const counting: KVNamespace = {
    get: async (key, options) => (begin(), await bound.get(key, options)),
    put: async (key, value, options) => (begin(), await bound.put(key, value, options)),
    delete: async (key) => (begin(), await bound.delete(key)),
  };
  const options: { prefix: string; clock: Clock } = { prefix: `${++fixtures}:`, clock };
  return {
    backend: workersKVBackend(counting, options),
    trips: () => trips,
    breakStore: () => void (isBroken = true),
  };
}

function boundMethods(namespace: KVNamespace): KVNamespace {
  return {
    get: (key, options) => namespace.get(key, options),
    put: (key, value, options) => namespace.put(key, value, options),
    delete: (key) => namespace.delete(key),
  };
}
