/** Entries in Cloudflare D1, in tables of their own. */

import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend } from "../src/contracts/backend.ts";
import { type Clock, systemClock } from "../src/contracts/clock.ts";
import type { Listing } from "../src/contracts/listing.ts";
import type { Locks } from "../src/contracts/locks.ts";
import type { Random } from "../src/contracts/random.ts";
import type { D1Database } from "./sql/d1_runner.ts";
import { remoteBackend, type RemoteDatabase, type RemoteRow } from "./sqlite/remote.ts";
import { remoteListing } from "./sqlite/remote_listing.ts";
import { remoteLocks } from "./sqlite/remote_locks.ts";
import { type RemoteStatement, schema, sweep } from "./sqlite/remote_statements.ts";

export type { D1Database, D1Statement } from "./sql/d1_runner.ts";

/** Where the entries are, and what time it is. */
export interface D1Options {
  /** Before the names of the tables; letters, digits and underscores. Default: `"cairn_"`. */
  readonly tablePrefix?: string;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

/** As for the entries, and how to wait. */
export interface D1LocksOptions extends D1Options {
  /** Draws the waits. Default: the platform's. */
  readonly random?: Random;
}

/**
 * A store of bytes in a D1 database.
 *
 * Its tables are made with the first batch. A batch is one trip, or more where its values have more
 * than 8 MB; 33 writes are one statement, and so are any number of keys to be read or removed.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { d1Backend, type D1Database } from "@cairn/cache/d1";
 *
 * // In a Worker this is a binding: `env.DATABASE`.
 * const trips: number[] = [];
 * const database: D1Database = {
 *   prepare: () => ({ bind: function () { return this; } }),
 *   batch: async (statements) => {
 *     trips.push(statements.length);
 *     return statements.map(() => ({ results: [] }));
 *   },
 * };
 * const backend = d1Backend(database);
 * equal((await backend.get(["key"]))[0], undefined);
 * equal(trips.length, 1);
 * ```
 */
export function d1Backend(
  database: D1Database,
  options: D1Options = {},
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return remoteBackend(d1Remote(database, options));
}

/**
 * Locks for all Workers that share a D1 database. Give the same `tablePrefix` as to `d1Backend`.
 *
 * Every step is one trip. Leases are judged by the clocks of the Workers.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { type D1Database, d1Locks } from "@cairn/cache/d1";
 *
 * const busy: D1Database = {
 *   prepare: () => ({ bind: function () { return this; } }),
 *   batch: async (statements) => statements.map(() => ({ results: [] })),
 * };
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * equal((await d1Locks(busy).acquire("key", options)).lease, undefined);
 * ```
 */
export function d1Locks(database: D1Database, options: D1LocksOptions = {}): Locks<Uint8Array> {
  return remoteLocks(d1Remote(database, options), options);
}

/**
 * A listing of the keys in a D1 database. Every 500 of them are one trip. Give the same `tablePrefix`
 * as to `d1Backend`.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { type D1Database, d1Listing } from "@cairn/cache/d1";
 *
 * const empty: D1Database = {
 *   prepare: () => ({ bind: function () { return this; } }),
 *   batch: async (statements) => statements.map(() => ({ results: [] })),
 * };
 * deepEqual(await Array.fromAsync(d1Listing(empty).keys("user:")), []);
 * ```
 */
export function d1Listing(database: D1Database, options: D1Options = {}): Listing {
  return remoteListing(d1Remote(database, options));
}

function d1Remote(database: D1Database, options: D1Options): RemoteDatabase {
  const { tablePrefix = "cairn_", clock = systemClock } = options;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(tablePrefix)) {
    throw new RangeError(`Cannot use D1: "tablePrefix" is "${tablePrefix}"`);
  }
  // The tables are made along with whatever comes first, so that it stays one trip.
  let missing: readonly RemoteStatement[] = schema;
  return {
    name: "d1",
    sweep,
    async run(statements: readonly RemoteStatement[]): Promise<RemoteRow[][]> {
      const first = missing;
      const now = clock.now();
      const bound = [...first, ...statements].map(({ sql, parameters }) => {
        const prepared = database.prepare(sql.replaceAll("$", tablePrefix));
        return sql.includes("?") ? prepared.bind(now, ...parameters) : prepared;
      });
      const answers = await database.batch(bound);
      missing = [];
      return answers.slice(first.length).map(({ results }) => results as RemoteRow[]);
    },
  };
}
