/**
 * Dogpile locks in memcached, by the cas of the value itself.
 *
 * A lease is written into the item of the key, at its end (see `memcached_record.ts`), and the cas that
 * the server gives that write is its fence. Whoever stores, deletes or takes over changes the cas; so
 * `ms KEY C<fence>` stores the value and ends the lease in one step, or does neither.
 *
 * 1. A finds nothing and adds an item with its lease; or a stale value, and appends its lease to it.
 * 2. B finds A's lease in the item, reads the stale value beside it, and waits or goes.
 * 3. A's lease runs out. B appends its own lease under the cas it read: the cas is another now.
 * 4. A commits under its old cas, which is refused. B commits.
 *
 * memcached has leases of its own (`mg KEY N30`), in whole seconds of its clock, that can neither be
 * renewed nor taken over while a value is there; hence the marks. Fences start anew with
 * the server, as everything in it does. A plain `set` of the key ends its lease, too: it is newer.
 */

import { type Attempt, polled } from "../../src/compose/polled.ts";
import type { Write } from "../../src/contracts/backend.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import { type Random, systemRandom } from "../../src/contracts/random.ts";
import { casOf, HeldItem, type Hold, isDone, newToken } from "./held_item.ts";
import type { MetaCommand, MetaReply } from "./protocol.ts";
import { type ItemRecord, leaseItem, type LeaseMark, leaseMark, mostLeases } from "./record.ts";
import type { MemcachedServer } from "./server.ts";
import { type Sightings, sightingsFor } from "./sightings.ts";
import { type MemcachedOptions, MemcachedStore } from "./store.ts";

/** As for the entries, and how to wait. */
export interface MemcachedLocksOptions extends Omit<MemcachedOptions, "bare"> {
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Locks on the values that `memcachedBackend` keeps on the same server, unless they are bare.
 *
 * An attempt is one trip where there is no value, or one that `memcachedBackend` has read from the same
 * `server` lately; where there is another one, two. A commit is one.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memcachedLocks, memcachedServer, nodeSocket } from "@cairn/cache/memcached";
 *
 * const locks = memcachedLocks(memcachedServer("127.0.0.1", { connect: nodeSocket() }));
 * equal(locks.name, "memcached");
 * ```
 */
export function memcachedLocks(
  server: MemcachedServer,
  options: MemcachedLocksOptions = {},
): Locks<Uint8Array> {
  return new MemcachedLocks(server, options);
}

/** A lease in the hands of its holder. */
interface Holding {
  readonly key: string;
  readonly token: string;
  readonly item: HeldItem;
  /** Until when it is held; in the past once it has ended. */
  until: number;
  /** What else is in the item. */
  record: ItemRecord;
}

class MemcachedLocks implements Locks<Uint8Array> {
  readonly name = "memcached";
  readonly #store: MemcachedStore;
  readonly #sightings: Sightings;
  readonly #random: Random;

  constructor(
    server: MemcachedServer,
    { random = systemRandom, ...options }: MemcachedLocksOptions,
  ) {
    this.#store = new MemcachedStore(server, options);
    this.#sightings = sightingsFor(server);
    this.#random = random;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    this.#store.requireKeys([key]);
    const { waitMs, signal } = options;
    const [clock, random] = [this.#store.clock, this.#random];
    let attempts = 0;
    const attempt = (): Promise<Attempt<Acquired<Uint8Array>>> => {
      // Who has waited for a value and finds it needs no lease, and saves the trips to give it back.
      return this.#attempt(key, options, attempts++ > 0 ? options.enough : () => false);
    };
    return await polled(attempt, { waitMs, signal, clock, random });
  }

  async revoke(keys: readonly string[]): Promise<void> {
    this.#store.requireKeys(keys);
    if (keys.length === 0) return;
    const commands = keys.map((key): MetaCommand => ({ verb: "md", key }));
    await this.#store.server.run("revoke", commands);
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
    needsNoLease: (value: Uint8Array | undefined) => boolean,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const now = this.#store.clock.now();
    const mark = { until: now + leaseMs, token: newToken() };
    const { written, found, era } = await this.#claim(key, mark);
    const record = this.#store.recordOf(found) ?? nothing;
    const { value } = record;
    const hold = { server: this.#store.server, key, token: mark.token, era };
    if (written) {
      const lease = this.#leaseOf(hold, written, { until: mark.until, record });
      return { result: { lease, value }, isDone: true };
    }
    if (isHeld(record, now) || needsNoLease(value) || !found?.value) {
      return { result: { lease: undefined, value }, isDone: enough(value) };
    }
    const taking = this.#marking({ key, token: mark.token, record }, mark.until, casOf(found));
    const [taken] = await hold.server.run("acquire", [taking]);
    if (!isDone(taken)) return { result: { lease: undefined, value }, isDone: false };
    const after = { ...record, leases: leasesAfter(record, mark.until) };
    const lease = this.#leaseOf(hold, taken, { until: mark.until, record: after });
    return { result: { lease, value }, isDone: true };
  }

  /** Writes a lease where it is known that nobody has one, and looks what is there then. */
  async #claim(key: string, mark: LeaseMark): Promise<Claim> {
    const { server } = this.#store;
    const item = { bytes: leaseItem(mark), until: mark.until };
    const adding = this.#store.putting(key, item, ["ME", "c"]);
    const looking: MetaCommand = { verb: "mg", key, flags: ["v", "c"] };
    const seen = this.#sightings.take(key);
    const isFree = seen && !isHeld(seen.record, this.#store.clock.now());
    if (isFree && canAppend(seen.record, mark.until)) {
      const place = { key, token: mark.token, record: seen.record };
      const appending = this.#marking(place, mark.until, seen.cas);
      const replies = await server.runIn(seen.era, "acquire", [appending, adding, looking]);
      if (replies) {
        const [appended, added, found] = replies;
        return { written: [added, appended].find(isDone), found, era: seen.era };
      }
    }
    const { era } = server;
    const [added, found] = await server.run("acquire", [adding, looking]);
    return { written: isDone(added) ? added : undefined, found, era };
  }

  #leaseOf(
    hold: Hold,
    written: MetaReply,
    state: Pick<Holding, "until" | "record">,
  ): Lease<Uint8Array> {
    const { key, token } = hold;
    const item = new HeldItem(hold, written);
    const holding: Holding = { key, token, item, ...state };
    return Object.freeze({
      key,
      fence: item.fence,
      renew: (leaseMs: number): Promise<boolean> => this.#renew(holding, leaseMs),
      commit: (write: Write<Uint8Array>): Promise<boolean> => this.#commit(holding, write),
      release: (): Promise<void> => this.#release(holding),
    });
  }

  async #renew(holding: Holding, leaseMs: number): Promise<boolean> {
    const now = this.#store.clock.now();
    if (holding.until <= now) return false;
    const until = now + leaseMs;
    const reply = await holding.item.change("renew", (cas) => this.#marking(holding, until, cas));
    if (!isDone(reply)) {
      holding.until = -NEVER;
      return false;
    }
    holding.item.rewritten(reply);
    holding.record = { ...holding.record, leases: leasesAfter(holding.record, until) };
    holding.until = until;
    return true;
  }

  async #commit(holding: Holding, write: Write<Uint8Array>): Promise<boolean> {
    this.#store.requireWrites([write]);
    if (holding.until <= this.#store.clock.now()) return false;
    const reply = await holding.item.change("commit", (cas) => {
      return this.#store.storing(write, [`C${cas}`]);
    });
    holding.until = -NEVER;
    return isDone(reply);
  }

  async #release(holding: Holding): Promise<void> {
    if (holding.until <= this.#store.clock.now()) return;
    await holding.item.change("release", (cas) => {
      const { key, record } = holding;
      if (record.value === undefined) return { verb: "md", key, flags: [`C${cas}`] };
      return this.#marking(holding, 0, cas);
    });
    holding.until = -NEVER;
  }

  /** Marks an item with a lease until an instant: by appending where that is enough. */
  #marking(
    { key, token, record }: Pick<Holding, "key" | "token" | "record">,
    until: number,
    cas: string,
  ): MetaCommand {
    const lease = { until, token };
    const flags = [`C${cas}`, "c"];
    const { value, expiresAt } = record;
    if (canAppend(record, until)) {
      return { verb: "ms", key, value: leaseMark(lease), flags: [...flags, "MA"] };
    }
    if (value === undefined) {
      return this.#store.putting(key, { bytes: leaseItem(lease), until }, flags);
    }
    const bytes = this.#store.format.format(value, expiresAt, lease);
    return this.#store.putting(key, { bytes, until: Math.max(expiresAt, until) }, flags);
  }
}

/** How an attempt has begun. */
interface Claim {
  /** The reply that says that the lease is written. */
  readonly written: MetaReply | undefined;
  /** What is there. */
  readonly found: MetaReply | undefined;
  /** The era of the server before. */
  readonly era: number;
}

/** What is in an item that was added with a lease alone. */
const nothing: ItemRecord = Object.freeze({
  value: undefined,
  expiresAt: -NEVER,
  lease: undefined,
  leases: 1,
});

/** An appended lease does not make the item live longer, nor may there be ever more of them. */
function canAppend({ value, expiresAt, leases }: ItemRecord, until: number): boolean {
  return value !== undefined && until <= expiresAt && leases < mostLeases;
}

function leasesAfter(record: ItemRecord, until: number): number {
  return canAppend(record, until) ? record.leases + 1 : 1;
}

function isHeld({ lease }: ItemRecord, now: number): boolean {
  return lease !== undefined && lease.until > now;
}
