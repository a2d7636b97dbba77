/**
 * What ring and manglers need of a digest machine. Two implement it, with the same answers:
 * `wasm_kernel.ts` over the compiled kernel, and `script_kernel.ts` in plain TypeScript, for where
 * WebAssembly is not to be had.
 */

import type { Continuum } from "./continuum.ts";

/** Hashes keys to 32 unsigned bits. Text is hashed as UTF-8; a lone surrogate counts as U+FFFD. */
export interface KeyHasher {
  /** Where the hashes of a batch lie, until the next batch. */
  readonly hashes: Uint32Array;
  /**
   * The hash of `prefix` and `key` together. A prefix that is the same in call after call is not
   * written again, which makes this faster than handing over the two in one text.
   */
  hash(prefix: string, key: string): number;
  /** The hash of a key in bytes. */
  hashBytes(key: Uint8Array): number;
  /** Hashes keys from `from` on, at least one; answers how many. */
  hashMany(keys: readonly string[], from: number, prefix: string): number;
  /** The same for keys in bytes. */
  hashManyBytes(keys: ByteKeys, from: number): number;
}

/** Keys in bytes, one after the other. */
export interface ByteKeys {
  /** All the bytes; the first key begins at 0. */
  readonly bytes: Uint8Array;
  /** Where each key ends and the next begins. */
  readonly ends: Uint32Array;
}

/** Hashes keys by the first word of their MD5, and digests. */
export interface Kernel extends KeyHasher {
  /** Which of the two it is. */
  readonly kind: "wasm" | "script";
  /** The MD5 digest, 16 bytes. */
  md5(message: Uint8Array): Uint8Array;
  /** The SHA-1 digest of text, or of bytes, as 40 lower-case hexadecimal digits. */
  sha1Hex(message: string | Uint8Array): string;
  /** The ring of all points whose names are given, four from every digest. */
  continuum(names: readonly PointNames[]): Continuum;
}

/** The names of one shard's points: `stem` followed by each number from 0 to `count - 1`. */
export interface PointNames {
  /** The index of the shard. */
  readonly owner: number;
  /** The text before the number, e.g. `"10.0.0.1:11212-"`. */
  readonly stem: string;
  /** How many names there are. */
  readonly count: number;
}
