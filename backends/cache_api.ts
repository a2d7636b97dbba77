/**
 * Entries in the Cache API of Workers, Deno and browsers.
 *
 * Such a cache belongs to one place (a data centre, a machine, a browser profile) and may drop what
 * it likes. It decides nothing atomically, so it has no atomics and no locks here. Not every runtime
 * heeds `max-age`, so a record begins with its deadline, which is judged when it is read; the header
 * says the same for the caches that do.
 */

import { requireKeys, requireWrites } from "../src/compose/limits.ts";
import { type Backend, type Limits, UNLIMITED, type Write } from "../src/contracts/backend.ts";
import { type Clock, systemClock } from "../src/contracts/clock.ts";
import { BackendError } from "../src/contracts/errors.ts";
import { deadlineBytes, liveValue, recordOf } from "../src/compose/deadline_record.ts";
import { sideBySide } from "../src/compose/side_by_side.ts";

/** The part of a `Cache` that cairn uses. */
export interface ResponseCache {
  /** The response kept for an address. */
  match(address: string): Promise<Response | undefined>;
  /** Keeps a response for an address. */
  put(address: string, response: Response): Promise<void>;
  /** Drops the response for an address. */
  delete(address: string): Promise<boolean>;
}

/** Under which addresses the entries are. */
export interface CacheAPIOptions {
  /** An http or https address; the key becomes its query. Default: `"https://cairn.invalid/"`. */
  readonly address?: string;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * A store of bytes in a cache that the user opens: `caches.default` in a Worker, elsewhere
 * `await caches.open("name")`.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { NEVER } from "@cairn/cache";
 * import { cacheAPIBackend } from "@cairn/cache/cache-api";
 *
 * const backend = cacheAPIBackend(await caches.open("example"));
 * await backend.set([{ key: "key", value: Uint8Array.of(1), expiresAt: NEVER }]);
 * deepEqual(await backend.get(["key", "nowhere"]), [Uint8Array.of(1), undefined]);
 * await caches.delete("example");
 * ```
 */
export function cacheAPIBackend(
  cache: ResponseCache,
  options: CacheAPIOptions = {},
): Backend<Uint8Array> {
  return new CacheAPI(cache, options);
}

// A byte of a key takes three characters in a query, and addresses beyond some 16,000 characters
// are refused here and there. A Worker's cache takes objects of up to 512 MB.
const limits: Limits = Object.freeze({
  ...UNLIMITED,
  keyBytes: 4_096,
  valueBytes: (512 << 20) - deadlineBytes,
  ttlMinMs: 1_000,
  ttlStepMs: 1_000,
  consistency: "eventual",
});

/** The longest age that caches are known to honour: a year (RFC 9111 leaves it to them). */
const maxAgeLimitMs = 31_536_000_000;

class CacheAPI implements Backend<Uint8Array> {
  readonly name = "cache api";
  readonly limits: Limits = limits;
  readonly #cache: ResponseCache;
  readonly #address: string;
  readonly #clock: Clock;

  constructor(cache: ResponseCache, options: CacheAPIOptions) {
    const { address = "https://cairn.invalid/", clock = systemClock } = options;
    if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
      throw new RangeError(`Cannot use the Cache API: "address" is "${address}"`);
    }
    this.#cache = cache;
    this.#address = address;
    this.#clock = clock;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    const found = new Map<string, Uint8Array | undefined>();
    await this.#each("get", [...new Set(keys)], async (key) => {
      const response = await this.#cache.match(this.#addressOf(key));
      const record = await response?.arrayBuffer();
      found.set(key, record && liveValue(record, this.#clock.now()));
    });
    return keys.map((key) => found.get(key));
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, (value) => value.length);
    // One write for each key, the last: their requests run side by side.
    const last = [...new Map(writes.map((write) => [write.key, write])).values()];
    await this.#each("set", last, async ({ key, value, expiresAt }) => {
      const address = this.#addressOf(key);
      const ttlMs = expiresAt - this.#clock.now();
      if (ttlMs > 0) await this.#cache.put(address, responseOf(recordOf(value, expiresAt), ttlMs));
      else await this.#cache.delete(address);
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    await this.#each("delete", [...new Set(keys)], async (key) => {
      await this.#cache.delete(this.#addressOf(key));
    });
  }

  // In the query, because dots and slashes of a key would change a path.
  #addressOf(key: string): string {
    const address = new URL(this.#address);
    address.search = `?key=${encodeURIComponent(key)}`;
    return address.href;
  }

  async #each<T>(
    operation: string,
    items: readonly T[],
    run: (item: T) => Promise<void>,
  ): Promise<void> {
    try {
      await sideBySide(items, run);
    } catch (error) {
      throw new BackendError(this.name, operation, error);
    }
  }
}

function responseOf(record: Uint8Array<ArrayBuffer>, ttlMs: number): Response {
  const maxAge = Math.ceil(Math.min(ttlMs, maxAgeLimitMs) / 1_000);
  return new Response(record, {
    headers: {
      "Cache-Control": `max-age=${maxAge}`,
      "Content-Length": String(record.length),
      "Content-Type": "application/octet-stream",
    },
  });
}
