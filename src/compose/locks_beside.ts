/**
 * Locks for values that are elsewhere: locks of one store, values of another backend.
 *
 * A Durable Object decides while the values live in KV; or the values pass through proxies and
 * tiers, which the store's own locks would go around. A commit here is two steps, so it protects
 * less than one step in one store:
 *
 * 1. A renews its lease, which still holds, and begins to store its value.
 * 2. The store takes longer than the lease lives. B acquires, creates and stores.
 * 3. A's value arrives, and overwrites B's.
 *
 * For that, the store must be slower than `leaseMs`, which the renewal starts anew. What always
 * holds: a lease that was lost before its commit stores nothing, and a commit whose lease is found
 * lost afterwards removes what it stored and answers `false`.
 *
 * A deletion is three steps: leases end, values go, and leases end again, for whoever acquires between
 * the first two may read the value that is about to go, and would store it again where no new one is
 * to be had. Only what is read and stored again wholly between the first step and the last can stay.
 */

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";
import { type Random, systemRandom } from "../contracts/random.ts";
import { type Attempt, polled } from "./polled.ts";

/** How to wait. */
export interface LocksBesideOptions {
  /** Waits. Default: the platform's. */
  readonly clock?: Clock;
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Joins the leases of `locks` with the values of `backend`.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { localLocks, locksBeside, memoryBackend, NEVER, ProxyBackend } from "@cairn/cache";
 *
 * class Counting extends ProxyBackend<string> {
 *   sets = 0;
 *
 *   override async set(writes: Parameters<ProxyBackend<string>["set"]>[0]) {
 *     this.sets += writes.length;
 *     await super.set(writes);
 *   }
 * }
 *
 * const store = memoryBackend<string>();
 * const backend = new Counting().wrap(store);
 * const locks = locksBeside(backend, localLocks(store));
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * const { lease } = await locks.acquire("key", options);
 * await lease!.commit({ key: "key", value: "made", expiresAt: NEVER });
 * deepEqual([backend.sets, await backend.get(["key"])], [1, ["made"]]);
 * ```
 */
export function locksBeside<V>(
  backend: Backend<V>,
  locks: Locks<unknown>,
  options: LocksBesideOptions = {},
): Locks<V> {
  return new LocksBeside(backend, locks, options);
}

class LocksBeside<V> implements Locks<V> {
  readonly name: string;
  readonly #backend: Backend<V>;
  readonly #locks: Locks<unknown>;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(backend: Backend<V>, locks: Locks<unknown>, options: LocksBesideOptions) {
    this.name = `${locks.name} beside ${backend.name}`;
    this.#backend = backend;
    this.#locks = locks;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  async acquire(key: string, options: AcquireOptions<V>): Promise<Acquired<V>> {
    const { waitMs, signal } = options;
    const [clock, random] = [this.#clock, this.#random];
    return await polled(() => this.#attempt(key, options), { waitMs, signal, clock, random });
  }

  /** Ends the leases first, so that a creation cannot store its value after the removal. */
  async revoke(keys: readonly string[]): Promise<void> {
    await this.#locks.revoke(keys);
    await this.#backend.delete(keys);
    await this.#locks.revoke(keys);
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<V>,
  ): Promise<Attempt<Acquired<V>>> {
    const once = { leaseMs, waitMs: 0, enough: () => false };
    const { lease } = await this.#locks.acquire(key, once);
    const value = await this.#read(key, lease);
    if (lease === undefined) return { result: { lease, value }, isDone: enough(value) };
    return { result: { lease: this.#leaseOf(lease, leaseMs), value }, isDone: true };
  }

  async #read(key: string, lease: Lease<unknown> | undefined): Promise<V | undefined> {
    try {
      const [value] = await this.#backend.get([key]);
      return value;
    } catch (error) {
      await lease?.release();
      throw error;
    }
  }

  async #store(write: Write<V>, lease: Lease<unknown>): Promise<void> {
    try {
      await this.#backend.set([write]);
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  #leaseOf(lease: Lease<unknown>, leaseMs: number): Lease<V> {
    let lastLeaseMs = leaseMs;
    return Object.freeze({
      key: lease.key,
      fence: lease.fence,
      renew: (newLeaseMs: number): Promise<boolean> => lease.renew(lastLeaseMs = newLeaseMs),
      commit: async (write: Write<V>): Promise<boolean> => {
        if (!await lease.renew(lastLeaseMs)) return false;
        await this.#store(write, lease);
        const isHeld = await lease.renew(lastLeaseMs);
        if (isHeld) await lease.release();
        else await this.#backend.delete([write.key]);
        return isHeld;
      },
      release: (): Promise<void> => lease.release(),
    });
  }
}
