/** What a region is made and configured with, checked and put together. */

import type { Backend } from "../contracts/backend.ts";
import { actualBackend, type ProxyLike } from "../compose/proxy.ts";
import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import type { Locks } from "../contracts/locks.ts";
import { type Random, systemRandom } from "../contracts/random.ts";
import { MemoryCache, type MemoryCacheOptions } from "../memory/memory_cache.ts";
import { adviceOn } from "./advice.ts";
import type { Background, Core, Fixed, Store } from "./core.ts";
import {
  type FunctionKeyGenerator,
  functionKeyGenerator,
  type FunctionMultiKeyGenerator,
  functionMultiKeyGenerator,
} from "./function_key.ts";
import { type RegionInvalidationStrategy, StrategyInvalidator } from "./invalidation.ts";
import { KeyVersions } from "./key_versions.ts";
import { localLocks } from "./local_locks.ts";
import { Marks } from "./marks.ts";
import { NearClock } from "./near_clock.ts";
import { RegionObserver } from "./observer.ts";
import { PendingTable } from "./pending.ts";
import { checkDuration, type Policy, resolvePolicy } from "./policy.ts";
import { RememberedErrors } from "./remembered_errors.ts";
import type { NearShelf, Slot } from "./shelf.ts";
import { wrappedStore } from "./wrapped_store.ts";

/** Makes the key a store sees from the one a caller wrote. */
export type KeyMangler = (key: string) => string;

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
  /** Is told of settings that cannot do what they say. Default: `console.warn`. */
  readonly warn?: (advice: string) => void;
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

/** A region's unchanging parts. */
export interface Identity {
  /** Its name. */
  readonly name: string;
  /** Its mangler, if it has one. */
  readonly keyMangler: KeyMangler | undefined;
  /** What makes the keys of cached functions. */
  readonly functionKeyGenerator: FunctionKeyGenerator;
  /** What makes those of functions of many keys. */
  readonly functionMultiKeyGenerator: FunctionMultiKeyGenerator;
  /** Its effects. */
  readonly fixed: Fixed;
  /** What hears advice. */
  readonly warn: (advice: string) => void;
}

/** Checks and completes an identity. */
export function identityOf(options: RegionIdentity): Identity {
  const { name = "region", keyMangler, clock = systemClock, random = systemRandom } = options;
  if (typeof name !== "string") throw new TypeError(`Cannot name a region: its name is no text`);
  if (keyMangler !== undefined && typeof keyMangler !== "function") {
    throw new TypeError(`Cannot make region "${name}": keyMangler is no function`);
  }
  const background = options.background ?? (() => {});
  const fixed: Fixed = Object.freeze({
    clock,
    random,
    background,
    observer: new RegionObserver(name),
  });
  return Object.freeze({
    name,
    keyMangler,
    functionKeyGenerator: options.functionKeyGenerator ?? functionKeyGenerator,
    functionMultiKeyGenerator: options.functionMultiKeyGenerator ?? functionMultiKeyGenerator,
    fixed,
    warn: options.warn ?? console.warn,
  });
}

/** Checks settings and puts a core together; throws before anything is changed. */
export function coreOf(identity: Identity, settings: RegionSettings): Core {
  const { name, keyMangler, fixed } = identity;
  const { nearMaxAgeMs = NEVER, marksMaxAgeMs = 1_000, regionInvalidator } = settings;
  checkDuration(nearMaxAgeMs, "nearMaxAgeMs", NEVER);
  checkDuration(marksMaxAgeMs, "marksMaxAgeMs", NEVER);
  const store = storeOf(settings, fixed.clock);
  const { near, nearClock } = nearOf(settings, fixed.clock);
  const invalidator = regionInvalidator === undefined
    ? new Marks({
      region: name,
      store,
      mangle: keyMangler ?? ((key) => key),
      maxAgeMs: marksMaxAgeMs,
    })
    : new StrategyInvalidator(regionInvalidator);
  const core: Core = Object.freeze({
    name,
    near,
    nearClock,
    nearMaxAgeMs,
    store,
    policy: resolvePolicy(policyOf(settings)),
    invalidator,
    pending: new PendingTable(),
    errors: new RememberedErrors(),
    earlyErrors: new RememberedErrors(),
    versions: new KeyVersions(),
    fixed,
  });
  for (const advice of adviceOn(core, settings.locks === undefined)) {
    identity.warn(`Region "${name}": ${advice}`);
  }
  return core;
}

function storeOf(
  { backend, locks, wrap = [] }: RegionSettings,
  clock: Clock,
): Store | undefined {
  if (backend !== undefined) {
    const actual = actualBackend(backend);
    const plain = { actual, backend, locks: locks ?? localLocks(backend, { clock }) };
    return wrappedStore(plain, wrap);
  }
  if (locks === undefined && wrap.length === 0) return undefined;
  const orphan = locks === undefined ? "wrap is" : "locks are";
  throw new TypeError(`Cannot configure a region: ${orphan} given without a backend`);
}

function nearOf(
  { near, backend }: RegionSettings,
  clock: Clock,
): { near: NearShelf | undefined; nearClock: NearClock | undefined } {
  if (near === false || near === undefined && backend !== undefined) {
    return { near: undefined, nearClock: undefined };
  }
  if (near !== undefined && isShelf(near)) return { near, nearClock: undefined };
  const nearClock = new NearClock(near?.clock ?? clock);
  return { near: new MemoryCache({ ...near, ...ofPayloads(near), clock: nearClock }), nearClock };
}

/** A shelf holds slots; those who weigh values or hear of their removal know payloads only. */
function ofPayloads(near: MemoryCacheOptions | undefined): MemoryCacheOptions {
  const { weigh, onRemoval } = near ?? {};
  const payloadOf = (slot: unknown): unknown => (slot as Slot).entry.payload;
  return {
    weigh: weigh && ((slot, key) => weigh(payloadOf(slot), key)),
    onRemoval: onRemoval &&
      ((removal) => onRemoval({ ...removal, value: payloadOf(removal.value) })),
  };
}

function isShelf(near: NearShelf | MemoryCacheOptions): near is NearShelf {
  return "get" in near;
}

function policyOf(settings: RegionSettings): Policy<never> {
  const { backend: _b, locks: _l, near: _n, nearMaxAgeMs: _a, ...rest } = settings;
  const { marksMaxAgeMs: _m, regionInvalidator: _r, wrap: _w, ...policy } = rest;
  return policy;
}
