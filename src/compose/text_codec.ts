/** A codec for payloads that are text. */

import type { Codec } from "../contracts/codec.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Text as UTF-8. Anything else, and text with a lone surrogate, is a `TypeError`; so are bytes that
 * are not UTF-8.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { text } from "@cairn/cache";
 *
 * equal(text.decode(Uint8Array.of(0xc5, 0xbc), "key"), "ż");
 * ```
 */
export const text: Codec<string> = Object.freeze({
  name: "text",
  encode(value: string): Uint8Array {
    if (typeof value !== "string") {
      throw new TypeError(`Cannot encode ${typeof value} as text: it is no string`);
    }
    if (/\p{Surrogate}/u.test(value)) {
      throw new TypeError("Cannot encode text: it is not well-formed Unicode");
    }
    return encoder.encode(value);
  },
  decode: (encoded: Uint8Array): string => decoder.decode(encoded),
});
