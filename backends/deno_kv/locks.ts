/** Dogpile locks in Deno KV: a lease is a record, and its versionstamps decide who holds it. */

import { requireKeys, requireWrites } from "../../src/compose/limits.ts";
import { type Attempt, polled } from "../../src/compose/polled.ts";
import type { Write } from "../../src/contracts/backend.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import { type Random, randomId, systemRandom } from "../../src/contracts/random.ts";
import type { DenoKv, DenoKvEntry, DenoKvKey } from "./client.ts";
import type { Change, Mutation } from "./commits.ts";
import { DenoKvDatabase, type DenoKvOptions } from "./database.ts";

/** As for the entries, and how to wait. */
export interface DenoKvLocksOptions extends DenoKvOptions {
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Locks for all processes that share a Deno KV database. Give the same `prefix` as to
 * `denoKvBackend`.
 *
 * An attempt is one trip that reads, and one that takes the lease where it is free. A commit is one
 * trip for a value that fits into one commit of Deno KV. Who waits asks again after 10 ms, and after
 * pauses that grow to a quarter of a second.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { NEVER } from "@cairn/cache";
 * import { denoKvBackend, denoKvLocks } from "@cairn/cache/deno-kv";
 *
 * const kv = await Deno.openKv(":memory:");
 * const locks = denoKvLocks(kv);
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * const { lease } = await locks.acquire("key", options);
 * equal((await locks.acquire("key", options)).lease, undefined);
 * await lease!.commit({ key: "key", value: Uint8Array.of(1), expiresAt: NEVER });
 * deepEqual(await denoKvBackend(kv).get(["key"]), [Uint8Array.of(1)]);
 * kv.close();
 * ```
 */
export function denoKvLocks(kv: DenoKv, options: DenoKvLocksOptions = {}): Locks<Uint8Array> {
  return new DenoKvLocks(kv, options);
}

class DenoKvLocks implements Locks<Uint8Array> {
  readonly name: string;
  readonly #database: DenoKvDatabase;
  readonly #random: Random;

  constructor(kv: DenoKv, options: DenoKvLocksOptions) {
    this.#database = new DenoKvDatabase(kv, options);
    this.#random = options.random ?? systemRandom;
    this.name = this.#database.name;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    requireKeys(this.#database, [key]);
    const { waitMs, signal } = options;
    const [clock, random] = [this.#database.clock, this.#random];
    return await polled(
      () => this.#database.guard("acquire", () => this.#attempt(key, options)),
      { waitMs, signal, clock, random },
    );
  }

  async revoke(keys: readonly string[]): Promise<void> {
    await this.#database.remove("revoke", keys);
  }

  // The entry is checked along with the lease: both were free to change after they were read, and a
  // lease taken and given back in between looks as if nothing had happened.
  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const { records, commits, clock } = this.#database;
    const leaseKey = records.keyOf("lease", key);
    const keys = [leaseKey, records.keyOf("entry", key)];
    const [held, entry] = await records.raw(keys) as [DenoKvEntry, DenoKvEntry];
    if (!isLive(held, clock.now())) {
      const record = { owner: randomId(), until: clock.now() + leaseMs };
      const step = [leaseMutation(leaseKey, record)];
      const stamp = await commits.decide({ step }, [held, entry]);
      if (stamp !== undefined) {
        const replaced = records.partKeysOf(entry);
        const lease = new DenoKvLease(this.#database, { key, record, stamp, replaced });
        return { result: { lease, value: await this.#value(entry, lease) }, isDone: true };
      }
    }
    const value = await this.#value(entry);
    return { result: { lease: undefined, value }, isDone: enough(value) };
  }

  async #value(
    entry: DenoKvEntry,
    lease?: Lease<Uint8Array>,
  ): Promise<Uint8Array | undefined> {
    try {
      return (await this.#database.records.whole(entry)).value;
    } catch (error) {
      await lease?.release();
      throw error;
    }
  }
}

interface LeaseRecord {
  readonly owner: string;
  readonly until: number;
}

interface Held {
  readonly key: string;
  readonly record: LeaseRecord;
  readonly stamp: string;
  /** The parts of the value that a commit replaces. */
  readonly replaced: readonly DenoKvKey[];
}

/** How often a holder whose renewals and commits overtake each other looks what holds now. */
const attempts = 10;

class DenoKvLease implements Lease<Uint8Array> {
  readonly key: string;
  readonly fence: number;
  readonly #database: DenoKvDatabase;
  readonly #leaseKey: DenoKvKey;
  readonly #replaced: readonly DenoKvKey[];
  #record: LeaseRecord;
  #stamp: string;

  constructor(database: DenoKvDatabase, { key, record, stamp, replaced }: Held) {
    this.key = key;
    this.fence = fenceOf(stamp);
    this.#database = database;
    this.#leaseKey = database.records.keyOf("lease", key);
    this.#replaced = replaced;
    this.#record = record;
    this.#stamp = stamp;
  }

  async renew(leaseMs: number): Promise<boolean> {
    const record = { owner: this.#record.owner, until: this.#database.clock.now() + leaseMs };
    return await this.#decide("renew", { step: [leaseMutation(this.#leaseKey, record)] }, record);
  }

  async commit(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this.#database, [write], (value) => value.length);
    const change = this.#database.records.changeOf(write, this.#replaced);
    const step = [...change.step, { key: this.#leaseKey }];
    return await this.#decide("commit", { ...change, step });
  }

  async release(): Promise<void> {
    await this.#decide("release", { step: [{ key: this.#leaseKey }] });
  }

  /** Makes a change if the lease is still held; `record` is what it leaves behind of the lease. */
  async #decide(operation: string, change: Change, record?: LeaseRecord): Promise<boolean> {
    const { clock, commits } = this.#database;
    return await this.#database.guard(operation, async () => {
      for (let left = attempts; left > 0 && this.#record.until > clock.now(); left--) {
        const check = { key: this.#leaseKey, versionstamp: this.#stamp };
        const stamp = await commits.decide(change, [check]);
        if (stamp !== undefined) {
          if (record) [this.#record, this.#stamp] = [record, stamp];
          return true;
        }
        if (!await this.#isStillOurs()) return false;
      }
      return false;
    });
  }

  /** Whether the stamp was an older one of this very lease: it was renewed at the same time. */
  async #isStillOurs(): Promise<boolean> {
    const [found] = await this.#database.records.raw([this.#leaseKey]);
    const record = found!.value as LeaseRecord | null;
    if (record?.owner !== this.#record.owner || found!.versionstamp === null) return false;
    [this.#record, this.#stamp] = [record, found!.versionstamp];
    return true;
  }
}

function isLive({ value }: DenoKvEntry, now: number): boolean {
  return value !== null && (value as LeaseRecord).until > now;
}

function leaseMutation(key: DenoKvKey, value: LeaseRecord): Mutation {
  return { key, value, until: value.until };
}

/** A versionstamp is 20 hexadecimal digits, the first 16 of which count the commits. */
function fenceOf(stamp: string): number {
  return Number.parseInt(stamp.slice(0, 16), 16);
}
