/** A codec for graphs: cycles, shared references, regular expressions, URLs, typed arrays. */

import { parse, stringify } from "devalue";
import type { Codec } from "../contracts/codec.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The format of the `devalue` package, which keeps what `json` keeps and also cycles and repeated
 * references, `RegExp`, `URL` and every typed array. It takes several times as long as `json`.
 *
 * Functions, symbols, instances of other classes and objects with a key `__proto__` are refused with
 * the package's own error.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { devalue } from "@cairn/cache/devalue";
 *
 * const ring: { self?: unknown } = {};
 * ring.self = ring;
 * const copy = await devalue.decode(await devalue.encode(ring, "key"), "key") as typeof ring;
 * equal(copy.self, copy);
 * ```
 */
export const devalue: Codec<unknown> = Object.freeze({
  name: "devalue",
  encode: (value: unknown): Uint8Array => encoder.encode(stringify(value)),
  decode: (bytes: Uint8Array): unknown => parse(decoder.decode(bytes)),
});
