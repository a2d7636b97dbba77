/** Entries and locks of a Redis connection, as openers give them to regions. */

import { dogpileFraming } from "../../src/compose/dogpile_frame.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { redisBackend } from "../redis.ts";
import type { RedisCommands } from "./commands.ts";
import { redisLocks } from "./locks.ts";
import type { RedisOptions } from "./store.ts";

/**
 * Entries as JSON. Of the arguments it reads `lock_prefix` and `timeoutMs`, and in `"dogpile"` form
 * `expiration_time`, in seconds: how long records live that dogpile.cache wrote.
 */
export function redisEntries(
  commands: RedisCommands,
  args: OpenerArguments,
  form: "cairn" | "dogpile" = "cairn",
): OpenedStore {
  const { lock_prefix: lockPrefix, timeoutMs, expiration_time: seconds } = args;
  const isDogpile = form === "dogpile";
  const options: RedisOptions = {
    records: isDogpile ? "bare" : "deadline",
    ...(typeof lockPrefix === "string" ? { lockPrefix } : {}),
    ...(typeof timeoutMs === "number" ? { timeoutMs } : {}),
  };
  const life = typeof seconds === "number" ? { softTtlMs: seconds * 1_000 } : {};
  const framing = isDogpile ? { framing: dogpileFraming(life) } : {};
  return {
    backend: serialized(json, redisBackend(commands, options), framing),
    locks: serializedLocks(json, redisLocks(commands, options), framing),
  };
}
