/** Entries in Redis or Valkey: one server, Sentinel or a cluster, over TCP or HTTP. */

import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend } from "../src/contracts/backend.ts";
import { redisCells } from "./redis/cells.ts";
import type { RedisCommands } from "./redis/commands.ts";
import { plainPlacement, type RedisOptions, RedisStore } from "./redis/store.ts";

export type {
  ClientReply,
  RedisArgument,
  RedisCommand,
  RedisCommands,
  RedisReply,
  RedisSlots,
  TextArguments,
} from "./redis/commands.ts";
export { redisListing, type RedisListingOptions } from "./redis/listing.ts";
export { redisLocks, type RedisLocksOptions } from "./redis/locks.ts";
export type { RedisOptions } from "./redis/store.ts";

/**
 * A store of bytes in Redis, over a connection that the user makes and closes.
 *
 * A batch is one trip. Deleting a key ends its lease, too. Names that begin with `_lock`, `_count` and
 * `_fence` are the store's own. To share entries with dogpile.cache, take `records: "bare"` here and
 * `dogpileFraming` around.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { NEVER } from "@cairn/cache";
 * import { redisBackend, type RedisReply } from "@cairn/cache/redis";
 *
 * // Elsewhere: ioredisCommands(new Redis()) of "@cairn/cache/ioredis", or another connection.
 * const held = new Map<unknown, unknown>();
 * const commands = {
 *   name: "example",
 *   slots: undefined,
 *   arguments: "bytes" as const,
 *   send: async (all: readonly (readonly unknown[])[]): Promise<RedisReply[]> =>
 *     all.map(([name, ...args]) => {
 *       if (name === "mget") return args.map((key) => held.get(key) ?? null) as RedisReply;
 *       held.set(args[0], args[1]);
 *       return null;
 *     }),
 * };
 * const backend = redisBackend(commands);
 * await backend.set([{ key: "key", value: Uint8Array.of(1, 2), expiresAt: NEVER }]);
 * deepEqual(await backend.get(["key", "nowhere"]), [Uint8Array.of(1, 2), undefined]);
 * ```
 */
export function redisBackend(
  commands: RedisCommands,
  options: RedisOptions = {},
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return redisCells("redis", new RedisStore(commands, options, plainPlacement));
}
