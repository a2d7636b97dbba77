/** What patterns keep in a store is text: the names of keys, tokens. */

import type { Atomics } from "../contracts/atomics.ts";
import type { Backend, Write } from "../contracts/backend.ts";

/** A store of text that can decide. `memoryBackend<string>()` is one. */
export type TextStore = Backend<string> & Atomics<string>;

/** A store of bytes that can decide, as Redis or memcached are. */
export type ByteStore = Backend<Uint8Array> & Atomics<Uint8Array>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Makes a store of text from a store of bytes, in UTF-8.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { memoryBackend, NEVER, textStore } from "@cairn/cache";
 *
 * const store = textStore(memoryBackend<Uint8Array>());
 * await store.set([{ key: "k", value: "ż", expiresAt: NEVER }]);
 * deepEqual(await store.get(["k"]), ["ż"]);
 * ```
 */
export function textStore(store: ByteStore): TextStore {
  return Object.freeze({
    name: store.name,
    limits: store.limits,
    async get(keys: readonly string[]): Promise<(string | undefined)[]> {
      const values = await store.get(keys);
      return values.map((bytes) => bytes && decoder.decode(bytes));
    },
    set: (writes: readonly Write<string>[]): Promise<void> => store.set(writes.map(encoded)),
    delete: (keys: readonly string[]): Promise<void> => store.delete(keys),
    add: (write: Write<string>): Promise<boolean> => store.add(encoded(write)),
    replace: (write: Write<string>): Promise<boolean> => store.replace(encoded(write)),
    increment: (key: string, delta: number, expiresAt: number): Promise<number> =>
      store.increment(key, delta, expiresAt),
    touch: (key: string, expiresAt: number): Promise<boolean> => store.touch(key, expiresAt),
    deleteIf: (key: string, expected: string): Promise<boolean> =>
      store.deleteIf(key, encoder.encode(expected)),
  });
}

function encoded({ key, value, expiresAt }: Write<string>): Write<Uint8Array> {
  return { key, value: encoder.encode(value), expiresAt };
}
