/** Keyv 5 and 6 over cairn's stores, by Keyv's own suite. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import suite, { keyvIteratorTests } from "@keyv/test-suite";
import { Keyv } from "keyv";
import { Keyv as Keyv5 } from "keyv5";
import { keyvStore, type KeyvStoreOptions } from "../../backends/adapters/keyv.ts";
import { memoryBackend } from "../../src/memory/memory_backend.ts";
import { type VitestLike, vitestLike } from "../clients/vitest_like.ts";
import type { Skip } from "../conformance/cases.ts";
import { eachStore } from "../services/adapter_stores.ts";
import { ManualClock } from "../testing/manual_clock.ts";

type KeyvSuite = (test: VitestLike, keyv: unknown, store: () => unknown) => void;

const perKey: Skip = {
  case: ".deleteMany([keys]) with nonexistent keys resolves to false",
  reason: "the suite is that of Keyv 5; Keyv 6 answers one boolean for each key",
};

const versions = [
  { keyv: 6, Class: Keyv, skips: [perKey] },
  { keyv: 5, Class: Keyv5, skips: [] },
] as const;

for (const { keyv, Class, skips } of versions) {
  describe(`@keyv/test-suite: Keyv ${keyv}`, () => {
    eachStore((name, store) => {
      const title = `Keyv ${keyv} over ${name}`;
      const open = (): unknown => {
        const { backend, listing } = store();
        return keyvStore(backend, { listing, prefix: "keyv suite:", keyv });
      };
      describe("values and namespaces", () => {
        (suite as unknown as KeyvSuite)(vitestLike(title, skips), Class, open);
      });
      describe("iterator", () => {
        (keyvIteratorTests as unknown as KeyvSuite)(vitestLike(title), Class, open);
      });
    });
  });
}

describe("keyvStore", () => {
  const open = (options: KeyvStoreOptions = {}) => {
    const backend = memoryBackend<Uint8Array>();
    return { backend, store: keyvStore(backend, { listing: backend, ...options }) };
  };

  it("hands deadlines of Keyv 6 on as they are", async () => {
    const clock = new ManualClock();
    const backend = memoryBackend<Uint8Array>({ clock });
    const store = keyvStore(backend);
    await store.setMany([
      { key: "soon", value: "1", expires: clock.now() + 1_000 },
      { key: "past", value: "2", expires: clock.now() },
      { key: "never", value: "3", expires: undefined },
    ]);
    await clock.advance(999);
    deepEqual(await store.hasMany(["soon", "past", "never"]), [true, false, true]);
    await clock.advance(1);
    deepEqual(await store.getMany(["soon", "never"]), [undefined, "3"]);
  });

  it("is taken by Keyv 6 as it is, without a bridge", async () => {
    const { store } = open();
    const keyv = new Keyv({ store, namespace: "users" });
    equal(keyv.store, store);
    await keyv.setMany([{ key: "1", value: { name: "Ada" } }, {
      key: "2",
      value: null,
      ttl: 60_000,
    }]);
    deepEqual(await keyv.getMany(["1", "2", "3"]), [{ name: "Ada" }, null, undefined]);
    deepEqual(await keyv.hasMany(["1", "3"]), [true, false]);
    deepEqual(await keyv.deleteMany(["1", "3"]), [true, false]);
  });

  it("keeps namespaces and prefixes apart", async () => {
    const { backend, store: one } = open({ prefix: "a:" });
    const other = keyvStore(backend, { listing: backend, prefix: "b:" });
    one.namespace = "n";
    await one.set("key", "1");
    await other.set("n:key", "2");
    equal(await one.get("key"), "1");
    await one.clear();
    deepEqual([await one.get("key"), await other.get("n:key")], [undefined, "2"]);
    deepEqual((await backend.get(["b:n:key"]))[0], new TextEncoder().encode("2"));
  });

  it("says what is missing where the store cannot list its keys", async () => {
    const store = keyvStore(memoryBackend<Uint8Array>());
    await rejects(() => store.clear(), { name: "TypeError", message: /memory.*"listing"/ });
    await rejects(() => store.iterator().next(), TypeError);
    const keyv = new Keyv({ store });
    const heard: unknown[] = [];
    keyv.on("error", (error: unknown) => heard.push(error));
    await keyv.clear();
    ok(heard[0] instanceof TypeError);
  });

  it("refuses what Keyv did not serialize", async () => {
    await rejects(() => open().store.set("key", { value: 1 }), TypeError);
  });
});
