/**
 * The front door of the cache: one policy over a near shelf of live values and a backend.
 *
 * Every method finds the core, makes a call of its arguments and hands both to the file that knows:
 * `fetch.ts` for creating, `verbs.ts` for the rest, `invalidation.ts`, `observer.ts`. The one thing
 * done here is the near hit, which is one lookup and the promise handed out.
 */

import type { LockedStore } from "../compose/proxied_locks.ts";
import type { ProxyLike } from "../compose/proxy.ts";
import type { Backend } from "../contracts/backend.ts";
import { NEVER } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import { RegionAlreadyConfiguredError, RegionNotConfiguredError } from "../contracts/errors.ts";
import { aloneOf, type ManyCreator } from "./batch.ts";
import { type CachedOptions, type Cacher, cacherOf } from "./cached.ts";
import { type CachedMultiOptions, type MultiCacher, multiCacherOf } from "./cached_multi.ts";
import type { FlatConfig } from "./config.ts";
import { readConfig } from "./config_reader.ts";
import type { Call, CallOptions, Core } from "./core.ts";
import type { Creator } from "./creation.ts";
import { fetchAll, fetchOne } from "./fetch.ts";
import type { FunctionKeyGenerator, FunctionMultiKeyGenerator } from "./function_key.ts";
import { note, type RegionCounts, type RegionEventType, type RegionListener } from "./observer.ts";
import { checkDuration, overridePolicy } from "./policy.ts";
import { refreshAll, refreshOne } from "./refresh.ts";
import {
  coreOf,
  identityOf,
  type KeyMangler,
  type RegionIdentity,
  type RegionSettings,
  wrapStore,
} from "./settings.ts";
import { isServable, type Slot } from "./shelf.ts";
import { isLocked, readMany, type ReadOptions, removeAll, storeAll, touch } from "./verbs.ts";

/** What a region is made with; the settings may also come later. */
export interface RegionOptions extends RegionIdentity, RegionSettings {}

const NO_OPTIONS: CallOptions<never> = Object.freeze({});
const WHOLE_REGION = { key: "", options: NO_OPTIONS };

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
  #core: Core;
  #settings: RegionSettings;
  #isConfigured: boolean;
  /** What closes the stores it has opened: also those replaced, for creations may go on there. */
  readonly #opened: (() => Promise<void>)[] = [];

  /** Throws a `TypeError` or `RangeError` naming the option that is wrong. */
  constructor(options: RegionOptions = {}) {
    this.#core = coreOf(identityOf(options), options);
    this.#settings = { ...options };
    this.#isConfigured = options.backend !== undefined || Boolean(options.near);
  }

  /** Its name. */
  get name(): string {
    return this.#core.name;
  }

  /** Its mangler, if it has one. */
  get keyMangler(): KeyMangler | undefined {
    return this.#core.keyMangler;
  }

  /** What makes the keys of its cached functions. */
  get functionKeyGenerator(): FunctionKeyGenerator {
    return this.#core.functionKeyGenerator;
  }

  /** What makes the keys of its cached functions of many keys. */
  get functionMultiKeyGenerator(): FunctionMultiKeyGenerator {
    return this.#core.functionMultiKeyGenerator;
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
    if (this.#isConfigured && !settings.replaceExistingBackend) {
      const backend = this.#core.store?.backend.name ?? "a near shelf";
      throw new RegionAlreadyConfiguredError(this.name, backend);
    }
    this.#core = coreOf(this.#core, settings);
    this.#settings = { ...settings };
    this.#isConfigured = true;
    return this;
  }

  /**
   * Configures from a flat configuration under a prefix: `backend` (a registered name or an address,
   * required), `arguments.*` for its opener, `wrap`, dogpile's `expiration_time` in seconds and
   * `replace_existing_backend`, or `softTtlMs`, `hardTtlMs`, `jitter`, `staleOnError`,
   * `nearMaxAgeMs`, `marksMaxAgeMs` and `replaceExistingBackend`. Rejects with a
   * `PluginNotFoundError` where nobody registered its backend.
   */
  async configureFromConfig(config: FlatConfig, prefix: string = ""): Promise<this> {
    const { close, ...settings } = await readConfig(config, prefix);
    try {
      this.configure(settings);
    } catch (error) {
      await close();
      throw error;
    }
    this.#opened.push(close);
    return this;
  }

  /**
   * Closes the stores that {@linkcode Region.configureFromConfig} has opened, so that the program can
   * end; a backend that was handed in is closed by who made it. Also done by `await using`.
   */
  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((close) => close()));
  }

  /** As {@linkcode Region.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Puts one more proxy, or an instance of its class, around the backend, as the outermost. What the
   * near shelf held is forgotten, for the proxy has not seen it.
   */
  wrap(proxy: ProxyLike): this {
    this.#core = coreOf(this.#core, this.#settings, wrapStore(this.#store(), [proxy]));
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
  getOrCreate<T>(key: string, creator: Creator<T>, options?: CallOptions<T>): Promise<T> {
    try {
      const core = this.#core;
      const mangled = core.mangle(key);
      const slot = core.near?.get(mangled) as Slot | undefined;
      const isNearHit = slot !== undefined && options?.maxAgeMs === undefined &&
        isServable(core, slot, options?.earlyRefresh);
      if (!isNearHit) {
        const call = { ...this.#callOf(key, options, mangled), creator };
        return fetchOne(call) as Promise<T>;
      }
      const { observer } = core;
      observer.counts.nearHit++;
      if (observer.isHeard || options?.onEvent) {
        observer.tell("nearHit", { key, options: options ?? NO_OPTIONS });
      }
      return (slot.answer ??= Promise.resolve(slot.entry.payload)) as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The value of `key`, or `undefined` where there is none that is fresh. */
  async get<T = unknown>(key: string, options?: ReadOptions): Promise<T | undefined> {
    return (await this.getEntry<T>(key, options))?.payload;
  }

  /** The value of `key` with its times and tags; tells a cached `undefined` from a miss. */
  async getEntry<T = unknown>(key: string, options?: ReadOptions): Promise<Entry<T> | undefined> {
    const [entry] = await this.#read([key], options);
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

  /**
   * Makes the value of `key` anew, keeps it whatever was there, and answers it. A delete, a set or an
   * invalidation meanwhile keeps it out. Where somebody else holds the lock for longer than
   * `lock.waitMs` it is made all the same and not kept, or the call rejects, if the policy says so.
   */
  async refresh<T>(key: string, creator: Creator<T>, options?: CallOptions<T>): Promise<T> {
    return await refreshOne({ ...this.#callOf(key, options), creator }) as T;
  }

  /** Gives the value of `key` its lives anew, from now on; answers whether there was one. */
  async touch(key: string, options?: CallOptions): Promise<boolean> {
    return await touch(this.#callOf(key, options));
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
    const calls = this.#callsOf(keys, creator, options);
    return await fetchAll(calls, creator as ManyCreator<unknown>) as (T | undefined)[];
  }

  /**
   * The values of many keys, in their order, all made anew as by {@linkcode refresh}, together by one
   * call of `creator` but for those whose locks are busy.
   */
  async refreshMulti<T>(
    keys: readonly string[],
    creator: ManyCreator<T>,
    options?: CallOptions<T>,
  ): Promise<(T | undefined)[]> {
    const calls = this.#callsOf(keys, creator, options);
    return await refreshAll(calls, creator as ManyCreator<unknown>) as (T | undefined)[];
  }

  /** The values of many keys, in their order; `undefined` where there is none that is fresh. */
  async getMulti<T = unknown>(
    keys: readonly string[],
    options?: ReadOptions,
  ): Promise<(T | undefined)[]> {
    const entries = await this.#read(keys, options);
    return entries.map((entry) => entry?.payload as T | undefined);
  }

  /** Stores many values, in one trip. */
  async setMulti<T>(
    values: Iterable<readonly [string, T]>,
    options?: CallOptions<T>,
  ): Promise<void> {
    const writes = Array.from(values, ([key, payload]) => {
      return { call: this.#callOf(key, options), payload };
    });
    if (writes.length > 0) await storeAll(writes);
  }

  /** Removes many keys, in one trip. */
  async deleteMulti(keys: readonly string[]): Promise<void> {
    const calls = keys.map((key) => this.#callOf(key));
    if (calls.length > 0) await removeAll(calls);
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
    return await isLocked(this.#callOf(key));
  }

  /**
   * Invalidates everything created so far, in every process, in constant time: hard, so that it is
   * missing, or soft, so that it is stale; or what bears one of the `tags`.
   */
  async invalidate(
    options: { readonly hard?: boolean; readonly tags?: readonly string[] } = {},
  ): Promise<void> {
    const { hard = true, tags } = options;
    const core = this.#core;
    await core.invalidator.invalidate({ hard, tags });
    note({ ...WHOLE_REGION, core }, "invalidate");
  }

  /** How often each thing has happened. */
  stats(): RegionCounts {
    return { ...this.#core.observer.counts };
  }

  /** Listens to one type of event; answers what ends the listening. */
  on(type: RegionEventType, listener: RegionListener): () => void {
    return this.#core.observer.on(type, listener);
  }

  #store(): LockedStore {
    const { store } = this.#core;
    if (store === undefined) throw new RegionNotConfiguredError(this.name);
    return store;
  }

  async #read(
    keys: readonly string[],
    options: ReadOptions = NO_OPTIONS,
  ): Promise<(Entry | undefined)[]> {
    return await readMany(keys.map((key) => this.#callOf(key, options)), options);
  }

  #callsOf<T>(
    keys: readonly string[],
    creator: ManyCreator<T>,
    options?: CallOptions<T>,
  ): (Call & { readonly creator: ReturnType<typeof aloneOf> })[] {
    const alone = aloneOf(creator);
    return keys.map((key) => ({ ...this.#callOf(key, options), creator: alone }));
  }

  #callOf(key: string, options: CallOptions<never> = NO_OPTIONS, mangled?: string): Call {
    const core = this.#core;
    if (core.near === undefined) this.#store();
    if (typeof key !== "string") throw new TypeError(`Cannot use a key: ${typeof key} is no text`);
    const { tags = [], maxAgeMs = NEVER } = options;
    checkDuration(maxAgeMs, "maxAgeMs");
    const policy = options === NO_OPTIONS ? core.policy : overridePolicy(core.policy, options);
    return { core, key, mangled: mangled ?? core.mangle(key), policy, tags, options };
  }
}
