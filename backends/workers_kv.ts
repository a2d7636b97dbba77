/**
 * Entries in Workers KV.
 *
 * KV is read everywhere and written slowly: another place may read the old value for a minute, one
 * key takes one write a second, and nothing is decided atomically. It has no atomics here and no
 * locks; where creations must exclude each other, a Durable Object decides beside it.
 *
 * KV refuses a time to live below a minute and expires late. So a record begins with its deadline,
 * which is judged when it is read.
 */

import { requireKeys, requireWrites, utf8Bytes } from "../src/compose/limits.ts";
import { type Backend, type Limits, UNLIMITED, type Write } from "../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../src/contracts/clock.ts";
import { BackendError } from "../src/contracts/errors.ts";
import { deadlineBytes, liveValue, recordOf } from "../src/compose/deadline_record.ts";
import { sideBySide } from "../src/compose/side_by_side.ts";

/** KV counts in seconds. */
export type Seconds = number;

/** The part of a Workers KV binding that cairn uses. */
export interface KVNamespace {
  /** The value at a key, or `null`. */
  get(key: string, options: KVReadOptions): Promise<ArrayBuffer | null>;
  /** Stores a value. */
  put(key: string, value: Uint8Array, options: { expirationTtl?: Seconds }): Promise<void>;
  /** Removes a key. */
  delete(key: string): Promise<void>;
}

/** How a value is read. */
export interface KVReadOptions {
  /** As bytes. */
  readonly type: "arrayBuffer";
  /** How long this place may answer from its own copy. */
  readonly cacheTtl?: Seconds;
}

/** Where in the namespace the entries are, and how they are read. */
export interface WorkersKVOptions {
  /** Before every key; not empty, for KV refuses some keys. Default: `"cairn:"`. */
  readonly prefix?: string;
  /** How long a place may answer from its own copy, in milliseconds. Default: KV's own minute. */
  readonly cacheTtlMs?: number;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * A store of bytes in a Workers KV namespace.
 *
 * A batch costs one request for each of its keys, 16 at a time; Workers count them against the
 * limit of an invocation. A namespace's own error, such as for writing a key too often, is the cause
 * of a `BackendError`.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { NEVER } from "@cairn/cache";
 * import { type KVNamespace, workersKVBackend } from "@cairn/cache/workers-kv";
 *
 * // In a Worker this is a binding: `env.CACHE`.
 * const values = new Map<string, Uint8Array>();
 * const namespace: KVNamespace = {
 *   get: async (key) => values.get(key)?.slice().buffer ?? null,
 *   put: async (key, value) => void values.set(key, value),
 *   delete: async (key) => void values.delete(key),
 * };
 * const backend = workersKVBackend(namespace);
 * await backend.set([{ key: "key", value: Uint8Array.of(1), expiresAt: NEVER }]);
 * deepEqual(await backend.get(["key", "nowhere"]), [Uint8Array.of(1), undefined]);
 * ```
 */
export function workersKVBackend(
  namespace: KVNamespace,
  options: WorkersKVOptions = {},
): Backend<Uint8Array> {
  return new WorkersKV(namespace, options);
}

const keyLimitBytes = 512;
const valueLimitBytes = 25 << 20;
const ttlMinMs = 60_000;

class WorkersKV implements Backend<Uint8Array> {
  readonly name = "workers kv";
  readonly limits: Limits;
  readonly #namespace: KVNamespace;
  readonly #prefix: string;
  readonly #readOptions: KVReadOptions;
  readonly #clock: Clock;

  constructor(namespace: KVNamespace, options: WorkersKVOptions) {
    const { prefix = "cairn:", cacheTtlMs, clock = systemClock } = options;
    if (prefix === "" || utf8Bytes(prefix) > keyLimitBytes / 2) {
      throw new RangeError(`Cannot use Workers KV: "prefix" is "${prefix}"`);
    }
    this.#namespace = namespace;
    this.#prefix = prefix;
    this.#readOptions = readOptionsOf(cacheTtlMs);
    this.#clock = clock;
    this.limits = Object.freeze({
      ...UNLIMITED,
      keyBytes: keyLimitBytes - utf8Bytes(prefix),
      valueBytes: valueLimitBytes - deadlineBytes,
      ttlMinMs,
      ttlStepMs: 1_000,
      consistency: "eventual",
    });
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    const distinct = [...new Set(keys)];
    const found = new Map<string, Uint8Array | undefined>();
    await this.#each("get", distinct, async (key) => {
      const record = await this.#namespace.get(this.#prefix + key, this.#readOptions);
      found.set(key, record ? liveValue(record, this.#clock.now()) : undefined);
    });
    return keys.map((key) => found.get(key));
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, (value) => value.length);
    // One write for each key, the last: their requests run side by side.
    const last = [...new Map(writes.map((write) => [write.key, write])).values()];
    await this.#each("set", last, async ({ key, value, expiresAt }) => {
      const ttlMs = expiresAt - this.#clock.now();
      if (ttlMs <= 0) return await this.#namespace.delete(this.#prefix + key);
      const record = recordOf(value, expiresAt);
      await this.#namespace.put(this.#prefix + key, record, expiryOf(ttlMs));
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    await this.#each("delete", [...new Set(keys)], async (key) => {
      await this.#namespace.delete(this.#prefix + key);
    });
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

function readOptionsOf(cacheTtlMs: number | undefined): KVReadOptions {
  if (cacheTtlMs === undefined) return { type: "arrayBuffer" };
  // KV takes no shorter time than 30 seconds.
  if (!(cacheTtlMs >= 30_000 && cacheTtlMs < Infinity)) {
    throw new RangeError(
      `Cannot use Workers KV: "cacheTtlMs" is ${cacheTtlMs}, not 30,000 or more`,
    );
  }
  return { type: "arrayBuffer", cacheTtl: Math.floor(cacheTtlMs / 1_000) };
}

function expiryOf(ttlMs: number): { expirationTtl?: Seconds } {
  if (ttlMs === NEVER) return {};
  return { expirationTtl: Math.ceil(Math.max(ttlMs, ttlMinMs) / 1_000) };
}
