/**
 * Dogpile locks in memcached beside bare values, under keys of their own: those of dogpile.cache's
 * `MemcachedLock`, `_lock` before the key. Whoever adds that key has the lock, in Python as here.
 *
 * The lock's item holds its lease, and the cas that the server gave it is the fence. Values lie apart,
 * so a commit is three steps in two trips, and protects a little less than `memcachedLocks`:
 *
 * 1. It renews the lease under its cas; a lease that was lost stores nothing.
 * 2. It stores the value, with a whole lease of time to do so.
 * 3. It deletes the lock under its cas. Where that is lost by now, the key was revoked, or the step
 *    before took longer than the lease: the value is taken away again, unless another one is there.
 *
 * dogpile.cache's own release asks for no owner: a Python process whose `lock_timeout` has passed frees
 * the lock of its successor, here too. The successor then finds its lease lost, and stores nothing.
 */

import { type Attempt, polled } from "../src/compose/polled.ts";
import type { Write } from "../src/contracts/backend.ts";
import { NEVER } from "../src/contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../src/contracts/locks.ts";
import { type Random, systemRandom } from "../src/contracts/random.ts";
import { casOf, HeldItem, isDone, looking, newToken } from "./memcached/held_item.ts";
import type { MetaCommand, MetaReply } from "./memcached/protocol.ts";
import { cairnItems, leaseItem } from "./memcached/record.ts";
import type { MemcachedServer } from "./memcached/server.ts";
import { type MemcachedOptions, MemcachedStore } from "./memcached/store.ts";

/** As for the entries, and how locks are named and waited for. */
export interface MemcachedLockKeysOptions extends Omit<MemcachedOptions, "bare"> {
  /** What is put before a key to make that of its lock. Default: `"_lock"`, as dogpile.cache has. */
  readonly prefix?: string;
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Locks on the bare values of `memcachedBackend`, shared with dogpile.cache.
 *
 * An attempt is one trip, a commit two. A lock that Python holds ends when Python's `lock_timeout`
 * says so, or never.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memcachedServer, nodeSocket } from "@cairn/cache/memcached-client";
 * import { memcachedLockKeys } from "@cairn/cache/memcached-lock-keys";
 *
 * const locks = memcachedLockKeys(memcachedServer("127.0.0.1", { connect: nodeSocket() }));
 * equal(locks.name, "memcached lock keys");
 * ```
 */
export function memcachedLockKeys(
  server: MemcachedServer,
  options: MemcachedLockKeysOptions = {},
): Locks<Uint8Array> {
  return new MemcachedLockKeys(server, options);
}

/** A lease in the hands of its holder. */
interface Holding {
  readonly key: string;
  readonly token: bigint;
  readonly lock: HeldItem;
  /** How long it was to live when it was last written. */
  leaseMs: number;
}

class MemcachedLockKeys implements Locks<Uint8Array> {
  readonly name = "memcached lock keys";
  readonly #store: MemcachedStore;
  readonly #prefix: string;
  readonly #random: Random;

  constructor(server: MemcachedServer, options: MemcachedLockKeysOptions) {
    const { prefix = "_lock", random = systemRandom, ...others } = options;
    if (prefix === "") throw new RangeError('Cannot lock on memcached: "prefix" is empty');
    this.#store = new MemcachedStore(server, { ...others, bare: true });
    this.#prefix = prefix;
    this.#random = random;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    this.#store.requireKeys([this.#prefix + key]);
    const { waitMs, signal } = options;
    const [clock, random] = [this.#store.clock, this.#random];
    return await polled(() => this.#attempt(key, options), { waitMs, signal, clock, random });
  }

  /** The locks go first, so that a creation cannot store its value after the removal. */
  async revoke(keys: readonly string[]): Promise<void> {
    const all = [...keys.map((key) => this.#prefix + key), ...keys];
    this.#store.requireKeys(all);
    await this.#store.run("revoke", all.map((key) => ({ verb: "md", key })));
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const { server, clock } = this.#store;
    const lock = this.#prefix + key;
    const hold = { server, key: lock, token: newToken(), era: server.era };
    const until = clock.now() + leaseMs;
    const [added, held, found] = await server.run("acquire", [
      this.#locking(hold, until, ["ME", "c"]),
      looking(lock),
      { verb: "mg", key, flags: ["v"] },
    ]);
    const value = this.#store.recordOf(found)?.value;
    const leased = (written: MetaReply): Attempt<Acquired<Uint8Array>> => {
      const item = new HeldItem(hold, written, until);
      const lease = this.#leaseOf({ key, token: hold.token, lock: item, leaseMs });
      return { result: { lease, value }, isDone: true };
    };
    if (isDone(added)) return leased(added);
    if (!held || !this.#isOver(held)) {
      return { result: { lease: undefined, value }, isDone: enough(value) };
    }
    const [taken] = await server.run("acquire", [
      this.#locking(hold, until, [`C${casOf(held)}`, "c"]),
    ]);
    return isDone(taken) ? leased(taken) : { result: { lease: undefined, value }, isDone: false };
  }

  #leaseOf(holding: Holding): Lease<Uint8Array> {
    const { key, lock } = holding;
    return Object.freeze({
      key,
      fence: lock.fence,
      renew: (leaseMs: number): Promise<boolean> => this.#renew("renew", holding, leaseMs),
      commit: (write: Write<Uint8Array>): Promise<boolean> => this.#commit(holding, write),
      release: async (): Promise<void> => {
        if (lock.until > this.#store.clock.now()) await this.#unlock(holding);
      },
    });
  }

  async #renew(operation: string, holding: Holding, leaseMs: number): Promise<boolean> {
    const { key, token, lock } = holding;
    const now = this.#store.clock.now();
    if (lock.until <= now) return false;
    holding.leaseMs = leaseMs;
    return await lock.change(operation, now + leaseMs, (cas) => {
      return this.#locking({ key: this.#prefix + key, token }, now + leaseMs, [`C${cas}`, "c"]);
    });
  }

  async #commit(holding: Holding, write: Write<Uint8Array>): Promise<boolean> {
    this.#store.requireWrites([write]);
    if (!await this.#renew("commit", holding, holding.leaseMs)) return false;
    try {
      const [stored] = await this.#store.run("commit", [this.#store.storing(write, ["c"])]);
      if (await this.#unlock(holding)) return true;
      if (stored && casOf(stored)) await this.#store.run("commit", [removalOf(write.key, stored)]);
      return false;
    } catch (error) {
      await this.#unlock(holding).catch(ignore);
      throw error;
    }
  }

  /** Deletes the lock; answers whether it was still held. */
  #unlock({ key, lock }: Holding): Promise<boolean> {
    return lock.change("release", -NEVER, (cas) => {
      return { verb: "md", key: this.#prefix + key, flags: [`C${cas}`] };
    });
  }

  #locking(
    { key, token }: { readonly key: string; readonly token: bigint },
    until: number,
    flags: readonly string[],
  ): MetaCommand {
    // One second more, because the server's seconds may begin just before they end.
    const item = { bytes: leaseItem({ until, token }), until: until + 1_000 };
    return this.#store.putting(key, item, flags);
  }

  /** Whether a lock is one of ours that has run out; of others the server alone knows. */
  #isOver({ value }: MetaReply): boolean {
    const now = this.#store.clock.now();
    const lease = value && cairnItems.parse(value, now).lease;
    return lease !== undefined && lease.until <= now;
  }
}

/** Takes away what was stored, but nothing that came after it. */
function removalOf(key: string, stored: MetaReply): MetaCommand {
  return { verb: "md", key, flags: [`C${casOf(stored)}`] };
}

// The failure that is thrown is the first one; the lease ends by itself.
function ignore(): void {}
