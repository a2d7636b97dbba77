/**
 * What opens the stores of this folder by name or address, each loaded when it is first asked for.
 *
 * Nothing here registers itself, so that importing the library changes nothing: who configures regions
 * by text hands these to `registerBackend`.
 */

import type { BackendOpener } from "../src/contracts/opener.ts";
import type { ketama } from "../src/hash/mod.ts";

/**
 * Openers by the name or the scheme of the address.
 *
 * | name or address                                    | store                                   |
 * | -------------------------------------------------- | --------------------------------------- |
 * | `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`       | Redis by ioredis; `rediss://` with TLS  |
 * | `redis+sentinel://[…@]HOST:PORT,…/SERVICE[/DB]`    | the master that Sentinels name          |
 * | `redis`, `dogpile.cache.redis`                     | the same by arguments, as dogpile's are |
 * | `dogpile_backend_redis_advanced`, `….hstore`        | the same; the latter keeps tuple keys in hashes |
 * | `upstash://TOKEN@HOST`                             | Upstash, or `cairn redis-rest`          |
 * | `webdis://[USER:PASSWORD@]HOST[:PORT][/DB]`        | Webdis                                  |
 * | `memcached://[USER:PASSWORD@]HOST[:PORT],…[?ketama=…]` | memcached; several by a ketama ring |
 * | `memcached:///PATH`                                | the same on a unix socket               |
 * | `dogpile.cache.pylibmc`, and its other clients     | the same by arguments, as dogpile's are |
 * | `sqlite:PATH`                                      | an SQLite file by `node:sqlite`         |
 * | `deno-kv:[PATH]`                                   | Deno KV                                 |
 * | `dynamodb:TABLE?region=REGION`                     | DynamoDB; `dynamodb://HOST[:PORT]/TABLE` |
 * | `null:`, `null`                                    | nothing at all                          |
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { makeRegion, registerBackend } from "@cairn/cache";
 * import { openers } from "@cairn/cache/openers";
 *
 * for (const [name, load] of openers) registerBackend(name, load);
 * const region = makeRegion();
 * await region.configureFromConfig({ "cache.backend": "webdis://localhost:7379" }, "cache.");
 * ok(region.isConfigured);
 * ```
 */
export const openers: ReadonlyMap<string, () => Promise<BackendOpener>> = new Map(Object.entries({
  "redis": async () => (await import("./redis/opener.ts")).openRedis,
  "rediss": async () => (await import("./redis/opener.ts")).openRedis,
  "redis+sentinel": async () => (await import("./redis/opener.ts")).openRedis,
  "dogpile.cache.redis": async () => (await import("./redis/opener.ts")).openDogpileRedis,
  "dogpile_backend_redis_advanced": async () =>
    (await import("./redis/opener.ts")).openRedisAdvanced,
  "dogpile_backend_redis_advanced.hstore": openRedisAdvancedHashes,
  "dogpile_backend_redis_advanced_hstore": openRedisAdvancedHashes,
  "upstash": async () => (await import("./redis/http_opener.ts")).openUpstash,
  "webdis": async () => (await import("./redis/http_opener.ts")).openWebdis,
  "memcached": async () => (await import("./memcached/opener.ts")).memcachedOpener(loadKetama),
  "dogpile.cache.memcached": openDogpileMemcached,
  "dogpile.cache.pylibmc": openDogpileMemcached,
  "dogpile.cache.pymemcache": openDogpileMemcached,
  "dogpile.cache.bmemcached": openDogpileMemcached,
  "sqlite": async () => (await import("./sqlite/opener.ts")).openSqlite,
  "deno-kv": async () => (await import("./deno_kv/opener.ts")).openDenoKv,
  "dynamodb": async () => (await import("./dynamodb/opener.ts")).openDynamodb,
  "null": openNull,
}));

async function openRedisAdvancedHashes(): Promise<BackendOpener> {
  return (await import("./redis/opener.ts")).openRedisAdvancedHashes;
}

async function openDogpileMemcached(): Promise<BackendOpener> {
  return (await import("./memcached/opener.ts")).dogpileMemcachedOpener(loadKetama);
}

/** The one thing that stores opened by text need and stores themselves must not know. */
async function loadKetama(): Promise<typeof ketama> {
  return (await import("../src/hash/mod.ts")).ketama;
}

async function openNull(): Promise<BackendOpener> {
  const { nullBackend } = await import("./null.ts");
  return () => ({ backend: nullBackend(), close: async () => {} });
}
