/** Any store of cairn's as a storage adapter of Keyv, and so of cache-manager and cacheable. */

import type { Backend } from "../../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import { TextEntries } from "./text_entries.ts";

/** Where the entries lie, and for which Keyv. */
export interface KeyvStoreOptions {
  /** Lists the store's keys: without it `clear` and `iterator` reject. Default: none. */
  readonly listing?: Listing;
  /** Before every key in the store. Default: nothing. */
  readonly prefix?: string;
  /** The major version of Keyv: 6 hands over deadlines, 5 times to live. Default: 6. */
  readonly keyv?: 5 | 6;
  /** Counts times to live of Keyv 5. Default: the platform's. */
  readonly clock?: Clock;
}

/** An entry as Keyv hands over many: with a deadline or with a time to live, in milliseconds. */
export interface KeyvEntry {
  /** The key, without the namespace in Keyv 6. */
  readonly key: string;
  /** The text that Keyv made of the value. */
  readonly value: unknown;
  /** When it ends, in epoch milliseconds, as Keyv 6 says it. */
  readonly expires?: number | undefined;
  /** How long it lives, as Keyv 5 says it. */
  readonly ttl?: number | undefined;
}

/**
 * A Keyv store on a store of bytes. Keyv serializes values: with `serialization` switched off there is
 * nothing here to be stored, and a `TypeError`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryBackend } from "@cairn/cache";
 * import { keyvStore } from "@cairn/cache/adapters/keyv";
 *
 * const backend = memoryBackend<Uint8Array>();
 * // new Keyv({ store }), where `listing` is that of the store: redisListing, sqliteListing, …
 * const store = keyvStore(backend, { listing: backend });
 * await store.set("key", "a text", Date.now() + 60_000);
 * equal(await store.get("key"), "a text");
 * await store.clear();
 * equal(await store.has("key"), false);
 * ```
 */
export function keyvStore(backend: Backend<Uint8Array>, options: KeyvStoreOptions = {}): KeyvStore {
  return new KeyvStore(backend, options);
}

/** What Keyv calls. A delete takes two trips, for Keyv asks whether there was something. */
export class KeyvStore {
  /** Set by Keyv; what is cleared and iterated over. */
  namespace: string | undefined = undefined;
  /** By which Keyv 6 knows that it may hand over deadlines. */
  readonly capabilities: { readonly expires: boolean };
  /** Keyv 5 iterates over stores whose dialect it knows, and so this store borrows one. */
  readonly opts: { readonly dialect: string; readonly url: string };
  readonly #entries: TextEntries;
  readonly #prefix: string;
  readonly #clock: Clock;

  /** See {@linkcode keyvStore}. */
  constructor(backend: Backend<Uint8Array>, options: KeyvStoreOptions) {
    const { listing, prefix = "", keyv = 6, clock = systemClock } = options;
    this.capabilities = Object.freeze({ expires: keyv === 6 });
    this.opts = { dialect: "redis", url: "" };
    this.#entries = new TextEntries(backend, listing);
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** The text at a key. */
  async get(key: string): Promise<string | undefined> {
    return (await this.getMany([key]))[0];
  }

  /** The texts of keys, in order. */
  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return await this.#entries.get(keys.map((key) => this.#place + key));
  }

  /** Stores a text until a deadline, or for as long as Keyv 5 says. */
  async set(key: string, value: unknown, until?: number): Promise<boolean> {
    return (await this.setMany([{ key, value, expires: until, ttl: until }]))[0]!;
  }

  /** Stores many. */
  async setMany(entries: readonly KeyvEntry[]): Promise<boolean[]> {
    await this.#entries.set(entries.map((entry) => {
      return { key: this.#place + entry.key, value: entry.value, expiresAt: this.#endOf(entry) };
    }));
    return entries.map(() => true);
  }

  /** Removes a key; answers whether it had a value. */
  async delete(key: string): Promise<boolean> {
    return (await this.#entries.delete([this.#place + key]))[0]!;
  }

  /** Removes many: Keyv 6 hears of each, Keyv 5 whether there was any. */
  async deleteMany(keys: readonly string[]): Promise<boolean[] | boolean> {
    const deleted = await this.#entries.delete(keys.map((key) => this.#place + key));
    return this.capabilities.expires ? deleted : deleted.includes(true);
  }

  /** Whether a key has a value. */
  async has(key: string): Promise<boolean> {
    return await this.get(key) !== undefined;
  }

  /** Which keys have a value. */
  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return (await this.getMany(keys)).map((value) => value !== undefined);
  }

  /** Removes the namespace, or everything under the prefix where there is none. */
  async clear(): Promise<void> {
    await this.#entries.clear(this.#prefix + this.#scope);
  }

  /** The entries of the namespace. */
  async *iterator(): AsyncGenerator<[key: string, value: string]> {
    const place = this.#place.length;
    for await (const [key, value] of this.#entries.entries(this.#prefix + this.#scope)) {
      yield [key.slice(place), value];
    }
  }

  get #scope(): string {
    return this.namespace === undefined ? "" : `${this.namespace}:`;
  }

  /** What is before a key of Keyv's: Keyv 5 puts the namespace before keys by itself. */
  get #place(): string {
    return this.capabilities.expires ? this.#prefix + this.#scope : this.#prefix;
  }

  #endOf({ expires, ttl }: KeyvEntry): number {
    if (this.capabilities.expires) return expires ?? NEVER;
    return ttl === undefined ? NEVER : this.#clock.now() + ttl;
  }
}
