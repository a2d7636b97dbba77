/** Any store of cairn's as the second layer of bentocache. */

import type { Backend } from "../../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import { TextEntries } from "./text_entries.ts";

/** Where the entries lie. */
export interface BentocacheDriverOptions {
  /** The store. */
  readonly backend: Backend<Uint8Array>;
  /** Lists the store's keys: without it `clear` rejects. Default: none. */
  readonly listing?: Listing;
  /** Counts times to live. Default: the platform's. */
  readonly clock?: Clock;
}

/** What bentocache hands to the factory of a driver. */
export interface BentocacheConfig {
  /** Before every key in the store, with a colon. */
  readonly prefix?: string | undefined;
}

/** A driver as bentocache takes one. */
export interface BentocacheDriverResult {
  /** Nothing that bentocache would need to know. */
  readonly options: Record<string, never>;
  /** Makes the driver. */
  readonly factory: (config: BentocacheConfig) => BentocacheDriver;
}

/**
 * A driver for `bentostore().useL2Layer(…)`. The connection of the store stays the user's: bentocache
 * does not close it.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryBackend } from "@cairn/cache";
 * import { bentocacheDriver } from "@cairn/cache/adapters/bentocache";
 *
 * const backend = memoryBackend<Uint8Array>();
 * // bentostore().useL2Layer(bentocacheDriver({ backend, listing })), here by hand:
 * const driver = bentocacheDriver({ backend, listing: backend }).factory({ prefix: "app" });
 * await driver.namespace("users").set("1", "Ada", 60_000);
 * equal(await driver.get("users:1"), "Ada");
 * ```
 */
export function bentocacheDriver(options: BentocacheDriverOptions): BentocacheDriverResult {
  const { backend, listing, clock = systemClock } = options;
  const entries = new TextEntries(backend, listing);
  return {
    options: {},
    factory: ({ prefix = "" }) => new BentocacheDriver(entries, prefix.replace(/:+$/, ""), clock),
  };
}

/** What bentocache calls. A delete takes two trips, for bentocache asks whether there was something. */
export class BentocacheDriver {
  /** Of the second layer. */
  readonly type = "l2";
  readonly #entries: TextEntries;
  readonly #prefix: string;
  readonly #clock: Clock;

  /** See {@linkcode bentocacheDriver}. */
  constructor(entries: TextEntries, prefix: string, clock: Clock) {
    this.#entries = entries;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** The part of the store under a name. */
  namespace(name: string): BentocacheDriver {
    return new BentocacheDriver(this.#entries, this.#keyOf(name), this.#clock);
  }

  /** The text at a key. */
  async get(key: string): Promise<string | undefined> {
    return (await this.#entries.get([this.#keyOf(key)]))[0];
  }

  /** The text at a key, which is removed; of two who pull at once both may get it. */
  async pull(key: string): Promise<string | undefined> {
    const value = await this.get(key);
    if (value !== undefined) await this.delete(key);
    return value;
  }

  /** Stores a text for some milliseconds, or for ever. */
  async set(key: string, value: string, ttlMs?: number): Promise<boolean> {
    const expiresAt = ttlMs ? this.#clock.now() + ttlMs : NEVER;
    await this.#entries.set([{ key: this.#keyOf(key), value, expiresAt }]);
    return true;
  }

  /** Removes everything under the prefix. */
  async clear(): Promise<void> {
    await this.#entries.clear(this.#keyOf(""));
  }

  /** Removes a key; answers whether it had a value. */
  async delete(key: string): Promise<boolean> {
    return (await this.#entries.delete([this.#keyOf(key)]))[0]!;
  }

  /** Removes keys; answers whether any had a value, or there were none. */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const deleted = await this.#entries.delete(keys.map((key) => this.#keyOf(key)));
    return deleted.length === 0 || deleted.includes(true);
  }

  /** Does nothing: the connection is the user's. */
  async disconnect(): Promise<void> {}

  #keyOf(key: string): string {
    return this.#prefix === "" ? key : `${this.#prefix}:${key}`;
  }
}
