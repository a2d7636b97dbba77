/**
 * Dogpile locks within one process, over a backend that may be anything.
 *
 * The table of holders belongs to the backend: two regions over one backend exclude each other.
 * Waiters are woken when a lease ends; nobody polls. A commit under way cannot lose its lease to
 * time, only end; that is what makes "store and release" one step here:
 *
 *  1. A creator commits; its write travels.
 *  2. Someone deletes the key. The delete waits for the write, ends the lease and removes the value.
 *  3. Someone else acquires, finds nothing and creates anew.
 */

import { countdown } from "../compose/polled.ts";
import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";

/**
 * Locks for all callers of this process that share `backend`.
 *
 * Other processes are not excluded: where several share a store, use its own locks.
 */
export function localLocks<V>(backend: Backend<V>, options: { clock?: Clock } = {}): Locks<V> {
  return new LocalLocks(backend, options.clock ?? systemClock);
}

interface Holding {
  readonly fence: number;
  readonly ended: Promise<void>;
  readonly end: () => void;
  endsAt: number;
  commit: Promise<void> | undefined;
}

/** Who holds what, by backend and key. */
const tables = new WeakMap<object, Map<string, Holding>>();

/** The last fence given out. */
let fences = 0;

/** How many of the oldest holdings are looked at when there is a new one. */
const SWEEP_STEPS = 2;

class LocalLocks<V> implements Locks<V> {
  readonly name: string;
  readonly #backend: Backend<V>;
  readonly #clock: Clock;
  readonly #holdings: Map<string, Holding>;

  constructor(backend: Backend<V>, clock: Clock) {
    this.name = `local(${backend.name})`;
    this.#backend = backend;
    this.#clock = clock;
    this.#holdings = tables.get(backend) ?? new Map<string, Holding>();
    tables.set(backend, this.#holdings);
  }

  async acquire(key: string, options: AcquireOptions<V>): Promise<Acquired<V>> {
    const { leaseMs, waitMs, enough, signal } = options;
    const leftMs = countdown(this.#clock, waitMs);
    for (;;) {
      const holding = this.#held(key);
      if (holding === undefined) return await this.#take(key, leaseMs);
      const value = await this.#read(key);
      const mostMs = leftMs();
      if (enough(value) || mostMs <= 0 || signal?.aborted) return { lease: undefined, value };
      await this.#waitFor(holding, mostMs, signal);
    }
  }

  async revoke(keys: readonly string[]): Promise<void> {
    const held = keys.map((key) => this.#held(key));
    for (const [i, key] of keys.entries()) if (!held[i]?.commit) this.#end(key, held[i]);
    await Promise.allSettled(held.map((holding) => holding?.commit));
    await this.#backend.delete(keys);
  }

  /** The live holding of a key. A commit under way keeps it alive. */
  #held(key: string): Holding | undefined {
    const holding = this.#holdings.get(key);
    const isLive = holding?.commit !== undefined || this.#clock.now() < (holding?.endsAt ?? 0);
    return isLive ? holding : undefined;
  }

  #end(key: string, holding: Holding | undefined): void {
    if (holding === undefined || this.#holdings.get(key) !== holding) return;
    this.#holdings.delete(key);
    holding.end();
  }

  async #take(key: string, leaseMs: number): Promise<Acquired<V>> {
    this.#sweep();
    this.#holdings.get(key)?.end();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const endsAt = this.#clock.now() + leaseMs;
    const holding: Holding = { fence: ++fences, ended, end, endsAt, commit: undefined };
    this.#holdings.set(key, holding);
    try {
      const value = await this.#read(key);
      return { lease: this.#leaseOf(key, holding), value };
    } catch (error) {
      this.#end(key, holding);
      throw error;
    }
  }

  // Holders that never release would stay for ever; the oldest are ended or queue up anew.
  #sweep(): void {
    let steps = 0;
    for (const [key, holding] of this.#holdings) {
      if (++steps > SWEEP_STEPS) return;
      const isLive = this.#held(key) !== undefined;
      this.#holdings.delete(key);
      if (isLive) this.#holdings.set(key, holding);
      else holding.end();
    }
  }

  async #read(key: string): Promise<V | undefined> {
    const [value] = await this.#backend.get([key]);
    return value;
  }

  async #waitFor(holding: Holding, mostMs: number, signal?: AbortSignal): Promise<void> {
    const awake = new AbortController();
    const wake = (): void => awake.abort();
    signal?.addEventListener("abort", wake, { signal: awake.signal });
    // A commit under way may outlive its lease; then only its end is worth waking up for.
    const leaseMs = holding.commit ? NEVER : Math.max(1, holding.endsAt - this.#clock.now());
    const sleep = this.#clock.sleep(Math.min(mostMs, leaseMs), awake.signal);
    await Promise.race([holding.ended, sleep]);
    wake();
  }

  #leaseOf(key: string, holding: Holding): Lease<V> {
    const isHeld = (): boolean => this.#held(key) === holding;
    const end = (): void => this.#end(key, holding);
    return {
      key,
      fence: holding.fence,
      renew: async (leaseMs) => {
        if (!isHeld()) return false;
        holding.endsAt = this.#clock.now() + leaseMs;
        return true;
      },
      commit: async (write: Write<V>) => {
        if (!isHeld()) return false;
        holding.commit = this.#backend.set([write]);
        await holding.commit.finally(end);
        return true;
      },
      release: async () => end(),
    };
  }
}
