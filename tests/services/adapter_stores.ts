/** The stores over which the adapters for other libraries are tried: memory, SQLite and Redis. */

import { DatabaseSync } from "node:sqlite";
import { after, before, describe } from "node:test";
import { Redis } from "ioredis";
import { redisBackend, redisListing } from "../../backends/redis.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import { sqliteBackend, sqliteListing } from "../../backends/sqlite.ts";
import type { Backend } from "../../src/contracts/backend.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import { memoryBackend } from "../../src/memory/memory_backend.ts";
import { redis } from "./redis.ts";
import type { Server } from "./server.ts";

/** A store that is open while the cases of its group run. */
export interface AdapterStore {
  readonly backend: Backend<Uint8Array>;
  readonly listing: Listing;
}

/** Registers a group of cases for each store; `store` answers from the first case on. */
export function eachStore(register: (name: string, store: () => AdapterStore) => void): void {
  describe("memory", () => {
    const backend = memoryBackend<Uint8Array>();
    register("memory", () => ({ backend, listing: backend }));
  });
  describe("sqlite", () => {
    const database = new DatabaseSync(":memory:");
    after(() => database.close());
    register("sqlite", () => {
      return { backend: sqliteBackend(database), listing: sqliteListing(database) };
    });
  });
  describe("redis", { skip: redis.missing }, () => {
    let server: Server;
    let client: Redis;
    before(async () => {
      server = await redis.start();
      client = new Redis(server.port, "127.0.0.1", { lazyConnect: true });
      await client.connect();
    });
    after(async () => {
      client.disconnect();
      await server.stop();
    });
    register("redis", () => {
      const commands = ioredisCommands(client);
      return {
        backend: redisBackend(commands, { timeoutMs: 180_000 }),
        listing: redisListing(commands),
      };
    });
  });
}
