/**
 * The front door of the cache: one policy over a near shelf of live values and a backend.
 *
 * Every method finds the core, makes a call of its arguments and hands both to the file that knows:
 * `fetch.ts` for creating, `verbs.ts` for the rest, `invalidation.ts`, `observer.ts`. The one thing
 * done here is the near hit, which is one lookup and the promise handed out.
 */

import type { ProxyLike } from "../compose/proxy.ts";
import type { Backend } from "../contracts/backend.ts";
import { NEVER } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import { RegionAlreadyConfiguredError, RegionNotConfiguredError } from "../contracts/errors.ts";
import { aloneOf, distinct, fetchMany, type ManyCreator } from "./batch.ts";
import { type CachedOptions, type Cacher, cacherOf } from "./cached.ts";
import { type CachedMultiOptions, type MultiCacher, multiCacherOf } from "./cached_multi.ts";
import { type FlatConfig, settingsFromConfig } from "./config.ts";
import type { Call, CallOptions, Core, Store } from "./core.ts";
import type { CreatingCall, Creator } from "./creation.ts";
import { fetchPayload } from "./fetch.ts";
import type { FunctionKeyGenerator, FunctionMultiKeyGenerator } from "./function_key.ts";
import type { RegionCounts, RegionEventType, RegionListener } from "./observer.ts";
import { checkDuration, overridePolicy } from "./policy.ts";
import {
  coreOf,
  type Identity,
  identityOf,
  type KeyMangler,
  type RegionIdentity,
  type RegionSettings,
} from "./settings.ts";
import type { Slot } from "./shelf.ts";
import {
  isLocked,
  readMany,
  type ReadOptions,
  removeEntries,
  storeEntries,
  touchEntry,
} from "./verbs.ts";
import { wrappedStore } from "./wrapped_store.ts";

/** What a region is made with; the settings may also come later. */
export interface RegionOptions extends RegionIdentity, RegionSettings {}

const NO_OPTIONS: CallOptions<never> = Object.freeze({});
const NO_TAGS: readonly string[] = Object.freeze([]);

/**
 * Makes a region. One without a backend is a near shelf in this process until it is configured.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { makeRegion } from "@cairn/cache";
 *
 * const region = makeRegion({ softTtlMs: 60_000 });
 * let calls = 0;
 * const load = () => ++calls;
 * equal(await region.getOrCreate("answer", load), 1);
 * equal(await region.getOrCreate("answer", load), 1);
 * await region.delete("answer");
 * equal(await region.getOrCreate("answer", load), 2);
 * ```
 */
export function makeRegion(options: RegionOptions = {}): Region {
  return new Region(options);
}

/** A front door with one policy over a near shelf and a backend. Made by {@linkcode makeRegion}. */
export class Region {
  readonly #identity: Identity;
  #core: Core;
  #isConfigured: boolean;

  /** Throws a `TypeError` or `RangeError` naming the option that is wrong. */
  constructor(options: RegionOptions = {}) {
    this.#identity = identityOf(options);
    this.#core = coreOf(this.#identity, settingsOf(options));
    this.#isConfigured = options.backend !== undefined || Boolean(options.near);
  }

  /** Its name. */
  get name(): string {
    return this.#identity.name;
  }

  /** Its mangler, if it has one. */
  get keyMangler(): KeyMangler | undefined {
    return this.#identity.keyMangler;
  }

  /** What makes the keys of its cached functions. */
  get functionKeyGenerator(): FunctionKeyGenerator {
    return this.#identity.functionKeyGenerator;
  }

  /** What makes the keys of its cached functions of many keys. */
  get functionMultiKeyGenerator(): FunctionMultiKeyGenerator {
    return this.#identity.functionMultiKeyGenerator;
  }

  /** Whether it was given a backend or a near shelf, at once or by {@linkcode Region.configure}. */
  get isConfigured(): boolean {
    return this.#isConfigured;
  }

  /** Its backend. Throws a `RegionNotConfiguredError` where it has none. */
  get backend(): Backend<Entry> {
    return this.#store().backend;
  }

  /** Its backend beneath all proxies. Throws a `RegionNotConfiguredError` where it has none. */
  get actualBackend(): Backend<Entry> {
    return this.#store().actual;
  }

  /**
   * Configures a region that was made without settings, and answers it. The new settings are checked
   * first and then take effect at once and together; what the near shelf held is forgotten.
   *
   * Throws a `RegionAlreadyConfiguredError` where it is configured already, unless told to replace.
   */
  configure(settings: RegionSettings & { readonly replaceExistingBackend?: boolean }): this {
    const { replaceExistingBackend = false, ...rest } = settings;
    if (this.#isConfigured && !replaceExistingBackend) {
      const backend = this.#core.store?.backend.name ?? "a near shelf";
      throw new RegionAlreadyConfiguredError(this.name, backend);
    }
    this.#core = coreOf(this.#identity, rest);
    this.#isConfigured = true;
    return this;
  }

  /**
   * Configures from a flat configuration under a prefix; see {@linkcode settingsFromConfig}. Rejects
   * with a `PluginNotFoundError` where nobody registered its backend.
   */
  async configureFromConfig(config: FlatConfig, prefix: string = ""): Promise<this> {
    return this.configure(await settingsFromConfig(config, prefix));
  }

  /** Puts one more proxy, or an instance of its class, around the backend, as the outermost. */
  wrap(proxy: ProxyLike): this {
    this.#core = Object.freeze({ ...this.#core, store: wrappedStore(this.#store(), [proxy]) });
    return this;
  }

  /**
   * The value of `key`, made by `creator` where there is none that is fresh. However many callers
   * ask at once, one creates; those who have a stale value go on with it meanwhile.
   *
   * Rejects with the creator's own error, which is shared by all who wait for it. Who joins a
   * creation under way in this process gets what it makes, also where another process has deleted
   * the key since it began.
   */
  async getOrCreate<T>(key: string, creator: Creator<T>, options?: CallOptions<T>): Promise<T> {
    const core = this.#core;
    const { keyMangler } = this.#identity;
    const mangled = keyMangler === undefined ? key : keyMangler(key);
    if (core.near !== undefined && options?.maxAgeMs === undefined) {
      core.nearClock?.begin();
      const slot = core.near.get(mangled) as Slot | undefined;
      if (slot !== undefined && isServable(core, slot)) {
        const { observer } = core.fixed;
        const onEvent = options?.onEvent;
        observer.counts.nearHit++;
        if (observer.isHeard || onEvent) observer.tell({ type: "nearHit" }, { key, onEvent });
        return slot.entry.payload as T;
      }
    }
    const call = this.#callOf(core, key, { mangled, options });
    return await fetchPayload(core, { ...call, creator } as CreatingCall) as T;
  }

  /** The value of `key`, or `undefined` where there is none that is fresh. */
  async get<T = unknown>(key: string, options: ReadOptions = NO_OPTIONS): Promise<T | undefined> {
    return (await this.getEntry<T>(key, options))?.payload;
  }

  /** The value of `key` with its times and tags; tells a cached `undefined` from a miss. */
  async getEntry<T = unknown>(
    key: string,
    options: ReadOptions = NO_OPTIONS,
  ): Promise<Entry<T> | undefined> {
    const core = this.#core;
    const [entry] = await readMany(core, [this.#callOf(core, key, { options })], options);
    return entry as Entry<T> | undefined;
  }

  /**
   * Stores a value, whatever was there; wins over a creation under way in this process. One under way
   * elsewhere may still overwrite it: where that matters, delete first.
   */
  async set<T>(key: string, value: T, options?: CallOptions<T>): Promise<void> {
    await this.setMulti([[key, value]], options);
  }

  /** Removes `key`; a creation under way anywhere stores nothing any more. */
  async delete(key: string): Promise<void> {
    await this.deleteMulti([key]);
  }

  /** Gives the value of `key` its lives anew, from now on; answers whether there was one. */
  async touch(key: string, options?: CallOptions): Promise<boolean> {
    return await touchEntry(this.#core, this.#callOf(this.#core, key, { options }));
  }

  /**
   * The values of many keys, in their order, made by one call of `creator` for all that are missing.
   * It is given their keys in sorted order.
   */
  async getOrCreateMulti<T>(
    keys: readonly string[],
    creator: ManyCreator<T>,
    options?: CallOptions<T>,
  ): Promise<(T | undefined)[]> {
    const core = this.#core;
    const alone = aloneOf(creator);
    const calls: CreatingCall[] = keys.map((key) => {
      return { ...this.#callOf(core, key, { options }), creator: alone };
    });
    const some = distinct(calls);
    const answers = await fetchMany(core, some, creator);
    const byKey = new Map(some.map(({ mangled }, i) => [mangled, answers[i]]));
    return calls.map(({ mangled }) => byKey.get(mangled) as T | undefined);
  }

  /** The values of many keys, in their order; `undefined` where there is none that is fresh. */
  async getMulti<T = unknown>(
    keys: readonly string[],
    options: ReadOptions = NO_OPTIONS,
  ): Promise<(T | undefined)[]> {
    const core = this.#core;
    const calls = keys.map((key) => this.#callOf(core, key, { options }));
    const entries = await readMany(core, calls, options);
    return entries.map((entry) => entry?.payload as T | undefined);
  }

  /** Stores many values, in one trip. */
  async setMulti<T>(
    values: Iterable<readonly [string, T]>,
    options?: CallOptions<T>,
  ): Promise<void> {
    const core = this.#core;
    const writes = Array.from(values, ([key, payload]) => {
      return { call: this.#callOf(core, key, { options }), payload };
    });
    if (writes.length > 0) await storeEntries(core, writes);
  }

  /** Removes many keys, in one trip. */
  async deleteMulti(keys: readonly string[]): Promise<void> {
    const core = this.#core;
    const calls = keys.map((key) => this.#callOf(core, key, {}));
    if (calls.length > 0) await removeEntries(core, calls);
  }

  /** Caches a function, also as a decorator of a method; see {@linkcode CachedFunction}. */
  cacheOnArguments<A extends readonly unknown[] = readonly unknown[], R = unknown>(
    options: CachedOptions<A, R> = {},
  ): Cacher {
    return cacherOf(this, options);
  }

  /** Caches a function of many keys; see {@linkcode CachedMultiFunction}. */
  cacheMultiOnArguments<R = unknown>(options: CachedMultiOptions<R> = {}): MultiCacher {
    return multiCacherOf(this, options);
  }

  /**
   * Whether the value of `key` is being created, here or by another process. Asking may keep a
   * creator elsewhere from the lock for a moment.
   */
  async keyIsLocked(key: string): Promise<boolean> {
    const core = this.#core;
    return await isLocked(core, this.#callOf(core, key, {}));
  }

  /**
   * Invalidates everything created so far, in every process, in constant time: hard, so that it is
   * missing, or soft, so that it is stale; or what bears one of the `tags`.
   */
  async invalidate(
    options: { readonly hard?: boolean; readonly tags?: readonly string[] } = {},
  ): Promise<void> {
    const { hard = true, tags } = options;
    const { invalidator, fixed } = this.#core;
    await invalidator.invalidate({ hard, tags }, fixed.clock.now());
    fixed.observer.counts.invalidate++;
    fixed.observer.tell({ type: "invalidate" }, { key: "", onEvent: undefined });
  }

  /** How often each thing has happened. */
  stats(): RegionCounts {
    return { ...this.#identity.fixed.observer.counts };
  }

  /** Listens to one type of event; answers what ends the listening. */
  on(type: RegionEventType, listener: RegionListener): () => void {
    return this.#identity.fixed.observer.on(type, listener);
  }

  #store(): Store {
    const { store } = this.#core;
    if (store === undefined) throw new RegionNotConfiguredError(this.name);
    return store;
  }

  #callOf(
    core: Core,
    key: string,
    { mangled, options }: { mangled?: string; options?: CallOptions<never> | undefined },
  ): Call {
    if (core.near === undefined && core.store === undefined) {
      throw new RegionNotConfiguredError(this.name);
    }
    if (typeof key !== "string") throw new TypeError(`Cannot use a key: ${typeof key} is no text`);
    if (options?.maxAgeMs !== undefined) checkDuration(options.maxAgeMs, "maxAgeMs", NEVER);
    return {
      key,
      mangled: mangled ?? this.#identity.keyMangler?.(key) ?? key,
      policy: options === undefined ? core.policy : overridePolicy(core.policy, options),
      tags: options?.tags ?? NO_TAGS,
      options: options ?? NO_OPTIONS,
    };
  }
}

function isServable(core: Core, slot: Slot): boolean {
  if (slot.epoch !== core.invalidator.epoch) return false;
  const { servableUntil } = slot;
  if (servableUntil === Infinity) return true;
  return (core.nearClock?.current() ?? core.fixed.clock.now()) < servableUntil;
}

function settingsOf(options: RegionOptions): RegionSettings {
  const { name: _n, keyMangler: _k, functionKeyGenerator: _f, ...effects } = options;
  const { functionMultiKeyGenerator: _m, clock: _c, random: _r, ...rest } = effects;
  const { background: _b, warn: _w, ...settings } = rest;
  return settings;
}
