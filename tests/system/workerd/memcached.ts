/** memcached from inside workerd, a connection for each batch; run by `memcached_workerd_test.ts`. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { memcachedBackend, memcachedLocks } from "../../../backends/memcached.ts";
import {
  type MemcachedServer,
  memcachedServer,
  nodeSocket,
} from "../../../backends/memcached_client.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { serializedLocks } from "../../../src/compose/serialized_locks.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { makeRegion } from "../../../src/region/region.ts";

/** The server of this Worker; bindings come with a request, and tests run within one. */
function server(): MemcachedServer {
  const { MEMCACHED } = (globalThis as unknown as { bindings: { MEMCACHED: string } }).bindings;
  return memcachedServer(MEMCACHED, { connect: nodeSocket(), keepsConnections: false });
}

describe("memcached, asked by a Worker", () => {
  it("stores bytes and gives them back", async () => {
    const backend = memcachedBackend(server());
    const value = Uint8Array.from({ length: 100_000 }, (_, index) => index);
    await backend.set([{ key: "a key", value, expiresAt: NEVER }]);
    deepEqual(await backend.get(["nowhere", "a key"]), [undefined, value]);
    equal(await backend.increment("visits", 3, NEVER), 3);
  });

  it("creates once for many callers of two regions", async () => {
    let created = 0;
    const regions = [1, 2].map(() =>
      makeRegion({
        backend: serialized(json, memcachedBackend(server())),
        locks: serializedLocks(json, memcachedLocks(server())),
      })
    );
    const create = async (): Promise<number> => {
      created++;
      await memcachedBackend(server()).get(["something", "else"]);
      return created;
    };
    // The first creation of all makes the marks that both regions go by.
    for (const region of regions) await region.getOrCreate("first", async () => "made");
    const calls = Array.from({ length: 10 }, (_, index) => {
      return regions[index % 2]!.getOrCreate("key", create);
    });
    deepEqual(await Promise.all(calls), new Array(10).fill(1));
  });

  it("is told when nobody listens", async () => {
    const nobody = memcachedServer("127.0.0.1:1", { connect: nodeSocket() });
    await rejects(memcachedBackend(nobody).get(["key"]), BackendError);
  });
});
