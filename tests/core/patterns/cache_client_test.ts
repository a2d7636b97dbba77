import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryCache } from "../../../src/memory/memory_cache.ts";
import { CacheClient, type HeldCache } from "../../../src/patterns/cache_client.ts";
import { NullCache } from "../../../src/patterns/null_cache.ts";

const NAMESPACES = [undefined, "", "default", "other"];

function makeClient(): CacheClient<unknown> {
  return new CacheClient({ default: new MemoryCache(), other: new MemoryCache() }, "default");
}

for (const namespace of NAMESPACES) {
  const options = { namespace, ttlMs: 10_000 };
  const pairs: [string, number][] = [["a", 1], ["ключ", 2]];
  const keys = pairs.map(([key]) => key);

  describe(`CacheClient keeps wheezy's contract in namespace ${String(namespace)}`, () => {
    it("W-001 W-002 W-003: misses are undefined, or left out", () => {
      const client = makeClient();
      equal(client.get("k", namespace), undefined);
      deepEqual(client.getMulti(keys, namespace), new Map());
      client.set("a", 1, options);
      deepEqual(client.getMulti(keys, namespace), new Map([["a", 1]]));
    });

    it("W-004 W-005 W-006 W-007 W-008: what is set is got", () => {
      const client = makeClient();
      equal(client.set("ключ", "value", options), true);
      equal(client.get("ключ", namespace), "value");
      deepEqual(client.setMulti(pairs, options), []);
      deepEqual(client.getMulti(keys, namespace), new Map(pairs));
    });

    it("W-009 W-010 W-011: add stores what is absent", () => {
      const client = makeClient();
      equal(client.add("a", 1, options), true);
      equal(client.get("a", namespace), 1);
      equal(client.add("a", 2, options), false);
      client.flushAll();
      deepEqual(client.addMulti(pairs, options), []);
      deepEqual(client.getMulti(keys, namespace), new Map(pairs));
      deepEqual(client.addMulti(pairs, options), keys);
    });

    it("W-012 W-013 W-014 W-015: replace stores over what is present", () => {
      const client = makeClient();
      equal(client.replace("a", 1, options), false);
      deepEqual(client.replaceMulti(pairs, options), keys);
      client.setMulti(keys.map((key) => [key, 0]), options);
      equal(client.replace("a", 5, options), true);
      equal(client.get("a", namespace), 5);
      deepEqual(client.replaceMulti(pairs, options), []);
      deepEqual(client.getMulti(keys, namespace), new Map(pairs));
    });

    it("W-016 W-017 W-018 W-019: delete answers what it found", () => {
      const client = makeClient();
      equal(client.delete("a", namespace), false);
      equal(client.deleteMulti(keys, namespace), true);
      client.setMulti(pairs, options);
      equal(client.delete("a", namespace), true);
      equal(client.get("a", namespace), undefined);
      equal(client.deleteMulti(keys, namespace), true);
      deepEqual(client.getMulti(keys, namespace), new Map());
    });

    it("W-020 W-021 W-022 W-023 W-024: counting starts from the initial value", () => {
      const client = makeClient();
      equal(client.incr("n", 1, { namespace }), undefined);
      equal(client.incr("n", 1, { namespace, initialValue: 0 }), 1);
      equal(client.incr("n", 1, { namespace, initialValue: 0 }), 2);
      equal(client.get("n", namespace), 2);
      equal(client.decr("m", 1, { namespace }), undefined);
      equal(client.decr("m", 1, { namespace, initialValue: 10 }), 9);
      equal(client.decr("m", 1, { namespace, initialValue: 10 }), 8);
      equal(client.get("m", namespace), 8);
    });

    it("W-025: flushAll answers true", () => {
      const client = makeClient();
      client.setMulti(pairs, options);
      equal(client.flushAll(), true);
      deepEqual(client.getMulti(keys, namespace), new Map());
    });
  });
}

describe("CacheClient", () => {
  it("routes by namespace, and isolates those that share a cache", () => {
    const shared = new MemoryCache();
    const client = new CacheClient({ a: shared, b: shared, none: new NullCache() }, "a");
    client.set("k", 1);
    client.set("k", 2, { namespace: "b" });
    client.set("k", 3, { namespace: "none" });
    deepEqual([client.get("k"), client.get("k", "a"), client.get("k", "b")], [1, 1, 2]);
    equal(client.get("k", "none"), undefined);
    equal(shared.get("k", "b"), 2);
  });

  it("refuses namespaces that nobody answers for", () => {
    const client = makeClient();
    for (const name of ["nowhere", "__proto__", "toString"]) {
      throws(() => client.get("k", name), RangeError);
      throws(() => client.set("k", 1, { namespace: name }), RangeError);
    }
    throws(() => new CacheClient({ a: new NullCache() }, "b"), RangeError);
  });

  it("says when one of its caches did not flush", () => {
    const stubborn = Object.assign(new MemoryCache(), { flushAll: () => false });
    const other = new MemoryCache();
    other.set("k", 1, { namespace: "b" });
    equal(new CacheClient({ a: stubborn, b: other }, "a").flushAll(), false);
    equal(other.size, 0);
  });

  it("asks a function for a cache, for a call or for as long as it lives", () => {
    const events: string[] = [];
    const source = (name: string) => (): HeldCache => {
      events.push(`take ${name}`);
      const dispose = () => void events.push(`give ${name} back`);
      return Object.assign(new MemoryCache(), { [Symbol.dispose]: dispose });
    };
    const sources = { main: source("main"), other: source("other") };
    const client = new CacheClient(sources, "main");
    deepEqual(events, []);
    client.set("k", 1);
    equal(client.get("k", "main"), 1);
    deepEqual(events, ["take main"]);
    client.set("k", 1, { namespace: "other" });
    throws(() => client.incr("k", NaN, { namespace: "other" }), TypeError);
    deepEqual(events.slice(1), [
      "take other",
      "give other back",
      "take other",
      "give other back",
    ]);
    client[Symbol.dispose]();
    client[Symbol.dispose]();
    deepEqual(events.slice(5), ["give main back"]);
    deepEqual(Object.keys(sources), ["main", "other"]);
  });
});
