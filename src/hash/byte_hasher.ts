import type { ByteKeys, KeyHasher } from "./kernel.ts";
import { KeyStage, utf8 } from "./key_stage.ts";
import { hashBytesOneByOne, hashOneByOne } from "./one_by_one.ts";
import {
  type ByteHash,
  crc,
  fnv1,
  fnv1a,
  jenkins,
  murmur,
  murmur3,
  oneAtATime,
} from "./key_hashes.ts";

/** A key hash of libmemcached; see {@linkcode KetamaOptions.hash}. */
export type KeyHash =
  | "md5"
  | "default"
  | "crc"
  | "fnv1_32"
  | "fnv1a_32"
  | "fnv1_64"
  | "fnv1a_64"
  | "murmur"
  | "murmur3"
  | "jenkins";

/** The sign of the C type `char`: signed on x86, unsigned on ARM. */
export type CharSign = "signed" | "unsigned";

/**
 * All but MD5. Of the 64-bit FNV hashes only the lower halves of the offset and the prime matter;
 * libmemcached's `fnv1a_64` never had more.
 */
const BYTE_HASHES: Readonly<Record<Exclude<KeyHash, "md5">, ByteHash>> = {
  default: oneAtATime,
  crc,
  fnv1_32: fnv1(0x811c9dc5, 0x01000193),
  fnv1a_32: fnv1a(0x811c9dc5, 0x01000193),
  fnv1_64: fnv1(0x84222325, 0x1b3),
  fnv1a_64: fnv1a(0x84222325, 0x1b3),
  murmur,
  murmur3,
  jenkins,
};

/** The names of all key hashes. */
export const KEY_HASHES: readonly KeyHash[] = Object.freeze(
  ["md5", ...Object.keys(BYTE_HASHES)] as KeyHash[],
);

const STAGE_BYTES = 4096;
const BATCH = 1024;

/** Hashes keys with one of the hashes over bytes. */
export class ByteHasher implements KeyHasher {
  /** Where the hashes of a batch lie. */
  readonly hashes: Uint32Array = new Uint32Array(BATCH);
  readonly #hash: ByteHash;
  readonly #signed: boolean;
  readonly #bytes: Uint8Array = new Uint8Array(STAGE_BYTES);
  readonly #stage: KeyStage = new KeyStage(this.#bytes);

  /** Hashes as `hash` says. */
  constructor(hash: Exclude<KeyHash, "md5">, charSign: CharSign) {
    this.#hash = BYTE_HASHES[hash];
    this.#signed = charSign === "signed";
  }

  /** See {@linkcode KeyHasher}. */
  hash(prefix: string, key: string): number {
    const length = this.#stage.write(prefix, key);
    if (length < 0) return this.hashBytes(utf8(prefix + key));
    return this.#hash(this.#bytes, length, this.#signed);
  }

  /** See {@linkcode KeyHasher}. */
  hashBytes(key: Uint8Array): number {
    return this.#hash(key, key.length, this.#signed);
  }

  /** See {@linkcode KeyHasher}. */
  hashMany(keys: readonly string[], from: number, prefix: string): number {
    return hashOneByOne(this, { keys, from, prefix });
  }

  /** See {@linkcode KeyHasher}. */
  hashManyBytes({ bytes, ends }: ByteKeys, from: number): number {
    return hashBytesOneByOne(this, { bytes, ends, from });
  }
}
