/**
 * Dogpile locks in the Redis that holds the entries: each step is one script, one trip.
 *
 * A lock is what redis-py's `Lock`, and so dogpile.cache, takes it for: a key with a time to live that
 * holds its holder's token, set if it is not there, removed by who knows the token. Either side waits
 * for the other. What Python cannot know is fencing: it stores without looking whether its lock still
 * holds, and complains if its lock is gone when it releases.
 */

import { requireKeys } from "../../src/compose/limits.ts";
import { type Attempt, polled } from "../../src/compose/polled.ts";
import { UNLIMITED, type Write } from "../../src/contracts/backend.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import { type Random, randomId, systemRandom } from "../../src/contracts/random.ts";
import type { RedisCommands } from "./commands.ts";
import { OwedLocks } from "./owed_locks.ts";
import { acquire, commit, lockScript } from "./scripts.ts";
import { plainPlacement, type RedisOptions, RedisStore } from "./store.ts";

/** As for the entries, and how to wait. */
export interface RedisLocksOptions extends RedisOptions {
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Locks for everybody who shares a Redis. Give the same `records` and `lockPrefix` as to
 * `redisBackend`.
 *
 * Leases end by Redis's clock, so the clocks of their holders need not agree. Who waits asks again
 * after 10 ms, and after pauses that grow to a quarter of a second.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { redisLocks, type RedisReply } from "@cairn/cache/redis";
 *
 * // A server that has lent the lock already: fence 0, no record.
 * const commands = {
 *   name: "example",
 *   slots: undefined,
 *   arguments: "bytes" as const,
 *   send: async (): Promise<RedisReply[]> => [[Uint8Array.of(0x30), new Uint8Array(0)]],
 * };
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * const { lease, value } = await redisLocks(commands).acquire("key", options);
 * equal(lease, undefined);
 * equal(value, undefined);
 * ```
 */
export function redisLocks(
  commands: RedisCommands,
  options: RedisLocksOptions = {},
): Locks<Uint8Array> {
  return cellLocks("redis", new RedisStore(commands, options, plainPlacement), options.random);
}

/** The locks of a store, whatever its cells are. */
export function cellLocks(
  name: string,
  store: RedisStore,
  random: Random = systemRandom,
): Locks<Uint8Array> {
  return new RedisLocks(name, store, random);
}

/** What the script answers: the fence and the record. */
type AcquireReply = readonly [fence: Uint8Array, record: Uint8Array];

class RedisLocks implements Locks<Uint8Array> {
  readonly name: string;
  readonly #store: RedisStore;
  readonly #random: Random;
  readonly #owed: OwedLocks;

  constructor(name: string, store: RedisStore, random: Random) {
    this.name = name;
    this.#store = store;
    this.#owed = new OwedLocks(store);
    this.#random = random;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    requireKeys({ name: this.name, limits: UNLIMITED }, [key]);
    const waiting = { ...options, clock: this.#store.clock, random: this.#random };
    return await polled(() => this.#attempt(key, options), waiting);
  }

  async revoke(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#store.run("revoke", this.#store.removing(keys));
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const token = randomId();
    const [fenceText, found] = await this.#asked(key, token, leaseMs);
    const [value] = found.length === 0 ? [] : this.#store.values([found.subarray(1)]);
    const fence = Number(new TextDecoder().decode(fenceText));
    const lease = fence === 0 ? undefined : this.#leaseOf(key, token, fence);
    return { result: { lease, value }, isDone: lease !== undefined || enough(value) };
  }

  async #asked(key: string, token: string, leaseMs: number): Promise<AcquireReply> {
    const store = this.#store;
    const lock = store.lockOf(key);
    const [args, names] = [[token, lifeOf(leaseMs)], [lock, store.fencesOf(key)]];
    try {
      const call = store.onCell(acquire, key, { args, names });
      const [reply] = await store.run("acquire", [call]);
      this.#owed.settle();
      return reply as AcquireReply;
    } catch (error) {
      this.#owed.add(lock, token);
      throw error;
    }
  }

  #leaseOf(key: string, token: string, fence: number): Lease<Uint8Array> {
    const store = this.#store;
    const names = [store.lockOf(key)];
    const held = (operation: string, ...life: string[]): Promise<boolean> =>
      store.decide(operation, { script: lockScript, keys: names, args: [token, ...life] });
    return Object.freeze({
      key,
      fence,
      renew: (leaseMs: number): Promise<boolean> => held("renew", lifeOf(leaseMs)),
      commit: ({ value, expiresAt }: Write<Uint8Array>): Promise<boolean> => {
        const args = [token, store.record(value, expiresAt), store.ttl(expiresAt)];
        return store.decide("commit", store.onCell(commit, key, { args, names }));
      },
      release: async (): Promise<void> => void await held("release"),
    });
  }
}

/** Redis takes whole milliseconds, at least one. */
function lifeOf(leaseMs: number): string {
  return String(Math.max(1, Math.ceil(leaseMs)));
}
