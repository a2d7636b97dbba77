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

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";

/**
 * Locks for all callers of this process that share `backend`.
 *
 * Other processes are not excluded: where several share a store, use its own locks.
 */
export function localLocks<V>(backend: Backend<V>, options: { clock?: Clock } = {}): Locks<V> {
  return new LocalLocks(backend, options.clock ?? systemClock);
}

class Holding {
  readonly fence: number;
  readonly ended: Promise<void>;
  endsAt: number;
  commit: Promise<void> | undefined;
  readonly #end: () => void;

  constructor(fence: number, endsAt: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.fence = fence;
    this.endsAt = endsAt;
    this.ended = promise;
    this.#end = resolve;
  }

  isLive(now: number): boolean {
    return this.commit !== undefined || now < this.endsAt;
  }

  end(): void {
    this.#end();
  }
}

class HolderTable {
  readonly #holders = new Map<string, Holding>();
  #fence = 0;
  #sweepAt = 1_024;

  holderOf(key: string, now: number): Holding | undefined {
    const holding = this.#holders.get(key);
    return holding?.isLive(now) ? holding : undefined;
  }

  take(key: string, now: number, leaseMs: number): Holding {
    if (this.#holders.size >= this.#sweepAt) this.#sweep(now);
    this.#holders.get(key)?.end();
    const holding = new Holding(++this.#fence, now + leaseMs);
    this.#holders.set(key, holding);
    return holding;
  }

  holds(key: string, holding: Holding, now: number): boolean {
    return this.holderOf(key, now) === holding;
  }

  end(key: string, holding: Holding | undefined): void {
    if (holding === undefined || this.#holders.get(key) !== holding) return;
    this.#holders.delete(key);
    holding.end();
  }

  // Holders that never released would stay for ever; the table is walked each time it has doubled.
  #sweep(now: number): void {
    for (const [key, holding] of this.#holders) if (!holding.isLive(now)) this.end(key, holding);
    this.#sweepAt = Math.max(1_024, 2 * this.#holders.size);
  }
}

const tables = new WeakMap<object, HolderTable>();

function tableOf(backend: object): HolderTable {
  const known = tables.get(backend);
  if (known) return known;
  const table = new HolderTable();
  tables.set(backend, table);
  return table;
}

class LocalLocks<V> implements Locks<V> {
  readonly name: string;
  readonly #backend: Backend<V>;
  readonly #clock: Clock;
  readonly #table: HolderTable;

  constructor(backend: Backend<V>, clock: Clock) {
    this.name = `local(${backend.name})`;
    this.#backend = backend;
    this.#clock = clock;
    this.#table = tableOf(backend);
  }

  async acquire(key: string, options: AcquireOptions<V>): Promise<Acquired<V>> {
    const deadline = this.#clock.now() + options.waitMs;
    for (;;) {
      const now = this.#clock.now();
      const holder = this.#table.holderOf(key, now);
      if (holder === undefined) return await this.#take(key, now, options.leaseMs);
      const value = await this.#read(key);
      const remainingMs = deadline - this.#clock.now();
      if (options.enough(value) || remainingMs <= 0 || options.signal?.aborted) {
        return { lease: undefined, value };
      }
      await this.#waitFor(holder, remainingMs, options.signal);
    }
  }

  async revoke(keys: readonly string[]): Promise<void> {
    const now = this.#clock.now();
    const commits: (Promise<void> | undefined)[] = [];
    for (const key of keys) {
      const holder = this.#table.holderOf(key, now);
      if (holder?.commit) commits.push(holder.commit);
      else this.#table.end(key, holder);
    }
    await Promise.allSettled(commits);
    await this.#backend.delete(keys);
  }

  async #take(key: string, now: number, leaseMs: number): Promise<Acquired<V>> {
    const holding = this.#table.take(key, now, leaseMs);
    try {
      const value = await this.#read(key);
      return { lease: this.#leaseOf(key, holding), value };
    } catch (error) {
      this.#table.end(key, holding);
      throw error;
    }
  }

  async #read(key: string): Promise<V | undefined> {
    const [value] = await this.#backend.get([key]);
    return value;
  }

  async #waitFor(holder: Holding, remainingMs: number, signal?: AbortSignal): Promise<void> {
    const awake = new AbortController();
    const wake = (): void => awake.abort();
    signal?.addEventListener("abort", wake, { once: true });
    // A commit under way may outlive its lease; then only its end is worth waking up for.
    const leaseMs = holder.commit ? remainingMs : Math.max(1, holder.endsAt - this.#clock.now());
    const sleep = this.#clock.sleep(Math.min(remainingMs, leaseMs), awake.signal);
    await Promise.race([holder.ended, sleep]);
    awake.abort();
    signal?.removeEventListener("abort", wake);
  }

  #leaseOf(key: string, holding: Holding): Lease<V> {
    const holds = (): boolean => this.#table.holds(key, holding, this.#clock.now());
    const end = (): void => this.#table.end(key, holding);
    return {
      key,
      fence: holding.fence,
      renew: (leaseMs) => {
        const isHeld = holds();
        if (isHeld) holding.endsAt = this.#clock.now() + leaseMs;
        return Promise.resolve(isHeld);
      },
      commit: async (write: Write<V>) => {
        if (!holds()) return false;
        holding.commit = this.#backend.set([write]);
        await holding.commit.finally(end);
        return true;
      },
      release: () => Promise.resolve(end()),
    };
  }
}
