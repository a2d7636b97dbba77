/** Dogpile locks in an SQLite database that is elsewhere: each step is one batch. */

import { requireKeys, requireWrites } from "../../src/compose/limits.ts";
import { type Attempt, polled } from "../../src/compose/polled.ts";
import type { Limits, Write } from "../../src/contracts/backend.ts";
import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import { type Random, systemRandom } from "../../src/contracts/random.ts";
import { bytesOf, type RemoteDatabase, remoteLimits, removeRemote, runRemote } from "./remote.ts";
import {
  acquisition,
  commitment,
  end,
  type RemoteStatement,
  renewal,
  selection,
} from "./remote_statements.ts";

/** How to wait. */
export interface RemoteLocksOptions {
  /** Measures the waits. Default: the platform's. */
  readonly clock?: Clock;
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/** Makes locks on a database. */
export function remoteLocks(
  database: RemoteDatabase,
  options: RemoteLocksOptions,
): Locks<Uint8Array> {
  return new RemoteLocks(database, options);
}

class RemoteLocks implements Locks<Uint8Array> {
  readonly name: string;
  readonly limits: Limits = remoteLimits;
  readonly #database: RemoteDatabase;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(database: RemoteDatabase, options: RemoteLocksOptions) {
    this.name = database.name;
    this.#database = database;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    requireKeys(this, [key]);
    const { waitMs, signal } = options;
    const [clock, random] = [this.#clock, this.#random];
    return await polled(() => this.#attempt(key, options), { waitMs, signal, clock, random });
  }

  async revoke(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    await removeRemote(this.#database, "revoke", keys);
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const statements = [...acquisition(key, leaseMs), selection([key], 0)];
    const [, taken, found] = await runRemote(this.#database, "acquire", statements);
    const blob = found![0]?.["value"];
    const value = blob === undefined ? undefined : bytesOf(blob);
    const fence = taken![0]?.["fence"];
    const lease = typeof fence === "number" ? this.#leaseOf(key, fence) : undefined;
    return { result: { lease, value }, isDone: lease !== undefined || enough(value) };
  }

  #leaseOf(key: string, fence: number): Lease<Uint8Array> {
    const held = { key, fence };
    return Object.freeze({
      ...held,
      renew: (leaseMs: number): Promise<boolean> => this.#holds("renew", [renewal(held, leaseMs)]),
      commit: async (write: Write<Uint8Array>): Promise<boolean> => {
        requireWrites(this, [write], (value) => value.length);
        return await this.#holds("commit", commitment(held, write));
      },
      release: async (): Promise<void> => void (await this.#holds("release", [end(held)])),
    });
  }

  /** Runs statements of which the first has a row if the lease is held. */
  async #holds(operation: string, statements: readonly RemoteStatement[]): Promise<boolean> {
    const [rows] = await runRemote(this.#database, operation, statements);
    return rows!.length > 0;
  }
}
