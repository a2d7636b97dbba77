/**
 * Dogpile locks over any store with atomics: a lock is a key of its own that holds its owner's
 * token, added if absent and removed only by who knows the token.
 *
 * Values lie apart from locks, so "store and release" cannot be one step. What is done instead, and
 * what it does not protect:
 *
 *  1. `commit` renews its lease by taking the token away and adding it anew. Whoever comes between,
 *     or came before, keeps it from storing.
 *  2. It writes, with a whole lease of time to do so.
 *  3. It releases. If the lease is gone by now, someone deleted the key meanwhile, or the write took
 *     longer than the lease: the value is removed again.
 *
 * So what is deleted stays deleted, except that between 2 and 3 a reader may see a value that is
 * about to go. Stores whose own locks do it in one step (see `backends/`) protect that, too.
 *
 * An attempt takes two trips, a commit four; a store's own locks need one for each.
 */

import { type Attempt, polled } from "../compose/polled.ts";
import type { Atomics } from "../contracts/atomics.ts";
import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";
import { type Random, randomId, systemRandom } from "../contracts/random.ts";

/** How locks are written, and their effects. */
export interface AtomicLocksOptions<L> {
  /** Makes a value that the store can hold and compare of a token. Default: its UTF-8 bytes. */
  readonly tokenOf?: (id: string) => L;
  /** What is put before a key to make that of its lock. Default: `"_lock"`, as dogpile.cache has. */
  readonly prefix?: string;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
  /** Draws the pauses between attempts. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Locks by `atomics` on the values of `backend`, which may be a composition over the same store or
 * over another one.
 */
export function atomicLocks<V, L = Uint8Array>(
  atomics: Atomics<L>,
  backend: Backend<V>,
  options: AtomicLocksOptions<L> = {},
): Locks<V> {
  if (typeof atomics?.add !== "function") {
    throw new TypeError(
      `Cannot lock by "${atomics?.name}" for backend "${backend.name}": it has no atomics`,
    );
  }
  const { prefix = "_lock", clock = systemClock, random = systemRandom } = options;
  const tokenOf = options.tokenOf ?? ((id) => new TextEncoder().encode(id) as L);
  return new AtomicLocks({ atomics, backend, tokenOf, prefix, clock, random });
}

interface Parts<V, L> extends Required<AtomicLocksOptions<L>> {
  readonly atomics: Atomics<L>;
  readonly backend: Backend<V>;
}

/** Where the fences come from: one counter for all keys, so that nothing is left behind for each. */
const FENCES = "cairn-fences";

class AtomicLocks<V, L> implements Locks<V> {
  readonly name: string;
  readonly #parts: Parts<V, L>;

  constructor(parts: Parts<V, L>) {
    this.name = `atomic(${parts.atomics.name})`;
    this.#parts = Object.freeze(parts);
  }

  async acquire(key: string, options: AcquireOptions<V>): Promise<Acquired<V>> {
    const { clock, random } = this.#parts;
    const { waitMs, signal } = options;
    return await polled(() => this.#attempt(key, options), { waitMs, signal, clock, random });
  }

  async revoke(keys: readonly string[]): Promise<void> {
    const { atomics, backend } = this.#parts;
    const gone = { value: this.#parts.tokenOf("revoked"), expiresAt: this.#parts.clock.now() };
    await Promise.all(keys.map((key) => atomics.replace({ key: this.#lockOf(key), ...gone })));
    await backend.delete(keys);
  }

  async #attempt(key: string, options: AcquireOptions<V>): Promise<Attempt<Acquired<V>>> {
    const { atomics } = this.#parts;
    const token = randomId();
    const isOurs = await this.#add(key, token, options.leaseMs);
    if (!isOurs) {
      const value = await this.#read(key);
      return { result: { lease: undefined, value }, isDone: options.enough(value) };
    }
    const lease = { key, token, leaseMs: options.leaseMs };
    try {
      const [fence, value] = await Promise.all([
        atomics.increment(FENCES, 1, NEVER),
        this.#read(key),
      ]);
      return { result: { lease: this.#leaseOf(lease, fence), value }, isDone: true };
    } catch (error) {
      await this.#remove(key, token);
      throw error;
    }
  }

  #leaseOf(held: { key: string; token: string; leaseMs: number }, fence: number): Lease<V> {
    const { key, token } = held;
    return {
      key,
      fence,
      renew: async (leaseMs) => {
        held.leaseMs = leaseMs;
        return await this.#renew(key, token, leaseMs);
      },
      commit: async (write) => await this.#commit(write, token, held.leaseMs),
      release: async () => {
        await this.#remove(key, token);
      },
    };
  }

  async #commit(write: Write<V>, token: string, leaseMs: number): Promise<boolean> {
    const { backend } = this.#parts;
    if (!await this.#renew(write.key, token, leaseMs)) return false;
    try {
      await backend.set([write]);
    } catch (error) {
      await this.#remove(write.key, token);
      throw error;
    }
    const isHeld = await this.#remove(write.key, token);
    if (!isHeld) await backend.delete([write.key]);
    return isHeld;
  }

  async #renew(key: string, token: string, leaseMs: number): Promise<boolean> {
    return await this.#remove(key, token) && await this.#add(key, token, leaseMs);
  }

  async #add(key: string, token: string, leaseMs: number): Promise<boolean> {
    const { atomics, tokenOf, clock } = this.#parts;
    const expiresAt = clock.now() + leaseMs;
    return await atomics.add({ key: this.#lockOf(key), value: tokenOf(token), expiresAt });
  }

  async #remove(key: string, token: string): Promise<boolean> {
    const { atomics, tokenOf } = this.#parts;
    return await atomics.deleteIf(this.#lockOf(key), tokenOf(token));
  }

  async #read(key: string): Promise<V | undefined> {
    const [value] = await this.#parts.backend.get([key]);
    return value;
  }

  #lockOf(key: string): string {
    return this.#parts.prefix + key;
  }
}
