/**
 * The kernel in plain TypeScript. It gives the answers of the compiled one wherever that cannot be
 * had: under a content security policy that forbids WebAssembly, without SIMD, on old dates of
 * Workers. A single key takes little longer; batches, ring building and SHA-1 several times longer.
 */

import { type Continuum, continuumOf } from "./continuum.ts";
import type { ByteKeys, Kernel, PointNames } from "./kernel.ts";
import { KeyStage, utf8 } from "./key_stage.ts";
import { hashBytesOneByOne, hashOneByOne } from "./one_by_one.ts";
import { Md5, readWords } from "./md5.ts";
import { sha1HexOf } from "./sha1.ts";

/** Longer messages are digested where they are; the same limit as that of the compiled kernel. */
const STAGE_BYTES = 4096;
const BATCH = 1024;
const SHORT = 55;
/** Whether words in memory are MD5's words, as nearly everywhere. */
const IS_LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** MD5, SHA-1 and rings without WebAssembly. */
export class ScriptKernel implements Kernel {
  /** Not compiled. */
  readonly kind = "script";
  /** Where the hashes of a batch lie. */
  readonly hashes: Uint32Array = new Uint32Array(BATCH);
  readonly #bytes: Uint8Array = new Uint8Array(STAGE_BYTES);
  readonly #block: DataView = new DataView(this.#bytes.buffer, 0, 64);
  readonly #words: Int32Array = IS_LITTLE_ENDIAN
    ? new Int32Array(this.#bytes.buffer, 0, 16)
    : new Int32Array(16);
  readonly #stage: KeyStage = new KeyStage(this.#bytes);
  readonly #md5: Md5 = new Md5();

  /** See {@linkcode Kernel}. */
  hash(prefix: string, key: string): number {
    const length = this.#stage.write(prefix, key);
    if (length < 0) return this.hashBytes(utf8(prefix + key));
    return length > SHORT ? this.hashBytes(this.#bytes.subarray(0, length)) : this.#short(length);
  }

  /** See {@linkcode Kernel}. */
  hashBytes(key: Uint8Array): number {
    return this.#md5.digest(key)[0]! >>> 0;
  }

  /** See {@linkcode Kernel}. */
  hashMany(keys: readonly string[], from: number, prefix: string): number {
    return hashOneByOne(this, { keys, from, prefix });
  }

  /** See {@linkcode KeyHasher}. */
  hashManyBytes({ bytes, ends }: ByteKeys, from: number): number {
    return hashBytesOneByOne(this, { bytes, ends, from });
  }

  /** See {@linkcode Kernel}. */
  md5(message: Uint8Array): Uint8Array {
    const digest = new DataView(new ArrayBuffer(16));
    this.#md5.digest(message).forEach((word, i) => digest.setInt32(4 * i, word, true));
    return new Uint8Array(digest.buffer);
  }

  /** See {@linkcode Kernel}. */
  sha1Hex(message: string | Uint8Array): string {
    return sha1HexOf(typeof message === "string" ? utf8(message) : message);
  }

  /** See {@linkcode Kernel}. */
  continuum(names: readonly PointNames[]): Continuum {
    const points = 4 * names.reduce((sum, { count }) => sum + count, 0);
    const values = new Uint32Array(points);
    const owners = new Uint16Array(points);
    let at = 0;
    for (const { owner, stem, count } of names) {
      owners.fill(owner, at, at + 4 * count);
      for (let i = 0; i < count; i++, at += 4) {
        values.set(this.#digest(stem, String(i)), at);
      }
    }
    return continuumOf(values, owners);
  }

  #digest(prefix: string, key: string): Int32Array {
    const length = this.#stage.write(prefix, key);
    return this.#md5.digest(length < 0 ? utf8(prefix + key) : this.#bytes.subarray(0, length));
  }

  /** Pads and digests one block; most keys leave less to clear than a call of `fill` would cost. */
  #short(length: number): number {
    const bytes = this.#bytes;
    bytes[length] = 0x80;
    const even = (length + 4) & ~3;
    for (let at = length + 1; at < even; at++) bytes[at] = 0;
    for (let at = even; at < 56; at += 4) this.#block.setInt32(at, 0);
    this.#block.setInt32(56, length << 3, true);
    this.#block.setInt32(60, 0);
    if (!IS_LITTLE_ENDIAN) readWords(this.#block, 0, this.#words);
    return this.#md5.firstWord(this.#words);
  }
}
