/** Turning payloads into bytes and back. */

/**
 * A pair of functions between a caller's value and bytes.
 *
 * `decode` throws a `TypeError` or `SyntaxError` on bytes it cannot read; whoever calls it treats
 * such a record as a miss. Both may be asynchronous, for codecs that compress or encrypt.
 */
export interface Codec<T> {
  /** For messages; at most eight ASCII letters, digits and hyphens. */
  readonly name: string;
  /** The bytes of a value. The key is there for codecs that bind a record to it. */
  encode(value: T, key: string): Uint8Array | Promise<Uint8Array>;
  /** The value of bytes that `encode` made for the same key. */
  decode(bytes: Uint8Array, key: string): T | Promise<T>;
}
