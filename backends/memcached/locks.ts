/**
 * Dogpile locks in memcached, by the cas of the value itself.
 *
 * A lease is written into the item of the key, at its end (see `record.ts`), and the cas that
 * the server gives that write is its fence. Whoever stores, deletes or takes over changes the cas; so
 * `ms KEY C<fence>` stores the value and ends the lease in one step, or does neither.
 *
 * 1. A finds nothing and adds an item with its lease; or a stale value, and appends its lease to it.
 * 2. B finds A's lease in the item, reads the stale value beside it, and waits or goes.
 * 3. A's lease runs out. B appends its own lease under the cas it read: the cas is another now.
 * 4. A commits under its old cas, which is refused. B commits.
 *
 * In 1 the stale value has been read before, with its cas: the lease is appended under that (see
 * `sightings.ts`). Only where it is another by now does a second trip follow, under the cas read anew.
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
import { casOf, HeldItem, isDone, looking, newToken } from "./held_item.ts";
import type { MetaCommand, MetaReply } from "./protocol.ts";
import {
  type ItemRecord,
  leaseItem,
  type LeaseMark,
  leaseMark,
  mostLeases,
  nothingThere,
} from "./record.ts";
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
 * import { memcachedLocks } from "@cairn/cache/memcached";
 * import { memcachedServer, nodeSocket } from "@cairn/cache/memcached-client";
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
interface Holding extends Pick<LeaseMark, "token"> {
  readonly key: string;
  readonly item: HeldItem;
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
    await this.#store.run("revoke", keys.map((key) => ({ verb: "md", key })));
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
    needsNoLease: (value: Uint8Array | undefined) => boolean,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const now = this.#store.clock.now();
    const mark = { until: now + leaseMs, token: newToken() };
    const claim = await this.#claim(key, mark);
    const { found, era } = claim;
    let { written } = claim;
    let record = this.#store.recordOf(found) ?? nothingThere;
    const { value } = record;
    if (!written && found?.value && !isHeld(record, now) && !needsNoLease(value)) {
      const taking = this.#marking({ ...mark, key, record }, mark.until, casOf(found));
      [written] = (await this.#store.run("acquire", [taking])).filter(isDone);
      record = marked(record, mark.until);
    }
    if (!written) return { result: { lease: undefined, value }, isDone: enough(value) };
    const hold = { server: this.#store.server, key, token: mark.token, era };
    const item = new HeldItem(hold, written, mark.until);
    return { result: { lease: this.#leaseOf({ ...hold, item, record }), value }, isDone: true };
  }

  /** Writes a lease where it is known that nobody has one, and looks what is there then. */
  async #claim(key: string, mark: LeaseMark): Promise<Claim> {
    const { server } = this.#store;
    const item = { bytes: leaseItem(mark), until: mark.until };
    const adding = this.#store.putting(key, item, ["ME", "c"]);
    const seen = this.#sightings.take(key);
    const isFree = seen && !isHeld(seen.record, this.#store.clock.now());
    if (isFree && canAppend(seen.record, mark.until)) {
      const appending = this.#marking({ ...mark, key, record: seen.record }, mark.until, seen.cas);
      const replies = await server.runIn(seen.era, "acquire", [appending, adding, looking(key)]);
      if (replies) {
        const [appended, added, found] = replies;
        return { written: [added, appended].find(isDone), found, era: seen.era };
      }
    }
    const { era } = server;
    const [added, found] = await server.run("acquire", [adding, looking(key)]);
    return { written: isDone(added) ? added : undefined, found, era };
  }

  #leaseOf(holding: Holding): Lease<Uint8Array> {
    const { key, item } = holding;
    const isOver = (): boolean => item.until <= this.#store.clock.now();
    return Object.freeze({
      key,
      fence: item.fence,
      renew: async (leaseMs: number): Promise<boolean> => {
        return !isOver() && await this.#renew(holding, leaseMs);
      },
      commit: async (write: Write<Uint8Array>): Promise<boolean> => {
        this.#store.requireWrites([write]);
        if (isOver()) return false;
        return await item.change(
          "commit",
          -NEVER,
          (cas) => this.#store.storing(write, [`C${cas}`]),
        );
      },
      release: async (): Promise<void> => {
        if (!isOver()) await item.change("release", -NEVER, (cas) => this.#ending(holding, cas));
      },
    });
  }

  async #renew(holding: Holding, leaseMs: number): Promise<boolean> {
    const { item, record } = holding;
    const until = this.#store.clock.now() + leaseMs;
    const isDone = await item.change("renew", until, (cas) => this.#marking(holding, until, cas));
    if (isDone) holding.record = marked(record, until);
    return isDone;
  }

  /** Leaves the value as it is, without a lease. */
  #ending(holding: Holding, cas: string): MetaCommand {
    if (holding.record.value !== undefined) return this.#marking(holding, 0, cas);
    return { verb: "md", key: holding.key, flags: [`C${cas}`] };
  }

  /** Marks an item with a lease until an instant: by appending where that is enough. */
  #marking(
    { key, token, record }: Omit<Holding, "item">,
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

/** An appended lease does not make the item live longer, nor may there be ever more of them. */
function canAppend({ value, expiresAt, leases }: ItemRecord, until: number): boolean {
  return value !== undefined && until <= expiresAt && leases < mostLeases;
}

/** What is in an item after a lease has been written to it. */
function marked(record: ItemRecord, until: number): ItemRecord {
  return { ...record, leases: canAppend(record, until) ? record.leases + 1 : 1 };
}

function isHeld({ lease }: ItemRecord, now: number): boolean {
  return lease !== undefined && lease.until > now;
}
