/**
 * cairn: regions and stampede locks after dogpile.cache, for Deno, Workers, Node, Bun and browsers.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { makeRegion } from "@cairn/cache";
 *
 * const region = makeRegion({ softTtlMs: 60_000, hardTtlMs: 3_600_000 });
 * const greeting = await region.getOrCreate("greeting", () => "hello");
 * equal(greeting, "hello");
 * ```
 *
 * @module
 */

export type { Atomics } from "./src/contracts/atomics.ts";
export {
  type Backend,
  type KeyAlphabet,
  type Limits,
  UNLIMITED,
  type Write,
} from "./src/contracts/backend.ts";
export type { CountOptions, StoreOptions, SyncCache } from "./src/contracts/cache.ts";
export { type Clock, NEVER, systemClock } from "./src/contracts/clock.ts";
export type { Codec } from "./src/contracts/codec.ts";
export { type Entry, type Mark, NO_PAYLOAD } from "./src/contracts/entry.ts";
export {
  BackendError,
  CacheError,
  CreationTimeoutError,
  IntegrityError,
  LeaseLostError,
  LockTimeoutError,
  PluginNotFoundError,
  RegionAlreadyConfiguredError,
  RegionNotConfiguredError,
} from "./src/contracts/errors.ts";
export type { Listing } from "./src/contracts/listing.ts";
export type { Acquired, AcquireOptions, Lease, Locks } from "./src/contracts/locks.ts";
export { type Random, systemRandom } from "./src/contracts/random.ts";
export type { EjectableRing, Ring } from "./src/contracts/ring.ts";

export { type Advised, type Adviser, adviser } from "./src/region/adviser.ts";
export { atomicLocks, type AtomicLocksOptions } from "./src/region/atomic_locks.ts";
export type { ManyContext, ManyCreator, ManyMade } from "./src/region/batch.ts";
export { cacheStatus, type CacheStatusOptions } from "./src/region/cache_status.ts";
export type {
  AnyFunction,
  Cached,
  CachedFunction,
  CachedOptions,
  Cacher,
} from "./src/region/cached.ts";
export type {
  CachedMulti,
  CachedMultiFunction,
  CachedMultiOptions,
  Many,
  MultiCacher,
} from "./src/region/cached_multi.ts";
export { coerceText, type FlatConfig } from "./src/region/config.ts";
export type { Background, CallOptions } from "./src/region/core.ts";
export { type CreationContext, type Creator, NOT_MODIFIED } from "./src/region/creation.ts";
export {
  dogpileKeyGenerator,
  type DogpileKeyOptions,
  dogpileKeywordKeyGenerator,
  type DogpileKeywordOptions,
  dogpileMultiKeyGenerator,
} from "./src/region/dogpile_keys.ts";
export {
  type ArgumentsKey,
  type ArgumentsKeys,
  type FunctionKeyGenerator,
  functionKeyGenerator,
  type FunctionMultiKeyGenerator,
  functionMultiKeyGenerator,
  type NamedFunction,
} from "./src/region/function_key.ts";
export type {
  Candidate,
  Invalidation,
  RegionInvalidationStrategy,
} from "./src/region/invalidation.ts";
export { localLocks } from "./src/region/local_locks.ts";
export type {
  RegionCounts,
  RegionEvent,
  RegionEventType,
  RegionListener,
} from "./src/region/observer.ts";
export type {
  CreationLimits,
  EarlyRefresh,
  LockPolicy,
  NegativePolicy,
  Policy,
  ResolvedPolicy,
  StaleOnError,
  Ttl,
} from "./src/region/policy.ts";
export { makeRegion, Region, type RegionOptions } from "./src/region/region.ts";
export {
  type BackendOpener,
  openBackend,
  type OpenedStore,
  type OpenerArguments,
  registerBackend,
} from "./src/region/registry.ts";
export type { KeyMangler, RegionIdentity, RegionSettings } from "./src/region/settings.ts";
export type { NearShelf } from "./src/region/shelf.ts";
export type { ReadOptions } from "./src/region/verbs.ts";

export { type AutoEject, autoEject, type AutoEjectOptions } from "./src/compose/auto_eject.ts";
export { breaker, type BreakerOptions, type CircuitState } from "./src/compose/breaker.ts";
export { bytes } from "./src/compose/bytes_codec.ts";
export { compressed, type CompressedOptions } from "./src/compose/compressed.ts";
export { dogpileFraming, type DogpileFramingOptions } from "./src/compose/dogpile_frame.ts";
export { encrypted, type EncryptedOptions } from "./src/compose/encrypted.ts";
export { failsafe, type FailsafeOptions } from "./src/compose/failsafe.ts";
export { type Frame, frameV1, type Framing } from "./src/compose/frame.ts";
export { json } from "./src/compose/json_codec.ts";
export { type Limited, requireKeys, requireWrites } from "./src/compose/limits.ts";
export { locksBeside, type LocksBesideOptions } from "./src/compose/locks_beside.ts";
export { observed, type ObservedOptions, type Operation } from "./src/compose/observed.ts";
export { actualBackend, ProxyBackend, type ProxyLike, wrapped } from "./src/compose/proxy.ts";
export type { LockedStore } from "./src/compose/proxied_locks.ts";
export { rawFraming } from "./src/compose/raw_frame.ts";
export type { RecordOptions, Unreadable } from "./src/compose/records.ts";
export { retried, type RetriedOptions } from "./src/compose/retried.ts";
export { serialized } from "./src/compose/serialized.ts";
export { serializedAtomics } from "./src/compose/serialized_atomics.ts";
export { serializedLocks } from "./src/compose/serialized_locks.ts";
export { sharded, type ShardedOptions, type ShardFailure } from "./src/compose/sharded.ts";
export {
  shardedAtomics,
  shardedLocks,
  type ShardedLocksOptions,
} from "./src/compose/sharded_locks.ts";
export { text } from "./src/compose/text_codec.ts";
export { tiered, type TieredOptions } from "./src/compose/tiered.ts";
export { timed, type TimedOptions } from "./src/compose/timed.ts";

export type { EvictionPolicy, PolicyContext, PolicyFactory } from "./src/memory/eviction_policy.ts";
export { fifo } from "./src/memory/fifo.ts";
export { lru } from "./src/memory/lru.ts";
export { memoryBackend } from "./src/memory/memory_backend.ts";
export {
  MemoryCache,
  type MemoryCacheOptions,
  type MemoryCacheStats,
} from "./src/memory/memory_cache.ts";
export type { Removal, RemovalCause } from "./src/memory/removals.ts";
export { s3fifo } from "./src/memory/s3_fifo.ts";

export { CacheClient, type CacheSource, type HeldCache } from "./src/patterns/cache_client.ts";
export { CacheDependency, type CacheDependencyOptions } from "./src/patterns/cache_dependency.ts";
export { copied } from "./src/patterns/copied.ts";
export { Counter, type CounterOptions } from "./src/patterns/counter.ts";
export { EagerPool } from "./src/patterns/eager_pool.ts";
export {
  keyBuilder,
  type Keyed,
  keyFormat,
  keyFormatter,
  type MakeKey,
} from "./src/patterns/key_builder.ts";
export {
  base64Encode,
  type EncodedKeys,
  type EncodeKey,
  encodeKeys,
  hashEncode,
} from "./src/patterns/key_encoding.ts";
export { LazyPool } from "./src/patterns/lazy_pool.ts";
export {
  type Action,
  type ForbidAction,
  Locker,
  type LockerOptions,
  Lockout,
  type LockoutOptions,
} from "./src/patterns/lockout.ts";
export { NullCache } from "./src/patterns/null_cache.ts";
export { NullLocker, NullLockout } from "./src/patterns/null_lockout.ts";
export { OnePass, type OnePassOptions } from "./src/patterns/one_pass.ts";
export { OnePassHandler, type OnePassHandlerOptions } from "./src/patterns/one_pass_handler.ts";
export type {
  AcquireOptions as PoolAcquireOptions,
  Pool,
  PoolOptions,
} from "./src/patterns/pool.ts";
export { Pooled } from "./src/patterns/pooled.ts";
export { type ByteStore, type TextStore, textStore } from "./src/patterns/text_store.ts";
