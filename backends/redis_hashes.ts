/**
 * Entries in fields of Redis hashes, as dogpile_backend_redis_advanced keeps them for tuple keys: what
 * belongs together lies in one hash and goes at once, and small values take far less memory.
 *
 * A hash has one time to live, so which writes set it is a choice: none, the one that makes the hash,
 * or every one. It is never set to nothing, and only ever made longer.
 */

import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend } from "../src/contracts/backend.ts";
import type { Locks } from "../src/contracts/locks.ts";
import { redisCells } from "./redis/cells.ts";
import type { RedisCommands } from "./redis/commands.ts";
import { cellLocks, type RedisLocksOptions } from "./redis/locks.ts";
import { hashCells } from "./redis/hash_cells.ts";
import { type Cell, type RedisOptions, RedisStore } from "./redis/store.ts";

export type { RedisCommands } from "./redis/commands.ts";
export type { RedisLocksOptions } from "./redis/locks.ts";
export type { RedisOptions } from "./redis/store.ts";

/** Which writes give a hash a time to live. */
export type TtlOnHash = "none" | "new" | "always";

/** As for other entries in Redis, and when hashes end. */
export interface RedisHashesOptions extends RedisOptions {
  /**
   * Which writes give the hash the time to live of their entry: `"none"`, so that it stays until it is
   * deleted; `"new"`, only the one that makes it, so that a field written later may go before its
   * deadline; or `"always"`, which prolongs all fields. Default: `"always"`.
   */
  readonly ttlOnHash?: TtlOnHash;
}

/** As for the entries, and how to wait. */
export interface RedisHashesLocksOptions extends RedisHashesOptions, RedisLocksOptions {}

/** What stands between a hash and a field in a key: the unit separator of ASCII. */
const separator = "\u001f";

/**
 * The key of a field of a hash: dogpile's tuple key `(hash, field)`. A `RangeError` where the name of
 * the hash holds U+001F.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { hashKey } from "@cairn/cache/redis-hashes";
 *
 * equal(hashKey("user:1", "name"), "user:1\u001fname");
 * ```
 */
export function hashKey(hash: string, field: string): string {
  if (!hash.includes(separator)) return hash + separator + field;
  throw new RangeError(`Cannot use hash "${hash}": its name holds U+001F`);
}

/**
 * A store of bytes in which the keys of {@linkcode hashKey} are fields of hashes, and all others are
 * keys of Redis. A batch is one trip, with one command for each hash it reads.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { hashKey, redisHashes } from "@cairn/cache/redis-hashes";
 *
 * const asked: unknown[] = [];
 * const commands = {
 *   name: "example",
 *   slots: undefined,
 *   arguments: "bytes" as const,
 *   send: async (all: readonly (readonly unknown[])[]) => {
 *     asked.push(...all);
 *     return all.map((command) => command.slice(2).map(() => null));
 *   },
 * };
 * await redisHashes(commands).get([hashKey("user:1", "name"), hashKey("user:1", "mail")]);
 * deepEqual(asked, [["hmget", "user:1", "name", "mail"]]);
 * ```
 */
export function redisHashes(
  commands: RedisCommands,
  options: RedisHashesOptions = {},
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return redisCells("redis hashes", storeOf(commands, options));
}

/**
 * Locks for {@linkcode redisHashes}, given the same options. The lock of a field is its own: not the
 * one of dogpile_backend_redis_advanced, whose names are the same for different fields.
 */
export function redisHashesLocks(
  commands: RedisCommands,
  options: RedisHashesLocksOptions = {},
): Locks<Uint8Array> {
  return cellLocks("redis hashes", storeOf(commands, options), options.random);
}

function storeOf(commands: RedisCommands, options: RedisHashesOptions): RedisStore {
  const { ttlOnHash = "always" } = options;
  if (!["none", "new", "always"].includes(ttlOnHash)) {
    throw new RangeError(`Cannot use Redis hashes: "ttlOnHash" is "${ttlOnHash}"`);
  }
  return new RedisStore(commands, options, {
    locate: (key) => locate(key, ttlOnHash),
    cells: hashCells,
  });
}

function locate(key: string, ttlOnHash: TtlOnHash): Cell {
  const at = key.indexOf(separator);
  if (at < 0) return { key, reach: ["string", ""] };
  const field = key.slice(at + separator.length);
  return { key: key.slice(0, at), field, reach: [ttlOnHash, field] };
}
