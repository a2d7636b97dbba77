/** Any store of cairn's as a driver of unstorage, and so of Nitro and Nuxt. */

import type { Backend } from "../../src/contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import type { Listing } from "../../src/contracts/listing.ts";
import { TextEntries } from "./text_entries.ts";

/** Where the items lie. */
export interface UnstorageDriverOptions {
  /** Lists the store's keys: without it `getKeys` and `clear` reject. Default: none. */
  readonly listing?: Listing;
  /** Before every key in the store. Default: nothing. */
  readonly prefix?: string;
  /** Counts times to live. Default: the platform's. */
  readonly clock?: Clock;
}

/** Unstorage counts times to live in seconds. */
export type Seconds = number;

/** What a caller of unstorage may say along with an item. */
export interface UnstorageItemOptions {
  /** How long the item lives. Default: for ever. */
  readonly ttl?: Seconds;
}

/** A driver as unstorage takes one. */
export interface UnstorageDriver {
  /** For messages. */
  readonly name: string;
  /** Times to live are kept. */
  readonly flags: { readonly ttl: true };
  /** Whether there is an item. */
  hasItem(key: string): Promise<boolean>;
  /** An item, or `null`. */
  getItem(key: string): Promise<string | null>;
  /** Many items, in one trip. */
  getItems(items: readonly { key: string }[]): Promise<{ key: string; value: string | null }[]>;
  /** The bytes of an item, or `null`. */
  getItemRaw(key: string): Promise<Uint8Array | null>;
  /** Stores an item. */
  setItem(key: string, value: string, options?: UnstorageItemOptions): Promise<void>;
  /** Stores many items, in one trip. */
  setItems(
    items: readonly { key: string; value: string; options?: UnstorageItemOptions }[],
    options?: UnstorageItemOptions,
  ): Promise<void>;
  /** Stores bytes or a text. */
  setItemRaw(key: string, value: unknown, options?: UnstorageItemOptions): Promise<void>;
  /** Removes an item. */
  removeItem(key: string): Promise<void>;
  /** The keys that begin with `base`. */
  getKeys(base?: string): Promise<string[]>;
  /** Removes the items whose keys begin with `base`. */
  clear(base?: string): Promise<void>;
}

/**
 * A driver for `createStorage({ driver })` or `storage.mount(base, driver)`. The connection of the
 * store stays the user's: `dispose` does not close it.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { memoryBackend } from "@cairn/cache";
 * import { unstorageDriver } from "@cairn/cache/adapters/unstorage";
 *
 * const backend = memoryBackend<Uint8Array>();
 * // createStorage({ driver }), where `listing` is that of the store: redisListing, sqliteListing, …
 * const driver = unstorageDriver(backend, { listing: backend, prefix: "app:" });
 * await driver.setItem("users:1", "Ada", { ttl: 60 });
 * equal(await driver.getItem("users:1"), "Ada");
 * deepEqual(await driver.getKeys("users:"), ["users:1"]);
 * ```
 */
export function unstorageDriver(
  backend: Backend<Uint8Array>,
  options: UnstorageDriverOptions = {},
): UnstorageDriver {
  const { listing, prefix = "", clock = systemClock } = options;
  const entries = new TextEntries(backend, listing);
  const endOf = ({ ttl }: UnstorageItemOptions = {}): number =>
    ttl ? clock.now() + ttl * 1_000 : NEVER;
  const getItem = async (key: string): Promise<string | null> =>
    (await entries.get([prefix + key]))[0] ?? null;
  const setItem = (key: string, value: unknown, own?: UnstorageItemOptions): Promise<void> =>
    entries.set([{ key: prefix + key, value, expiresAt: endOf(own) }]);
  return Object.freeze<UnstorageDriver>({
    name: "cairn",
    flags: { ttl: true },
    hasItem: async (key) => await getItem(key) !== null,
    getItem,
    async getItems(items) {
      const values = await entries.get(items.map(({ key }) => prefix + key));
      return items.map(({ key }, index) => ({ key, value: values[index] ?? null }));
    },
    getItemRaw: async (key) => (await backend.get([prefix + key]))[0] ?? null,
    setItem,
    setItems: (items, common) =>
      entries.set(items.map(({ key, value, options: own }) => {
        return { key: prefix + key, value, expiresAt: endOf({ ...common, ...own }) };
      })),
    async setItemRaw(key, value, own) {
      const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
      if (!(bytes instanceof Uint8Array)) return await setItem(key, value, own);
      await backend.set([{ key: prefix + key, value: bytes, expiresAt: endOf(own) }]);
    },
    removeItem: (key) => backend.delete([prefix + key]),
    async getKeys(base = "") {
      return (await entries.keys(prefix + base)).map((key) => key.slice(prefix.length));
    },
    clear: (base = "") => entries.clear(prefix + base),
  });
}
