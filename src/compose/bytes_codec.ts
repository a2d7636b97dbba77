/** A codec for payloads that are bytes already. */

import type { Codec } from "../contracts/codec.ts";

/**
 * Bytes as they are; anything else is a `TypeError`.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { bytes } from "@cairn/cache";
 *
 * deepEqual(bytes.decode(Uint8Array.of(1, 2), "key"), Uint8Array.of(1, 2));
 * ```
 */
export const bytes: Codec<Uint8Array> = Object.freeze({
  name: "bytes",
  encode(value: Uint8Array): Uint8Array {
    if (value instanceof Uint8Array) return value;
    throw new TypeError(`Cannot encode ${typeof value} as bytes: it is no Uint8Array`);
  },
  decode: (encoded: Uint8Array): Uint8Array => encoded,
});
