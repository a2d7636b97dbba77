/**
 * Key manglers: what turns a caller's key into the key that the store sees.
 *
 * dogpile.cache has two of them under the same names, `sha1_mangle_key` and
 * `length_conditional_mangler`, and gives the same keys.
 */

import { sha1Hex } from "../hash/hashing.ts";
import { utf8 } from "../hash/key_stage.ts";
import { sha256HexOf } from "../hash/sha256.ts";
import type { KeyMangler } from "./settings.ts";

/**
 * The SHA-1 digest of a key, as UTF-8, or of bytes: 40 lower-case hexadecimal digits. A lone
 * surrogate counts as U+FFFD.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sha1MangleKey } from "@cairn/cache/manglers";
 *
 * equal(sha1MangleKey("some_key"), "53def077a4264bd3183d4eb21b1f56f883e1b572");
 * ```
 */
export function sha1MangleKey(key: string | Uint8Array): string {
  return sha1Hex(key);
}

/**
 * The SHA-256 digest of a key, as UTF-8, or of bytes: 64 lower-case hexadecimal digits. It takes
 * several times as long as {@linkcode sha1MangleKey}; it is for keys that others may choose with
 * bad intent.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sha256MangleKey } from "@cairn/cache/manglers";
 *
 * equal(sha256MangleKey("abc").slice(0, 16), "ba7816bf8f01cfea");
 * ```
 */
export function sha256MangleKey(key: string | Uint8Array): string {
  return sha256HexOf(typeof key === "string" ? utf8(key) : key);
}

/** How {@linkcode lengthConditionalMangler} measures a key. */
export interface LengthOptions {
  /**
   * `"characters"` counts code points, as dogpile.cache does; `"bytes"` counts bytes of UTF-8, as
   * memcached's limit of 250 does. Default: `"characters"`.
   */
  readonly unit?: "characters" | "bytes";
}

/**
 * A mangler that applies `mangler` to keys of at least `length` characters, and leaves others as
 * they are.
 *
 * @throws {RangeError} If `length` is no count.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { lengthConditionalMangler, sha1MangleKey } from "@cairn/cache/manglers";
 *
 * const mangle = lengthConditionalMangler(10, sha1MangleKey);
 * equal(mangle("short"), "short");
 * equal(mangle("ten digits"), sha1MangleKey("ten digits"));
 * ```
 */
export function lengthConditionalMangler(
  length: number,
  mangler: KeyMangler,
  options: LengthOptions = {},
): KeyMangler {
  if (!Number.isInteger(length) || length < 0) {
    throw new RangeError(`Cannot make a mangler: ${length} is no length`);
  }
  const measure = options.unit === "bytes" ? byteCount : characterCount;
  return (key) => measure(key) >= length ? mangler(key) : key;
}

/**
 * A mangler that puts `prefix` before every key, and then applies `mangler` if there is one.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { prefixMangler } from "@cairn/cache/manglers";
 *
 * equal(prefixMangler("myapp:")("user:42"), "myapp:user:42");
 * ```
 */
export function prefixMangler(prefix: string, mangler: KeyMangler = (key) => key): KeyMangler {
  return (key) => mangler(prefix + key);
}

function byteCount(key: string): number {
  return utf8(key).length;
}

function characterCount(key: string): number {
  let count = 0;
  for (const _ of key) count++;
  return count;
}
