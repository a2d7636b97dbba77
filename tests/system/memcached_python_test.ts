/** One memcached for Python and TypeScript: keys, records, locks and creations are the same. */

import { deepEqual, equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { after, before, beforeEach, describe, it } from "node:test";
import { memcachedBackend } from "../../backends/memcached.ts";
import {
  type MemcachedServer,
  memcachedServer,
  nodeSocket,
} from "../../backends/memcached_client.ts";
import { memcachedLockKeys } from "../../backends/memcached_lock_keys.ts";
import { openers } from "../../backends/openers.ts";
import type { Backend } from "../../src/contracts/backend.ts";
import { NEVER, systemClock } from "../../src/contracts/clock.ts";
import type { Entry } from "../../src/contracts/entry.ts";
import { dogpileFraming, type DogpileFramingOptions } from "../../src/compose/dogpile_frame.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { sharded } from "../../src/compose/sharded.ts";
import { ketama } from "../../src/hash/hashing.ts";
import type { Shard } from "../../src/hash/shard.ts";
import type { CachedFunction } from "../../src/region/cached.ts";
import { dogpileKeyGenerator } from "../../src/region/dogpile_keys.ts";
import { sha1MangleKey } from "../../src/region/mangler.ts";
import { openBackend, registerBackend } from "../../src/region/registry.ts";
import { makeRegion, type Region, type RegionOptions } from "../../src/region/region.ts";
import { memcached, memcachedOnSocket, socketOf } from "../services/memcached.ts";
import { flush, patient } from "../services/memcached_fixture.ts";
import { pythonTool } from "../services/python.ts";
import type { Server } from "../services/server.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { until } from "../testing/until.ts";

const python = pythonTool("python");
const missing = memcached.missing || python.missing;
const peer = fileURLToPath(new URL("../clients/memcached_peer.py", import.meta.url));
const keys = Array.from({ length: 300 }, (_, index) => `user:${index}:profil_é`);
/** Records of Python bear no marks. */
const nothingInvalidated = {
  invalidate: (): void => {},
  isHardInvalidated: (): boolean => false,
  isSoftInvalidated: (): boolean => false,
};
const anEntry: Entry = {
  payload: undefined,
  createdAt: 0,
  creationMs: 0,
  softExpiresAt: NEVER,
  hardExpiresAt: NEVER,
  tags: [],
  marks: [],
};
const encoder = new TextEncoder();
const decoder = new TextDecoder();

for (const [name, load] of openers) registerBackend(name, load);

/** Has Python do a task, and gives its answer. */
function inPython(task: Readonly<Record<string, unknown>>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(python.path, [peer, JSON.stringify(task)], { timeout: 60_000 });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => output.stderr += text);
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(output.stdout));
      else reject(new Error(`Python ended with code ${code}: ${output.stderr}`));
    });
  });
}

describe("several memcached, shared with Python", { skip: missing }, () => {
  const running: Server[] = [];
  const opened: MemcachedServer[] = [];
  before(async () => {
    for (const service of [memcached, memcached, memcached, memcachedOnSocket, memcachedOnSocket]) {
      running.push(await service.start());
    }
  });
  after(async () => {
    for (const server of opened) server.close();
    for (const server of running) await server.stop();
  });
  beforeEach(async () => {
    for (const { port } of running.slice(0, 3)) await flush(port);
  });

  const storeOver = (shards: readonly Shard[]): Backend<Uint8Array> => {
    const ring = ketama({ shards });
    return sharded(
      ring,
      shards.map(({ host, port = 0 }) => {
        const server = memcachedServer({ host, port }, { connect: nodeSocket(), ...patient });
        opened.push(server);
        return memcachedBackend(server, { bare: true });
      }),
    );
  };
  const overTcp = (): Shard[] =>
    running.slice(0, 3).map(({ port }) => ({ host: "127.0.0.1", port }));
  const addressOf = ({ host, port }: Shard): string => `${host}:${port}`;

  /** Each side stores keys that the other one has not, and each finds those of the other. */
  const agrees = async (
    client: string,
    servers: readonly string[],
    shards: readonly Shard[],
  ): Promise<void> => {
    const store = storeOver(shards);
    const [theirs, ours] = [keys.slice(0, 150), keys.slice(150)];
    const values = Object.fromEntries(theirs.map((key) => [key, `theirs ${key}`]));
    await inPython({ do: "set", client, servers, values });
    const found = await store.get(theirs);
    deepEqual(found.map((value) => decoder.decode(value)), Object.values(values));
    await store.set(ours.map((key) => {
      return { key, value: encoder.encode(`ours ${key}`), expiresAt: NEVER };
    }));
    const answer = await inPython({ do: "get", client, servers, keys: ours });
    deepEqual(answer, ours.map((key) => `ours ${key}`));
  };

  it("pylibmc and cairn find each other's keys over three servers", async () => {
    await agrees("pylibmc", overTcp().map(addressOf), overTcp());
  });

  it("pylibmc and cairn find each other's keys over servers of different weights", async () => {
    const shards = overTcp().map((shard, index) => ({ ...shard, weight: [5, 1, 3][index]! }));
    const servers = shards.map((shard) => `${addressOf(shard)}:${shard.weight}`);
    await agrees("pylibmc", servers, shards);
  });

  it("pylibmc and cairn find each other's keys over unix sockets", async () => {
    const paths = running.slice(3).map(({ folder }) => socketOf(folder));
    await agrees("pylibmc", paths, paths.map((host) => ({ host })));
  });

  it("opened from text alone, shares a region with dogpile.cache over three servers", async () => {
    const servers = overTcp().map(addressOf);
    const region = makeRegion({ regionInvalidator: nothingInvalidated });
    await region.configureFromConfig({
      "cache.backend": "dogpile.cache.pylibmc",
      "cache.arguments.url": servers.join(","),
      "cache.arguments.ketama": "weighted",
    }, "cache.");
    const [theirs, ours] = [keys.slice(0, 40), keys.slice(40, 80)];
    const dogpile = (steps: readonly unknown[]): Promise<unknown> =>
      inPython({
        do: "dogpile",
        backend: "dogpile.cache.pylibmc",
        url: servers,
        arguments: { behaviors: { ketama_weighted: true } },
        steps,
      });
    await dogpile(theirs.map((key) => ["set", key, { of: key }]));
    for (const key of theirs) deepEqual(await region.get(key), { of: key });
    for (const key of ours) await region.getOrCreate(key, () => Promise.resolve([key]));
    deepEqual(await dogpile(ours.map((key) => ["get", key])), ours.map((key) => [key]));
  });

  it("opened by an address alone, has every key where pylibmc's ring has it", async () => {
    const addresses = overTcp().map(addressOf);
    const weights = [5, 1, 3];
    const { backend } = await openBackend(
      `memcached://${addresses.join(",")}?ketama=weighted&weights=${weights.join(",")}`,
    );
    const entry = { ...anEntry, payload: "of cairn" };
    await backend.set(keys.map((key) => ({ key, value: entry, expiresAt: NEVER })));
    const servers = addresses.map((address, index) => `${address}:${weights[index]}`);
    const answer = await inPython({ do: "find", client: "pylibmc", servers, keys });
    deepEqual(answer, keys.map(() => true));
  });

  it("pymemcache with ketama and cairn find each other's keys", async () => {
    await agrees("pymemcache", overTcp().map(addressOf), overTcp());
  });
});

for (const backend of ["dogpile.cache.pylibmc", "dogpile.cache.pymemcache"]) {
  describe(`memcached, shared with ${backend}`, { skip: missing }, () => {
    let running: Server;
    let server: MemcachedServer;
    let region: Region;
    let url: string;
    before(async () => {
      running = await memcached.start();
      url = `127.0.0.1:${running.port}`;
    });
    after(() => running.stop());
    beforeEach(async () => {
      await flush(running.port);
      server?.close();
      server = memcachedServer(url, { connect: nodeSocket(), ...patient });
      region = regionOver(server);
    });
    after(() => server?.close());

    const dogpile = (...steps: readonly (readonly unknown[])[]): Promise<unknown> =>
      inPython({ do: "dogpile", backend, url, steps });

    /** Five callers of each side want the same; whoever creates it waits until all have called. */
    const contention = async (
      first: "Python" | "TypeScript",
      wanted: Readonly<Record<string, unknown>>,
      make: (create: () => Promise<string>) => () => Promise<unknown>,
    ): Promise<void> => {
      const [ours, theirs] = [5, 5];
      await startCounting(server);
      const get = make(async () => {
        await count(server, "created");
        await until("all have called", async () => {
          return await read(server, "arrived") === ours + theirs;
        });
        return "of TypeScript";
      });
      const call = async (): Promise<unknown> => {
        await count(server, "arrived");
        return await get();
      };
      const sizes = { callers: theirs, everybody: ours + theirs };
      const begin = {
        Python: () => {
          return inPython({ do: "contend", backend, url, value: "of Python", ...sizes, ...wanted });
        },
        TypeScript: () => Promise.all(Array.from({ length: ours }, () => call())),
      };
      const second = first === "Python" ? "TypeScript" : "Python";
      const leading = begin[first]();
      await until("one creates", async () => await read(server, "created") === 1);
      const results = await Promise.all([leading, begin[second]()]);
      deepEqual(results.flat(), new Array(ours + theirs).fill(`of ${first}`));
      equal(await read(server, "created"), 1);
    };

    it("reads what dogpile stored, and dogpile what cairn stored", async () => {
      const value = { text: "é|{}", list: [1, 2.5, null, true], nested: { deep: [] } };
      await dogpile(["set", "theirs", value], ["getOrCreate", "created", [value]]);
      deepEqual(await region.get("theirs"), value);
      deepEqual(await region.get("created"), [value]);
      await region.set("ours", value);
      deepEqual(await region.getOrCreate("made", () => Promise.resolve(["made"])), ["made"]);
      const answers = await dogpile(
        ["get", "ours"],
        ["getOrCreate", "made", "not asked"],
        ["get", "nowhere"],
      );
      deepEqual(answers, [value, ["made"], "NO_VALUE"]);
    });

    it("deletes for dogpile, and dogpile for cairn", async () => {
      await dogpile(["set", "one", 1], ["set", "two", 2]);
      await region.delete("one");
      deepEqual(await dogpile(["get", "one"], ["delete", "two"]), ["NO_VALUE", null]);
      equal(await region.get("two"), undefined);
    });

    it("mangles keys as dogpile's sha1_mangle_key does", async () => {
      const key = "a key with blanks, é, and more than memcached takes ".repeat(9);
      const mangled = regionOver(server, { keyMangler: sha1MangleKey });
      await mangled.set(key, "ours");
      const steps = [["get", key], ["set", `${key}!`, "theirs"]];
      deepEqual(await inPython({ do: "dogpile", backend, url, steps, mangles: true }), [
        "ours",
        null,
      ]);
      equal(await mangled.get(`${key}!`), "theirs");
    });

    it("is as old for dogpile as for cairn", async () => {
      const hour = 3_600_000;
      const clock = new ManualClock(systemClock.now() - 2 * hour);
      await regionOver(server, { clock }).set("ours", "two hours old");
      const steps = [["get", "ours"]];
      const read = (expirationSeconds: number): Promise<unknown> =>
        inPython({ do: "dogpile", backend, url, steps, expirationSeconds });
      deepEqual([await read(3_600), await read(9_000)], [["NO_VALUE"], ["two hours old"]]);
      await dogpile(["set", "theirs", "new"]);
      clock.set(systemClock.now() + 2 * hour);
      const life = (softTtlMs: number): Region => regionOver(server, { clock }, { softTtlMs });
      equal(await life(hour).get("theirs"), undefined);
      equal(await life(3 * hour).get("theirs"), "new");
    });

    it("holds the lock that dogpile looks at", async () => {
      const answers: unknown[] = [];
      await region.getOrCreate("key", async () => {
        answers.push(await dogpile(["isLocked", "key"], ["isLocked", "other"]));
        return "value";
      });
      answers.push(await dogpile(["isLocked", "key"]));
      deepEqual(answers, [[true, false], [false]]);
    });

    it("shares a function with dogpile under dogpile's default keys", async () => {
      const made: number[] = [];
      const load = functionOver(server, async (number, kind) => {
        made.push(number);
        return `${kind} ${number} of TypeScript`;
      });
      const namespace = "ns";
      const python = (...steps: readonly unknown[][]): Promise<unknown> =>
        inPython({ do: "cached", backend, url, namespace, mangles: true, steps });
      deepEqual(await python(["call", 7, "user"], ["call", 7, "user"]), {
        answers: ["user 7 of Python", "user 7 of Python"],
        made: [7],
      });
      equal(await load(7, "user"), "user 7 of Python");
      equal(await load(8, "user"), "user 8 of TypeScript");
      deepEqual(await python(["call", 8, "user"], ["invalidate", 8, "user"]), {
        answers: ["user 8 of TypeScript", null],
        made: [],
      });
      equal(await load.get(8, "user"), undefined);
      await load.invalidate(7, "user");
      deepEqual(await python(["get", 7, "user"]), { answers: [null], made: [] });
      deepEqual(made, [8]);
    });

    for (const first of ["Python", "TypeScript"] as const) {
      it(`contends with dogpile for one key, and exactly one creates it: ${first}`, async () => {
        const make = (create: () => Promise<string>) => () => region.getOrCreate("key", create);
        await contention(first, { key: "key" }, make);
      });

      it(`contends with dogpile for one call, and exactly one creates it: ${first}`, async () => {
        const args = [7, "user"] as const;
        const make = (create: () => Promise<string>) => {
          const load = functionOver(server, create);
          return () => load(...args);
        };
        await contention(first, { args, namespace: "ns", mangles: true }, make);
      });
    }
  });
}

/** A region of records and locks as dogpile.cache has them. */
function regionOver(
  server: MemcachedServer,
  identity: RegionOptions = {},
  life: DogpileFramingOptions = {},
): Region {
  const framing = dogpileFraming(life);
  return makeRegion({
    ...identity,
    backend: serialized(json, memcachedBackend(server, { bare: true }), { framing }),
    locks: serializedLocks(json, memcachedLockKeys(server), { framing }),
    softTtlMs: NEVER,
    regionInvalidator: nothingInvalidated,
  });
}

/** The namesake of Python's function, cached in such a region. */
function functionOver(
  server: MemcachedServer,
  create: (number: number, kind: string) => Promise<string>,
): CachedFunction<[number, string], string> {
  const region = regionOver(server, { keyMangler: sha1MangleKey });
  const functionKeyGenerator = dogpileKeyGenerator({ module: "app.users" });
  const cache = region.cacheOnArguments({ namespace: "ns", functionKeyGenerator });
  return cache(function load(number: number, kind: string): Promise<string> {
    return create(number, kind);
  });
}

async function startCounting(server: MemcachedServer): Promise<void> {
  const value = encoder.encode("0");
  await server.run("set", ["created", "arrived"].map((key) => ({ verb: "ms", key, value })));
}

async function count(server: MemcachedServer, key: string): Promise<void> {
  await server.run("increment", [{ verb: "ma", key }]);
}

async function read(server: MemcachedServer, key: string): Promise<number> {
  const [reply] = await server.run("get", [{ verb: "mg", key, flags: ["v", "q"] }]);
  return Number(decoder.decode(reply?.value));
}
