/**
 * unstorage over cairn's stores. The package publishes no suite for drivers, so what a storage
 * promises is said here, through its own `createStorage`.
 */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import {
  createStorage,
  prefixStorage,
  restoreSnapshot,
  snapshot,
  type Storage,
  type StorageValue,
} from "unstorage";
import { unstorageDriver } from "../../backends/adapters/unstorage.ts";
import { memoryBackend } from "../../src/memory/memory_backend.ts";
import { eachStore } from "../services/adapter_stores.ts";
import { ManualClock } from "../testing/manual_clock.ts";

const initial = { "s1:a": "test_data", "s2:a": "test_data", "s3:a": "test_data" };

describe("a storage of unstorage", () => {
  eachStore((name, store) => {
    const open = (): Storage => {
      const { backend, listing } = store();
      return createStorage({ driver: unstorageDriver(backend, { listing, prefix: "storage:" }) });
    };
    afterEach(() => open().clear());

    it("restores a snapshot and takes the same", async () => {
      const storage = open();
      await restoreSnapshot(storage, { initial: "works" });
      equal(await storage.getItem("initial"), "works");
      await storage.clear();
      await restoreSnapshot(storage, initial);
      deepEqual(await snapshot(storage, ""), initial);
    });

    it("has what was set under every spelling of its key", async () => {
      const storage = open();
      await storage.setItem("s1:a", "test_data");
      equal(await storage.hasItem("s1:a"), true);
      equal(await storage.getItem("s1/a"), "test_data");
      equal(await storage.getItem("/s1:a?q=1"), "test_data");
      equal(await storage.hasItem("s1:b"), false);
      equal(await storage.getItem("s1:b"), null);
    });

    it("names keys under a base and to a depth", async () => {
      const storage = open();
      for (const key of ["d0", "d1:a", "d1:b:c", "d10:a"]) await storage.setItem(key, "1");
      deepEqual((await storage.getKeys()).sort(), ["d0", "d10:a", "d1:a", "d1:b:c"]);
      deepEqual((await storage.getKeys("d1")).sort(), ["d1:a", "d1:b:c"]);
      deepEqual((await storage.getKeys("", { maxDepth: 1 })).sort(), ["d0", "d10:a", "d1:a"]);
      deepEqual(await prefixStorage(storage, "d1:b").getKeys(), ["c"]);
    });

    it("gives back objects, primitives and what seems false", async () => {
      const storage = open();
      const values = [{ json: "works" }, [1], "", "text", 0, 1.5, true, false, null];
      for (const value of values) {
        await storage.setItem("value", value);
        deepEqual(await storage.getItem("value"), value, JSON.stringify(value));
      }
    });

    it("refuses what has no JSON, and keeps what was there", async () => {
      const storage = open();
      await storage.setItem("value", "before");
      await rejects(() => storage.setItem("value", new (class Own {})()), /Cannot stringify value/);
      equal(await storage.getItem("value"), "before");
    });

    it("gives back bytes as they were", async () => {
      const storage = open();
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      await storage.setItemRaw("raw", bytes);
      deepEqual(await storage.getItemRaw("raw"), bytes);
      await storage.setItemRaw("raw", bytes.buffer);
      deepEqual(await storage.getItemRaw("raw"), bytes);
      await storage.setItemRaw("raw", "text");
      deepEqual(await storage.getItemRaw("raw"), new TextEncoder().encode("text"));
      equal(await storage.getItemRaw("nowhere"), null);
      await rejects(() => storage.setItemRaw("raw", 7), TypeError);
    });

    it("reads and writes many at once", async () => {
      const storage = open();
      await storage.setItems<StorageValue>([{ key: "1", value: "a" }, {
        key: "2",
        value: { b: 1 },
      }]);
      deepEqual(await storage.getItems(["1", "2", { key: "3" }]), [
        { key: "1", value: "a" },
        { key: "2", value: { b: 1 } },
        { key: "3", value: null },
      ]);
    });

    it("removes an item, a base and everything", async () => {
      const storage = open();
      for (const key of ["a:1", "a:2", "b:1", "ab"]) await storage.setItem(key, "1");
      await storage.removeItem("a:1", false);
      deepEqual((await storage.getKeys()).sort(), ["a:2", "ab", "b:1"]);
      const { driver } = storage.getMount();
      await driver.clear!("a:", {});
      deepEqual((await storage.getKeys()).sort(), ["ab", "b:1"]);
      await storage.clear();
      deepEqual(await storage.getKeys(), []);
    });

    it("keeps meta beside an item", async () => {
      const storage = open();
      const mtime = new Date(1_700_000_000_000);
      await storage.setItem("item", "1");
      await storage.setMeta("item", { mtime, own: "yes" });
      deepEqual({ ...await storage.getMeta("item") }, { mtime, own: "yes" });
    });

    it(`leaves other keys of ${name} alone`, async () => {
      const { backend } = store();
      await backend.set([{ key: "foreign", value: Uint8Array.of(1), expiresAt: Infinity }]);
      await open().clear();
      deepEqual(await backend.get(["foreign"]), [Uint8Array.of(1)]);
      await backend.delete(["foreign"]);
    });
  });
});

describe("unstorageDriver", () => {
  it("keeps times to live, in seconds", async () => {
    const clock = new ManualClock();
    const backend = memoryBackend<Uint8Array>({ clock });
    const storage = createStorage({ driver: unstorageDriver(backend, { clock }) });
    await storage.setItem("one", "1", { ttl: 10 });
    await storage.setItems([{ key: "two", value: "2", options: { ttl: 20 } }], { ttl: 10 });
    await storage.setItemRaw("raw", Uint8Array.of(1), { ttl: 20 });
    await clock.advance(9_999);
    equal(await storage.getItem("one"), 1);
    await clock.advance(1);
    deepEqual([await storage.getItem("one"), await storage.getItem("two")], [null, 2]);
    await clock.advance(10_000);
    deepEqual([await storage.getItem("two"), await storage.getItemRaw("raw")], [null, null]);
  });

  it("says what is missing where the store cannot list its keys", async () => {
    const storage = createStorage({ driver: unstorageDriver(memoryBackend<Uint8Array>()) });
    await storage.setItem("key", "value");
    equal(await storage.getItem("key"), "value");
    await rejects(() => storage.getKeys(), { name: "TypeError", message: /"listing"/ });
    await rejects(() => storage.clear(), TypeError);
  });
});
