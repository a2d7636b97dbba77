/** Entries and locks of a Redis connection, as openers give them to regions. */

import { dogpileFraming } from "../../src/compose/dogpile_frame.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { redisBackend } from "../redis.ts";
import { redisHashes, redisHashesLocks, type RedisHashesOptions } from "../redis_hashes.ts";
import type { RedisCommands } from "./commands.ts";
import { redisLocks } from "./locks.ts";

/**
 * How entries lie in Redis: as records of cairn's own, as dogpile.cache's, or as those with tuple keys
 * in hashes, as dogpile_backend_redis_advanced has them.
 */
export type EntriesForm = "cairn" | "dogpile" | "dogpile hashes";

/**
 * Entries as JSON. Of the arguments it reads `lock_prefix`, `timeoutMs` and `clock`; in dogpile's forms
 * `expiration_time`, in seconds: how long records live that dogpile.cache wrote; and for hashes
 * `redis_expiration_time_hash`: which writes give a hash a time to live.
 */
export function redisEntries(
  commands: RedisCommands,
  args: OpenerArguments,
  form: EntriesForm = "cairn",
): Omit<OpenedStore, "close"> {
  const { expiration_time: seconds } = args;
  const life = typeof seconds === "number" ? { softTtlMs: seconds * 1_000 } : {};
  const framing = form === "cairn" ? {} : { framing: dogpileFraming(life) };
  const options = optionsOf(args, form);
  const [backend, locks] = form === "dogpile hashes"
    ? [redisHashes(commands, options), redisHashesLocks(commands, options)]
    : [redisBackend(commands, options), redisLocks(commands, options)];
  return {
    backend: serialized(json, backend, framing),
    locks: serializedLocks(json, locks, framing),
  };
}

function optionsOf(args: OpenerArguments, form: EntriesForm): RedisHashesOptions {
  const { lock_prefix: lockPrefix, timeoutMs, clock } = args;
  const { redis_expiration_time_hash: isProlonged } = args;
  const ttlOnHash = isProlonged === true ? "always" : isProlonged === false ? "none" : "new";
  return {
    records: form === "cairn" ? "deadline" : "bare",
    ttlOnHash,
    ...(typeof lockPrefix === "string" ? { lockPrefix } : {}),
    ...(typeof timeoutMs === "number" ? { timeoutMs } : {}),
    ...(typeof clock === "object" && clock ? { clock: clock as Clock } : {}),
  };
}
