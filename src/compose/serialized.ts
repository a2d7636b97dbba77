/** A store of bytes as a store of entries. */

import type { Backend, Write } from "../contracts/backend.ts";
import type { Codec } from "../contracts/codec.ts";
import type { Entry } from "../contracts/entry.ts";
import { type RecordOptions, Records } from "./records.ts";

/**
 * Makes a backend of entries from one of bytes.
 *
 * A record that cannot be read (cut short, of another program, of another codec or encryption key)
 * is a miss and a report to `onUnreadable`, never an exception. What the codec throws while encoding
 * reaches the caller, and nothing of that batch is written. The limits are the store's; a value's
 * size is that of its record.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { type Entry, json, memoryBackend, NEVER, serialized } from "@cairn/cache";
 *
 * const backend = serialized(json, memoryBackend<Uint8Array>());
 * const value: Entry = {
 *   payload: { id: 7n },
 *   createdAt: 0,
 *   creationMs: 0,
 *   softExpiresAt: NEVER,
 *   hardExpiresAt: NEVER,
 *   tags: [],
 *   marks: [],
 * };
 * await backend.set([{ key: "user", value, expiresAt: NEVER }]);
 * const [entry] = await backend.get(["user"]);
 * equal((entry!.payload as { id: bigint }).id, 7n);
 * ```
 */
export function serialized<T>(
  codec: Codec<T>,
  store: Backend<Uint8Array>,
  options: RecordOptions = {},
): Backend<Entry<T>> {
  const records = new Records(store.name, codec, options);
  return Object.freeze({
    name: store.name,
    limits: store.limits,
    async get(keys: readonly string[]): Promise<(Entry<T> | undefined)[]> {
      return records.readMany(keys, await store.get(keys));
    },
    async set(writes: readonly Write<Entry<T>>[]): Promise<void> {
      await store.set(await Promise.all(writes.map((write) => records.write(write))));
    },
    delete: (keys: readonly string[]): Promise<void> => store.delete(keys),
  });
}
