/** The keys of the entries in Redis. */

import type { Listing } from "../../src/contracts/listing.ts";
import type { RedisCommands, RedisReply } from "./commands.ts";
import { type LinkOptions, RedisLink } from "./link.ts";

/** As for the entries. */
export interface RedisListingOptions extends LinkOptions {
  /** What is put before a key to make the name of its lock. Default: `"_lock"`. */
  readonly lockPrefix?: string;
}

/** How many keys Redis looks at for one reply. */
const keysAtOnce = 1_000;

/** The other names that a store makes of keys, besides those of locks. */
const ownNames = ["_count", "_fence"];

/**
 * A listing of the keys that `redisBackend` holds, by `SCAN`.
 *
 * Redis looks through its whole database, a thousand keys in a trip, be the prefix ever so long; and
 * it names every key of other programs in that database that begins with it. A key may be named twice
 * while Redis grows or shrinks its table.
 *
 * @throws {RangeError} On a cluster, where no command reaches all keys.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { redisListing, type RedisReply } from "@cairn/cache/redis";
 *
 * // Elsewhere: ioredisCommands(new Redis()) of "@cairn/cache/ioredis", or another connection.
 * const text = (value: string): Uint8Array => new TextEncoder().encode(value);
 * const commands = {
 *   name: "example",
 *   slots: undefined,
 *   arguments: "bytes" as const,
 *   send: async (): Promise<RedisReply[]> => [[text("0"), [text("user:1"), text("user:2")]]],
 * };
 * const users = await Array.fromAsync(redisListing(commands).keys("user:"));
 * deepEqual(users, ["user:1", "user:2"]);
 * ```
 */
export function redisListing(commands: RedisCommands, options: RedisListingOptions = {}): Listing {
  if (commands.slots) throw new RangeError("Cannot list the keys of Redis: it is a cluster");
  const { lockPrefix = "_lock" } = options;
  const link = new RedisLink(commands, options);
  const beside = [lockPrefix, ...ownNames];
  return Object.freeze({
    name: "redis",
    async *keys(prefix: string): AsyncGenerator<string> {
      let cursor: RedisReply = encoder.encode("0");
      do {
        const [reply] = await link.run("list", [scan(cursor as Uint8Array, prefix)]);
        const [next, names] = reply as [Uint8Array, readonly Uint8Array[]];
        const keys = names.map((name) => decoder.decode(name));
        yield* keys.filter((key) => !beside.some((own) => key.startsWith(own)));
        cursor = next;
      } while (decoder.decode(cursor as Uint8Array) !== "0");
    },
  });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function scan(cursor: Uint8Array, prefix: string): (string | Uint8Array)[] {
  const pattern = `${prefix.replace(/[*?[\]\\]/g, "\\$&")}*`;
  return ["SCAN", decoder.decode(cursor), "MATCH", pattern, "COUNT", String(keysAtOnce)];
}
