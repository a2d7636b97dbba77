/** Encoding keys for stores that are choosy, as wheezy's encoders. */

/** Turns a key into another one. */
export type EncodeKey = (key: string) => string;

const encoder = new TextEncoder();

/**
 * The key's UTF-8 bytes in base64, with the alphabet that is safe in URLs, padded. It grows by a
 * third.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { base64Encode } from "@cairn/cache";
 *
 * equal(base64Encode("my key"), "bXkga2V5");
 * ```
 */
export function base64Encode(key: string): string {
  return urlSafe(encoder.encode(key));
}

/**
 * An encoder that hashes: the digest of the key's UTF-8 bytes, in base64 that is safe in URLs. Keys
 * of any length become keys of one length.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { hashEncode } from "@cairn/cache";
 *
 * equal(hashEncode(() => Uint8Array.of(1, 2, 255))("my key"), "AQL_");
 * ```
 */
export function hashEncode(digest: (bytes: Uint8Array) => Uint8Array): EncodeKey {
  return (key) => urlSafe(digest(encoder.encode(key)));
}

/** A mapping under encoded keys, and the way back. */
export interface EncodedKeys<V> {
  /** The callers' keys by encoded key. */
  readonly keys: Map<string, string>;
  /** The values by encoded key. */
  readonly values: Map<string, V>;
}

/**
 * Encodes the keys of a mapping. Two keys whose encodings are equal are a `RangeError`: one of their
 * values would be lost.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { base64Encode, encodeKeys } from "@cairn/cache";
 *
 * const { keys, values } = encodeKeys([["a", 1]], base64Encode);
 * deepEqual([...keys, ...values], [["YQ==", "a"], ["YQ==", 1]]);
 * ```
 */
export function encodeKeys<V>(
  entries: Iterable<readonly [string, V]>,
  encode: EncodeKey,
): EncodedKeys<V> {
  const keys = new Map<string, string>();
  const values = new Map<string, V>();
  for (const [key, value] of entries) {
    const encoded = encode(key);
    const other = keys.get(encoded);
    if (other !== undefined && other !== key) {
      throw new RangeError(`Cannot encode "${key}": its encoding is that of "${other}"`);
    }
    keys.set(encoded, key);
    values.set(encoded, value);
  }
  return { keys, values };
}

function urlSafe(bytes: Uint8Array): string {
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_");
}
