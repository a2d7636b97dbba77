/** Atomics and locks of a store of bytes, for entries. */

import type { Atomics } from "../contracts/atomics.ts";
import type { Write } from "../contracts/backend.ts";
import type { Codec } from "../contracts/codec.ts";
import type { Entry } from "../contracts/entry.ts";
import { type RecordOptions, Records } from "./records.ts";

/**
 * Makes atomics of entries from atomics of bytes.
 *
 * `deleteIf` compares records, so it needs a codec that makes equal bytes of equal values: `json`,
 * `text` and `bytes` do, `encrypted` never does, and `compressed` only on one runtime.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryBackend, NEVER, serializedAtomics, text } from "@cairn/cache";
 *
 * const atomics = serializedAtomics(text, memoryBackend<Uint8Array>());
 * equal(await atomics.increment("visits", 1, NEVER), 1);
 * ```
 */
export function serializedAtomics<T>(
  codec: Codec<T>,
  atomics: Atomics<Uint8Array>,
  options: RecordOptions = {},
): Atomics<Entry<T>> {
  const records = new Records(atomics.name, codec, options);
  return Object.freeze({
    name: atomics.name,
    add: async (write: Write<Entry<T>>): Promise<boolean> =>
      await atomics.add(await records.write(write)),
    replace: async (write: Write<Entry<T>>): Promise<boolean> =>
      await atomics.replace(await records.write(write)),
    increment: (key: string, delta: number, expiresAt: number): Promise<number> =>
      atomics.increment(key, delta, expiresAt),
    touch: (key: string, expiresAt: number): Promise<boolean> => atomics.touch(key, expiresAt),
    async deleteIf(key: string, expected: Entry<T>): Promise<boolean> {
      const { value } = await records.write({ key, value: expected, expiresAt: 0 });
      return await atomics.deleteIf(key, value);
    },
  });
}
