/** The keys of the entries in Deno KV. */

import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { DenoKvEntry, DenoKvKey } from "./client.ts";
import type { DenoKvOptions } from "./database.ts";
import { isLive } from "./records.ts";

/** The part of `Deno.Kv` that a listing uses. */
export interface DenoKvLister {
  /** The entries whose keys begin with `prefix`, from `start` on, in the order of their keys. */
  list(selector: { prefix: DenoKvKey; start?: DenoKvKey }): AsyncIterable<DenoKvEntry>;
}

/**
 * A listing of the keys that `denoKvBackend` holds under the same `prefix`.
 *
 * Keys come in the order of their UTF-8, and only those whose values live. Deno KV reads the values
 * along with them, a hundred in a trip; of one in parts it reads no part.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { NEVER } from "@cairn/cache";
 * import { denoKvBackend, denoKvListing } from "@cairn/cache/deno-kv";
 *
 * const kv = await Deno.openKv(":memory:");
 * const value = Uint8Array.of(1);
 * const writes = ["user:1", "user:2", "page:1"].map((key) => ({ key, value, expiresAt: NEVER }));
 * await denoKvBackend(kv).set(writes);
 * const users = await Array.fromAsync(denoKvListing(kv).keys("user:"));
 * deepEqual(users, ["user:1", "user:2"]);
 * kv.close();
 * ```
 */
export function denoKvListing(kv: DenoKvLister, options: DenoKvOptions = {}): Listing {
  const { prefix: first = "cairn", clock = systemClock } = options;
  return Object.freeze({
    name: "deno kv",
    keys: (prefix: string): AsyncIterable<string> => listed(kv, [first, "entry", prefix], clock),
  });
}

async function* listed(
  kv: DenoKvLister,
  start: readonly [string, string, string],
  clock: Clock,
): AsyncGenerator<string> {
  const [first, kind, prefix] = start;
  try {
    for await (const { key, value } of kv.list({ prefix: [first, kind], start })) {
      const name = key[2] as string;
      if (!name.startsWith(prefix)) return;
      if (isLive(value, clock.now())) yield name;
    }
  } catch (error) {
    throw new BackendError("deno kv", "list", error);
  }
}
