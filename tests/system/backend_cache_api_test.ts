/** Entries in the Cache API: the one inside workerd, and Deno's own where this runs on Deno. */

import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Miniflare, Response as MiniflareResponse } from "miniflare";
import { cacheAPIBackend, type ResponseCache } from "../../backends/cache_api.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples, entrySamples, type StoreFixture } from "../conformance/cases.ts";
import { ManualClock } from "../testing/manual_clock.ts";

let miniflare: Miniflare;
let inWorkerd: ResponseCache;

before(async () => {
  miniflare = new Miniflare({
    modules: true,
    script: "export default { fetch: () => new Response() };",
    compatibilityDate: "2025-06-01",
  });
  inWorkerd = await cacheInWorkerd(miniflare);
});

after(() => miniflare.dispose());

// Each request to workerd from outside takes milliseconds, so the large batch has fewer keys.
backendSuite("cache api of workerd", (clock) => fixtureOf(inWorkerd, clock), {
  samples: byteSamples,
  batchKeys: 100,
});
backendSuite("serialized(json, cache api of workerd)", (clock) => {
  const fixture = fixtureOf(inWorkerd, clock);
  return { ...fixture, backend: serialized(json, fixture.backend) };
}, { samples: entrySamples, batchKeys: 100 });

if (typeof caches === "object") {
  backendSuite("cache api of this runtime", async (clock) => {
    const name = `cairn-${crypto.randomUUID()}`;
    const fixture = fixtureOf(await caches.open(name), clock);
    return { ...fixture, close: async () => void (await caches.delete(name)) };
  }, { samples: byteSamples });
}

describe("cache api", () => {
  it("says in a header how long a record lives, in whole seconds, a year at most", async () => {
    const ages: (string | null)[] = [];
    const recording: ResponseCache = {
      match: () => Promise.resolve(undefined),
      put: (_address, { headers }) => Promise.resolve(void ages.push(headers.get("cache-control"))),
      delete: () => Promise.resolve(false),
    };
    const clock = new ManualClock();
    const backend = cacheAPIBackend(recording, { clock });
    for (const lifeMs of [1, 1_000, 1_001, 60_000, NEVER]) {
      await backend.set([{ key: "key", value: Uint8Array.of(1), expiresAt: clock.now() + lifeMs }]);
    }
    deepEqual(ages, [1, 1, 2, 60, 31_536_000].map((age) => `max-age=${age}`));
  });

  it("keeps every key in the query of one address", async () => {
    const asked: string[] = [];
    const recording: ResponseCache = {
      match: (address) => (asked.push(address), Promise.resolve(undefined)),
      put: () => Promise.resolve(),
      delete: () => Promise.resolve(false),
    };
    const address = "http://cache.example/entries";
    await cacheAPIBackend(recording, { address }).get(["..", "a/b?c#d&e", "ż"]);
    deepEqual(asked, ["..", "a%2Fb%3Fc%23d%26e", "%C5%BC"].map((key) => `${address}?key=${key}`));
    for (const bad of ["", "entries", "ftp://cache.example/"]) {
      throws(() => cacheAPIBackend(recording, { address: bad }), RangeError);
    }
  });

  it("reports the cache's own refusal as the cause", async () => {
    const refusal = new TypeError("Cannot cache response to non-GET request");
    const failing: ResponseCache = {
      match: () => Promise.resolve(undefined),
      put: () => Promise.reject(refusal),
      delete: () => Promise.resolve(false),
    };
    const write = { key: "key", value: Uint8Array.of(1), expiresAt: NEVER };
    await rejects(() => cacheAPIBackend(failing).set([write]), (error) => {
      equal((error as BackendError).cause, refusal);
      return error instanceof BackendError;
    });
  });
});

/** The default cache of a Worker, from outside: only Miniflare's own responses can be sent there. */
async function cacheInWorkerd(worker: Miniflare): Promise<ResponseCache> {
  const { default: cache } = await worker.getCaches() as unknown as {
    readonly default: {
      match(address: string): Promise<Response | undefined>;
      put(address: string, response: MiniflareResponse): Promise<void>;
      delete(address: string): Promise<boolean>;
    };
  };
  return {
    match: (address) => cache.match(address),
    put: async (address, response) => {
      const headers = [...response.headers];
      await cache.put(address, new MiniflareResponse(await response.arrayBuffer(), { headers }));
    },
    delete: (address) => cache.delete(address),
  };
}

let fixtures = 0;

// Each fixture has an address of its own, so that it finds none of the others' entries.
function fixtureOf(cache: ResponseCache, clock: ManualClock): StoreFixture<Uint8Array> {
  let trips = 0;
  let isBroken = false;
  const begin = (): void => {
    trips++;
    if (isBroken) throw new Error("the cache is out of order");
  };
  const counting: ResponseCache = {
    match: async (address) => (begin(), await cache.match(address)),
    put: async (address, response) => (begin(), await cache.put(address, response)),
    delete: async (address) => (begin(), await cache.delete(address)),
  };
  return {
    backend: cacheAPIBackend(counting, { clock, address: `https://${++fixtures}.example/` }),
    trips: () => trips,
    breakStore: () => void (isBroken = true),
  };
}
