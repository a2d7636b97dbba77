/**
 * Entries and locks in a Durable Object, whose class `CairnStore` a Worker exports (see
 * `cairn_store.ts`).
 *
 * An object is one place: everything that must be decided among Workers is decided there, one call
 * after the other. As locks beside Workers KV, which is read everywhere and decides nothing, it needs
 * to hold no values: `locksBeside(workersKVBackend(env.CACHE), durableObjectLocks(stub))`.
 */

import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend } from "../src/contracts/backend.ts";
import type { Clock } from "../src/contracts/clock.ts";
import type { Listing } from "../src/contracts/listing.ts";
import type { Locks } from "../src/contracts/locks.ts";
import type { Random } from "../src/contracts/random.ts";
import { remoteBackend, type RemoteDatabase, type RemoteRow } from "./sqlite/remote.ts";
import { remoteListing } from "./sqlite/remote_listing.ts";
import { remoteLocks } from "./sqlite/remote_locks.ts";
import type { RemoteStatement } from "./sqlite/remote_statements.ts";

export type { RemoteRow } from "./sqlite/remote.ts";
export type { RemoteStatement } from "./sqlite/remote_statements.ts";

/** What is called of a `CairnStore` through its stub. */
export interface CairnStoreStub {
  /** Runs statements in one transaction. */
  run(
    statements: readonly RemoteStatement[],
  ): PromiseLike<readonly (readonly RemoteRow[])[]> | readonly (readonly RemoteRow[])[];
}

/**
 * Gives the stub, for each call anew: a stub belongs to the request in which it was made, and is of
 * no more use once its object has failed. It costs nothing: `() => env.STORE.getByName("cache")`.
 */
export type OpenStub = () => CairnStoreStub;

/** How to wait. */
export interface DurableObjectLocksOptions {
  /** Measures the waits; leases are judged by the object's own clock. Default: the platform's. */
  readonly clock?: Clock;
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * A store of bytes in a Durable Object.
 *
 * A batch is one call, or more where its values have more than 8 MB. Deadlines are judged by the
 * object's own clock.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { type CairnStoreStub, durableObjectBackend } from "@cairn/cache/durable-object";
 *
 * // In a Worker this is `() => env.STORE.getByName("cache")`.
 * const empty: CairnStoreStub = { run: (statements) => statements.map(() => []) };
 * equal((await durableObjectBackend(() => empty).get(["key"]))[0], undefined);
 * ```
 */
export function durableObjectBackend(
  openStub: OpenStub,
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return remoteBackend(remoteOf(openStub));
}

/**
 * Locks for all Workers that reach a Durable Object. Every step is one call.
 *
 * Who waits asks again after 10 ms, and after pauses that grow to a quarter of a second.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { type CairnStoreStub, durableObjectLocks } from "@cairn/cache/durable-object";
 *
 * const busy: CairnStoreStub = { run: (statements) => statements.map(() => []) };
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * equal((await durableObjectLocks(() => busy).acquire("key", options)).lease, undefined);
 * ```
 */
export function durableObjectLocks(
  openStub: OpenStub,
  options: DurableObjectLocksOptions = {},
): Locks<Uint8Array> {
  return remoteLocks(remoteOf(openStub), options);
}

/**
 * A listing of the keys in a Durable Object. Every 500 of them are one call.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { type CairnStoreStub, durableObjectListing } from "@cairn/cache/durable-object";
 *
 * const stub: CairnStoreStub = { run: () => [[{ key: "user:1" }, { key: "visits" }]] };
 * const users = await Array.fromAsync(durableObjectListing(() => stub).keys("user:"));
 * deepEqual(users, ["user:1"]);
 * ```
 */
export function durableObjectListing(openStub: OpenStub): Listing {
  return remoteListing(remoteOf(openStub));
}

function remoteOf(openStub: OpenStub): RemoteDatabase {
  return {
    name: "durable object",
    sweep: [],
    run: async (statements) => await openStub().run(statements),
  };
}
