/**
 * Dogpile locks within one process, over a backend that may be anything.
 *
 * The table of holders belongs to the backend: two regions over one backend exclude each other.
 * Waiters are woken when a lease ends; nobody polls. A write under way, a creator's or a deletion's,
 * cannot lose its holding to time, only end; that is what makes its trip one step here:
 *
 *  1. A creator commits; its write travels.
 *  2. Someone deletes the key. The deletion waits for the write, ends whatever lease there is, holds
 *     the key itself and removes the value. Nobody can read that under a lease any more and store it
 *     again.
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
  /** The write under way, of a commit or a deletion. */
  writing: Promise<void> | undefined;
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
    const writes = (): (Promise<void> | undefined)[] => {
      return keys.flatMap((key) => this.#held(key)?.writing ?? []);
    };
    for (let under = writes(); under.length > 0; under = writes()) await Promise.allSettled(under);
    const holdings = keys.map((key) => [key, this.#hold(key, NEVER)] as const);
    try {
      const deleting = this.#backend.delete(keys);
      for (const [, holding] of holdings) holding.writing = deleting;
      await deleting;
    } finally {
      for (const [key, holding] of holdings) this.#end(key, holding);
    }
  }

  /** The live holding of a key. A write under way keeps it alive. */
  #held(key: string): Holding | undefined {
    const holding = this.#holdings.get(key);
    const isLive = holding?.writing !== undefined || this.#clock.now() < (holding?.endsAt ?? 0);
    return isLive ? holding : undefined;
  }

  #end(key: string, holding: Holding | undefined): void {
    if (holding === undefined || this.#holdings.get(key) !== holding) return;
    this.#holdings.delete(key);
    holding.end();
  }

  async #take(key: string, leaseMs: number): Promise<Acquired<V>> {
    this.#sweep();
    const holding = this.#hold(key, leaseMs);
    try {
      const value = await this.#read(key);
      return { lease: this.#leaseOf(key, holding), value };
    } catch (error) {
      this.#end(key, holding);
      throw error;
    }
  }

  /** Ends whatever holding of a key there is, and begins another. */
  #hold(key: string, leaseMs: number): Holding {
    this.#holdings.get(key)?.end();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const endsAt = this.#clock.now() + leaseMs;
    const holding: Holding = { fence: ++fences, ended, end, endsAt, writing: undefined };
    this.#holdings.set(key, holding);
    return holding;
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
    // A write under way may outlive its lease; then only its end is worth waking up for.
    const leaseMs = holding.writing ? NEVER : Math.max(1, holding.endsAt - this.#clock.now());
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
        holding.writing = this.#backend.set([write]);
        await holding.writing.finally(end);
        return true;
      },
      release: async () => end(),
    };
  }
}
