/** Opening memcached by name and address, as configurations do. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openers } from "../../backends/openers.ts";
import { ketama } from "../../src/hash/hashing.ts";
import type { KetamaOptions, KetamaRing } from "../../src/hash/ketama.ts";
import { openBackend, registerBackend } from "../../src/region/registry.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { memcached, memcachedOnSocket, socketOf } from "../services/memcached.ts";
import { askMemcached } from "../services/memcached_fixture.ts";
import type { Server } from "../services/server.ts";

for (const [name, load] of openers) registerBackend(name, load);

describe("memcached, opened by text", { skip: memcached.missing }, () => {
  const running: Server[] = [];
  before(async () => {
    for (const service of [memcached, memcached, memcachedOnSocket]) {
      running.push(await service.start());
    }
  });
  after(() => Promise.all(running.map((server) => server.stop())));

  const configured = async (config: Record<string, unknown>): Promise<Region> => {
    const region = makeRegion();
    await region.configureFromConfig(config, "cache.");
    return region;
  };
  const itemsOn = async ({ port }: Server): Promise<number> => {
    const socketLines = await askMemcached(port, "stats");
    return Number(/curr_items (\d+)/.exec(socketLines)?.[1]);
  };
  const addresses = (): string => `127.0.0.1:${running[0]!.port},127.0.0.1:${running[1]!.port}`;

  it("spreads a region over several servers by the ring of the address", async () => {
    const region = await configured({
      "cache.backend": `memcached://${addresses()}?ketama=weighted`,
    });
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
    const values = await Promise.all(keys.map((key) => region.getOrCreate(key, async () => key)));
    deepEqual(values, keys);
    equal(region.backend.name, "memcached");
    const ring = ketama({ shards: addresses().split(",") });
    for (const index of [0, 1]) {
      const own = keys.filter((key) => ring.indexOf(key) === index).length;
      // The marks of the region lie on one of the servers, too.
      const items = await itemsOn(running[index]!);
      ok(own > 0 && items >= own && items <= own + 2, `${items} items for ${own} keys`);
    }
  });

  it("opens a unix socket", async () => {
    const region = await configured({
      "cache.backend": `memcached://${socketOf(running[2]!.folder)}`,
    });
    equal(await region.getOrCreate("key", async () => "made"), "made");
    equal(await region.get("key"), "made");
  });

  it("opens dogpile's names with dogpile's arguments, for records of its kind", async () => {
    const { port } = running[0]!;
    const region = await configured({
      "cache.backend": "dogpile.cache.pylibmc",
      "cache.arguments.url": `127.0.0.1:${port}`,
      "cache.arguments.distributed_lock": "true",
    });
    await region.set("record", { a: 1 });
    const stored = await askMemcached(port, "get record");
    ok(/"v":2,.*\|\{"a":1\}/.test(stored), stored);
  });

  it("asks for what several servers need", async () => {
    const args = { url: ["a", "b"] };
    await rejects(openBackend("dogpile.cache.pylibmc", args), /several servers need "ketama"/);
  });

  it("takes a ring of one's own", async () => {
    const asked: unknown[] = [];
    const ring = (options: KetamaOptions): KetamaRing => (asked.push(options), ketama(options));
    await openBackend(`memcached://${addresses()}?ketama=spy&weights=2,1`, { ring });
    const shards = running.slice(0, 2).map(({ port }, index) => {
      return { host: "127.0.0.1", port, weight: 2 - index };
    });
    deepEqual(asked, [{ shards, mode: "libmemcached-spy" }]);
  });
});
