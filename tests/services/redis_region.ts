/** Regions over a real Redis, on a clock that a test moves by hand. */

import type { Redis } from "ioredis";
import type { IoredisClient } from "../../backends/redis_ioredis.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import type { ManualClock } from "../testing/manual_clock.ts";
import { StoreClock, type Working } from "../testing/store_time.ts";

/** A client that knows whether replies are on their way. */
export class WatchedClient implements IoredisClient, Working {
  readonly #client: Redis;
  pending = 0;

  constructor(client: Redis) {
    this.#client = client;
  }

  async callBuffer(...[name, ...args]: Parameters<IoredisClient["callBuffer"]>): Promise<unknown> {
    this.pending++;
    try {
      return await this.#client.callBuffer(name, args);
    } finally {
      this.pending--;
    }
  }
}

/**
 * The arguments of an opener for the Redis of a client, which is emptied.
 *
 * The clock begins at the present, for Redis has a time of its own, and goes ahead of it; it waits
 * for replies whenever it is moved.
 */
export async function emptyWith(
  clock: ManualClock,
  client: Redis,
): Promise<Readonly<Record<string, unknown>>> {
  await client.flushall();
  const watched = new WatchedClient(client);
  clock.set(Date.now());
  const storeClock = new StoreClock(clock);
  storeClock.waitingFor([watched]);
  return { client: watched, clock: storeClock, timeoutMs: NEVER };
}
