/** bentocache over cairn's stores, by bentocache's own suite for drivers. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { BentoCache, bentostore } from "bentocache";
import { registerCacheDriverTestSuite } from "bentocache/test_suite";
import { type BentocacheConfig, bentocacheDriver } from "../../backends/adapters/bentocache.ts";
import { memoryBackend } from "../../src/memory/memory_backend.ts";
import { japaGroup, japaTest } from "../clients/japa_like.ts";
import { eachStore } from "../services/adapter_stores.ts";

type DriverSuite = (options: {
  readonly test: typeof japaTest;
  readonly group: typeof japaGroup;
  readonly createDriver: (config?: BentocacheConfig) => unknown;
}) => void;

describe("bentocache/test_suite", () => {
  eachStore((_name, store) => {
    (registerCacheDriverTestSuite as unknown as DriverSuite)({
      test: japaTest,
      group: japaGroup,
      createDriver: (config) => bentocacheDriver(store()).factory({ prefix: "suite", ...config }),
    });
  });
});

describe("bentocacheDriver", () => {
  it("is a second layer that several caches share", async () => {
    const backend = memoryBackend<Uint8Array>();
    const open = () => {
      const layer = bentocacheDriver({ backend, listing: backend });
      return new BentoCache({
        default: "shared",
        stores: { shared: bentostore().useL2Layer(layer) },
      });
    };
    const [one, other] = [open(), open()];
    let created = 0;
    const factory = () => ({ name: "Ada", created: ++created });
    const first = await one.namespace("users").getOrSet({ key: "1", ttl: "1m", factory });
    deepEqual(await other.namespace("users").getOrSet({ key: "1", ttl: "1m", factory }), first);
    equal(created, 1);
    await one.namespace("users").clear();
    equal(await other.namespace("users").get({ key: "1" }), undefined);
    await Promise.all([one.disconnectAll(), other.disconnectAll()]);
  });

  it("says what is missing where the store cannot list its keys", async () => {
    const driver = bentocacheDriver({ backend: memoryBackend<Uint8Array>() }).factory({});
    await driver.set("key", "value");
    equal(await driver.get("key"), "value");
    await rejects(() => driver.clear(), { name: "TypeError", message: /"listing"/ });
  });
});
