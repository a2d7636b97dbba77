/**
 * Dogpile locks over any store with atomics: a lock is a key of its own that holds its owner's
 * token, added if absent and removed only by who knows the token.
 *
 * A lease is renewed by taking the token away and adding it anew. For a moment there is no lock then,
 * and a deletion at that moment would find none to end. So each lock has a guard beside it, a second
 * key with the same token, which is there without a gap: a deletion ends both.
 *
 * Values lie apart from locks, so "store and release" cannot be one step. What is done instead, and
 * what it does not protect:
 *
 *  1. `commit` renews its lease. Whoever has it now, or has ended it, keeps it from storing.
 *  2. It writes, with a whole lease of time to do so.
 *  3. It releases. If lock or guard is gone by now, someone deleted the key meanwhile, or the write
 *     took longer than the lease: the value is removed again.
 *
 * A deletion ends the guard before it removes the value. If `commit` still found its guard in 3, that
 * is yet to come, and removes what was written in 2. So what is deleted stays deleted, except that
 * between 2 and 3 a reader may see a value that is about to go. Stores whose own locks do it in one
 * step (see `backends/`) protect that, too.
 *
 * Whoever acquires the lock between a deletion's steps may still read the old value, and store it again
 * where no new one is to be had. So a deletion is done twice: the first removes the value, the second
 * what was made of it until then.
 *
 * An attempt takes two trips, a commit four, a deletion six; a store's own locks need one for each.
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

/** One holding of a lock. */
interface Held<L> {
  readonly key: string;
  readonly token: L;
  leaseMs: number;
  /** Ends when what is being done with it has been done. */
  turn: Promise<unknown>;
}

/** What is put before the key of a lock to make that of its guard. */
const GUARD = "~";
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
    const end = (ends: readonly string[]): Promise<unknown> => {
      return Promise.all(ends.map((key) => atomics.replace({ key, ...gone })));
    };
    for (let pass = 1; pass <= 2; pass++) {
      // A guard is put there after its lock, so it is looked for after it.
      await end(keys.map((key) => this.#lockOf(key)));
      await end(keys.map((key) => this.#guardOf(key)));
      await backend.delete(keys);
    }
  }

  async #attempt(key: string, options: AcquireOptions<V>): Promise<Attempt<Acquired<V>>> {
    const { atomics } = this.#parts;
    const held: Held<L> = {
      key,
      token: this.#parts.tokenOf(randomId()),
      leaseMs: options.leaseMs,
      turn: Promise.resolve(),
    };
    if (!await atomics.add(this.#lock(held))) {
      const value = await this.#read(key);
      return { result: { lease: undefined, value }, isDone: options.enough(value) };
    }
    try {
      const [fence, value] = await Promise.all([
        atomics.increment(FENCES, 1, NEVER),
        this.#read(key),
        this.#putGuard(held),
      ]);
      return { result: { lease: this.#leaseOf(held, fence), value }, isDone: true };
    } catch (error) {
      await this.#release(held);
      throw error;
    }
  }

  #leaseOf(held: Held<L>, fence: number): Lease<V> {
    // One after the other: a commit in the gap of a renewal would find no lock.
    const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
      const acted = held.turn.then(act);
      held.turn = acted.catch(() => {});
      return acted;
    };
    return {
      key: held.key,
      fence,
      renew: (leaseMs) => {
        held.leaseMs = leaseMs;
        return inTurn(() => this.#renew(held));
      },
      commit: (write) => inTurn(() => this.#commit(held, write)),
      release: () => inTurn(async () => void await this.#release(held)),
    };
  }

  async #commit(held: Held<L>, write: Write<V>): Promise<boolean> {
    const { backend } = this.#parts;
    if (!await this.#renew(held)) {
      // Its guard may have outlived it.
      await this.#release(held);
      return false;
    }
    try {
      await backend.set([write]);
    } catch (error) {
      await this.#release(held);
      throw error;
    }
    const isHeld = await this.#release(held);
    if (!isHeld) await backend.delete([write.key]);
    return isHeld;
  }

  async #renew(held: Held<L>): Promise<boolean> {
    const { atomics } = this.#parts;
    const lock = this.#lock(held);
    if (!await atomics.deleteIf(lock.key, held.token)) return false;
    const [isLocked, isGuarded] = await Promise.all([
      atomics.add(lock),
      atomics.touch(this.#guardOf(held.key), lock.expiresAt),
    ]);
    if (isLocked && !isGuarded) await atomics.deleteIf(lock.key, held.token);
    return isLocked && isGuarded;
  }

  /** Answers whether it was still held. */
  async #release({ key, token }: Held<L>): Promise<boolean> {
    const { atomics } = this.#parts;
    const [isLocked, isGuarded] = await Promise.all([
      atomics.deleteIf(this.#lockOf(key), token),
      atomics.deleteIf(this.#guardOf(key), token),
    ]);
    return isLocked && isGuarded;
  }

  // Who has the lock has a right to the guard, too, should a dead holder have left it behind.
  async #putGuard(held: Held<L>): Promise<void> {
    const { atomics } = this.#parts;
    const guard = { ...this.#lock(held), key: this.#guardOf(held.key) };
    if (!await atomics.add(guard)) await atomics.replace(guard);
  }

  #lock({ key, token, leaseMs }: Held<L>): Write<L> {
    return { key: this.#lockOf(key), value: token, expiresAt: this.#parts.clock.now() + leaseMs };
  }

  async #read(key: string): Promise<V | undefined> {
    const [value] = await this.#parts.backend.get([key]);
    return value;
  }

  #lockOf(key: string): string {
    return this.#parts.prefix + key;
  }

  #guardOf(key: string): string {
    return GUARD + this.#lockOf(key);
  }
}
