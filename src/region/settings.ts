/** What a region is made and configured with, checked and put together. */

import { actualBackend, type ProxyLike } from "../compose/proxy.ts";
import type { LockedStore } from "../compose/proxied_locks.ts";
import type { Backend } from "../contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import type { Locks } from "../contracts/locks.ts";
import { type Random, systemRandom } from "../contracts/random.ts";
import type { MemoryCacheOptions } from "../memory/memory_cache.ts";
import { NearCache } from "../memory/near_cache.ts";
import type { Adviser } from "./adviser.ts";
import type { Background, Core, Identity, KeyMangler } from "./core.ts";
import {
  type FunctionKeyGenerator,
  functionKeyGenerator,
  type FunctionMultiKeyGenerator,
  functionMultiKeyGenerator,
} from "./function_key.ts";
import { type RegionInvalidationStrategy, strategyInvalidator } from "./invalidation.ts";
import { KeyVersions } from "./key_versions.ts";
import { localLocks } from "./local_locks.ts";
import { Marks } from "./marks.ts";
import { RegionObserver } from "./observer.ts";
import { PendingTable } from "./pending.ts";
import { checkDuration, type Policy, resolvePolicy } from "./policy.ts";
import { RememberedErrors } from "./remembered_errors.ts";
import type { NearShelf, Slot } from "./shelf.ts";

export type { KeyMangler } from "./core.ts";

/** What stays with a region for good. */
export interface RegionIdentity {
  /** For messages and events, and to keep its marks apart in a shared store. Default: `"region"`. */
  readonly name?: string;
  /** Applied to every key before shelf, lock and store. Default: none. */
  readonly keyMangler?: KeyMangler;
  /** Makes the keys of cached functions. Default: {@linkcode functionKeyGenerator}. */
  readonly functionKeyGenerator?: FunctionKeyGenerator;
  /** The same for functions of many keys. Default: {@linkcode functionMultiKeyGenerator}. */
  readonly functionMultiKeyGenerator?: FunctionMultiKeyGenerator;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
  /** Where chance comes from. Default: the platform's. */
  readonly random?: Random;
  /**
   * Is handed work that goes on after its caller was answered; on an edge runtime, its `waitUntil`.
   * Default: the work is left to itself.
   */
  readonly background?: Background;
  /** Looks at every configuration; see the function `adviser`. Default: none. */
  readonly adviser?: Adviser;
}

/** What a region is configured with, now or later; the fields of a {@linkcode Policy} among them. */
export interface RegionSettings extends Policy {
  /** The store. Default: none; the region lives in this process. */
  readonly backend?: Backend<Entry>;
  /**
   * The locks, which must store where the backend reads. Default: `localLocks(backend)`, which
   * excludes nobody outside this process.
   */
  readonly locks?: Locks<Entry>;
  /** Proxies around the backend, or classes of them; the first is the outermost. Default: none. */
  readonly wrap?: readonly ProxyLike[];
  /**
   * The near shelf, or what to make it with; it is this region's alone. `false` is none. Default:
   * none beside a backend, and else one with the defaults of `MemoryCache`.
   */
  readonly near?: NearShelf | MemoryCacheOptions | false;
  /** How long a near copy is served before the backend is asked again. Default: `NEVER`. */
  readonly nearMaxAgeMs?: number;
  /** How long this process trusts its copy of a mark. Default: 1,000; 0 asks every time. */
  readonly marksMaxAgeMs?: number;
  /** Decides what is invalidated, in place of the shared marks. */
  readonly regionInvalidator?: RegionInvalidationStrategy;
}

/** Checks and completes an identity. */
export function identityOf(options: RegionIdentity): Identity {
  const { name = "region", keyMangler, clock = systemClock, random = systemRandom } = options;
  if (typeof name !== "string") throw new TypeError("Cannot name a region: its name is no text");
  if (keyMangler !== undefined && typeof keyMangler !== "function") {
    throw new TypeError(`Cannot make region "${name}": keyMangler is no function`);
  }
  return {
    name,
    keyMangler,
    mangle: keyMangler ?? unmangled,
    functionKeyGenerator: options.functionKeyGenerator ?? functionKeyGenerator,
    functionMultiKeyGenerator: options.functionMultiKeyGenerator ?? functionMultiKeyGenerator,
    clock,
    random,
    background: options.background ?? (() => {}),
    observer: new RegionObserver(name),
    adviser: options.adviser,
  };
}

function unmangled(key: string): string {
  return key;
}

/**
 * Checks settings and puts a core together, over `store` if there is one that is wrapped already;
 * throws before anything is changed.
 */
export function coreOf(
  identity: Identity,
  settings: RegionSettings,
  store: LockedStore | undefined = storeOf(settings, identity.clock),
): Core {
  const { name, mangle, clock, adviser } = identity;
  const { nearMaxAgeMs = NEVER, marksMaxAgeMs: maxAgeMs = 1_000, regionInvalidator } = settings;
  checkDuration(nearMaxAgeMs, "nearMaxAgeMs");
  checkDuration(maxAgeMs, "marksMaxAgeMs");
  const invalidator = regionInvalidator === undefined
    ? new Marks({ region: name, store, mangle, maxAgeMs, clock })
    : strategyInvalidator(regionInvalidator);
  const policy = resolvePolicy(settings);
  const limits = store?.backend.limits;
  adviser?.({ name, policy, limits, isLocal: settings.locks === undefined });
  return Object.freeze({
    ...identity,
    near: nearOf(settings, clock),
    nearMaxAgeMs,
    store,
    policy,
    invalidator,
    pending: new PendingTable(),
    errors: new RememberedErrors(clock),
    earlyErrors: new RememberedErrors(clock),
    versions: new KeyVersions(),
  });
}

function storeOf(
  { backend, locks, wrap = [] }: RegionSettings,
  clock: Clock,
): LockedStore | undefined {
  if (backend !== undefined) {
    const actual = actualBackend(backend);
    return wrapStore({ actual, backend, locks: locks ?? localLocks(backend, { clock }) }, wrap);
  }
  if (locks === undefined && wrap.length === 0) return undefined;
  const orphan = locks === undefined ? "wrap is" : "locks are";
  throw new TypeError(`Cannot configure a region: ${orphan} given without a backend`);
}

/** Puts proxies around a store, the first outermost. */
export function wrapStore(store: LockedStore, proxies: readonly ProxyLike[]): LockedStore {
  const [outermost, ...others] = proxies.map((proxy) => {
    return typeof proxy === "function" ? new proxy() : proxy;
  });
  if (outermost === undefined) return store;
  if (typeof outermost.wrapStore === "function") return outermost.wrapStore(store, others);
  throw new TypeError(`Cannot wrap "${store.backend.name}": proxy 0 is no ProxyBackend`);
}

function nearOf({ near, backend }: RegionSettings, clock: Clock): NearShelf | undefined {
  if (near === false || near === undefined && backend !== undefined) return undefined;
  if (near !== undefined && "get" in near) return near;
  return new NearCache({ clock, ...near, ...ofPayloads(near) });
}

/** A shelf holds slots; those who weigh values or hear of their removal know payloads only. */
function ofPayloads({ weigh, onRemoval }: MemoryCacheOptions = {}): MemoryCacheOptions {
  const payloadOf = (slot: unknown): unknown => (slot as Slot).entry.payload;
  return {
    weigh: weigh && ((slot, key) => weigh(payloadOf(slot), key)),
    onRemoval: onRemoval &&
      ((removal) => onRemoval({ ...removal, value: payloadOf(removal.value) })),
  };
}
