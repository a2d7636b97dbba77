/** The keys of a real Redis, listed. */

import { deepEqual, throws } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Redis } from "ioredis";
import { redisBackend, redisListing, redisLocks } from "../../backends/redis.ts";
import { ioredisClusterCommands, ioredisCommands } from "../../backends/redis_ioredis.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { byteSamples } from "../conformance/cases.ts";
import { type ListingFixture, listingSuite } from "../conformance/listing_suite.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import type { ManualClock } from "../testing/manual_clock.ts";

describe("redisListing", { skip: redis.missing }, () => {
  let server: Server;
  before(async () => void (server = await redis.start()));
  after(() => server.stop());

  const connect = async (): Promise<Redis> => {
    const client = new Redis(server.port, "127.0.0.1", { lazyConnect: true });
    await client.connect();
    return client;
  };

  listingSuite("redis", async (clock: ManualClock): Promise<ListingFixture<Uint8Array>> => {
    const client = await connect();
    await client.flushall();
    const commands = ioredisCommands(client);
    const backend = redisBackend(commands, { clock });
    const locks = redisLocks(commands, { clock });
    const close = (): void => client.disconnect();
    return {
      backend,
      listing: redisListing(commands),
      async clutter(key): Promise<void> {
        await backend.increment(key, 1, NEVER);
        await locks.acquire(key, { leaseMs: 60_000, waitMs: 0, enough: () => false });
      },
      breakStore: close,
      close,
    };
  }, { samples: byteSamples });

  it("names the keys of other programs, and leaves out locks of another prefix", async () => {
    const client = await connect();
    await client.flushall();
    await client.mset("key", "1", "\ufeffkey", "2", "mine key", "3");
    const listing = redisListing(ioredisCommands(client), { lockPrefix: "mine " });
    const keys = await Array.fromAsync(listing.keys(""));
    deepEqual(keys.sort(), ["key", "\ufeffkey"].sort());
    client.disconnect();
  });

  it("refuses a cluster, where no command reaches all keys", () => {
    const cluster = ioredisClusterCommands({ callBuffer: () => Promise.resolve(null) });
    throws(() => redisListing(cluster), RangeError);
  });
});
