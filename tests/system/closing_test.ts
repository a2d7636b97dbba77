/** Programs that open a store by its address end when they have closed it. */

import { equal, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { openers } from "../../backends/openers.ts";
import { openBackend, registerBackend } from "../../src/region/registry.ts";
import { run } from "../clients/command.ts";
import { memcached } from "../services/memcached.ts";
import { redisSentinel } from "../services/redis_sentinel.ts";
import { connectRedis } from "../services/redis_admin.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";

for (const [name, load] of openers) registerBackend(name, load);

const isDeno = "Deno" in globalThis;
const runtime = isDeno ? ["run", "-A", "--unstable-kv", "--no-check"] : [];
const child = fileURLToPath(new URL("children/open_and_close.ts", import.meta.url));

/** Much longer than it takes, and shorter than anybody would wait. */
const limitMs = 180_000;

async function ends(address: string, values = "made, made"): Promise<void> {
  const env = process.env as Record<string, string>;
  const { code, output } = await run(process.execPath, [...runtime, child, address], {
    env,
    limitMs,
  });
  equal(code, 0, output);
  equal(output.includes(values), true, output);
}

describe("a program that closes its region ends", () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(`${tmpdir()}/cairn-closing-`)));
  after(() => rmSync(folder, { recursive: true }));

  it("over SQLite", () => ends(`sqlite:${folder}/cache.db`));
  it("over Deno KV", () => ends(`deno-kv:${folder}/kv.db`));
  it("over nothing", () => ends("null:", "made, made twice"));
  it("over memcached", { skip: memcached.missing }, async () => {
    const server = await memcached.start();
    await ends(`memcached://127.0.0.1:${server.port}`);
    await server.stop();
  });

  describe("over Redis", { skip: redis.missing }, () => {
    let server: Server;
    before(async () => void (server = await redis.start()));
    after(() => server.stop());

    it("by an address", () => ends(`redis://127.0.0.1:${server.port}`));

    it("by Sentinel", async () => {
      const sentinel = await redisSentinel.start();
      const watcher = await connectRedis(sentinel.port);
      await watcher.call("SENTINEL", "MONITOR", "main", "127.0.0.1", String(server.port), "1");
      watcher.close();
      await ends(`redis+sentinel://127.0.0.1:${sentinel.port}/main/1`);
      await sentinel.stop();
    });

    it("but leaves a client open that it was given", async () => {
      const client = new Redis(server.port, "127.0.0.1");
      const store = await openBackend("redis", { client });
      await store.close();
      equal(await client.ping(), "PONG");
      client.disconnect();
    });

    it("and a store that is closed says so", async () => {
      const store = await openBackend(`redis://127.0.0.1:${server.port}`);
      await store.backend.get(["key"]);
      await store.close();
      await rejects(() => store.backend.get(["key"]), /Cannot get on redis: /);
    });
  });
});
