import type { ByteKeys, KeyHasher } from "./kernel.ts";
import { utf8 } from "./key_stage.ts";
import { hashBytesOneByOne, hashOneByOne } from "./one_by_one.ts";

/** libmemcached's longest key, namespace included; beyond it the hash is 0. */
const LONGEST_BYTES = 250;
const BATCH = 1024;

/**
 * Hashes a namespace and a key together as libmemcached does under `HASH_WITH_PREFIX_KEY`: what is
 * longer than 250 bytes hashes to 0, and from a NUL in the key on every byte counts as NUL.
 */
export class NamespacedHasher implements KeyHasher {
  /** Where the hashes of a batch lie. */
  readonly hashes: Uint32Array = new Uint32Array(BATCH);
  readonly #hasher: KeyHasher;
  readonly #namespace: string;
  readonly #namespaceBytes: Uint8Array;

  /** Puts `namespace` before every key. */
  constructor(hasher: KeyHasher, namespace: string) {
    this.#hasher = hasher;
    this.#namespace = namespace;
    this.#namespaceBytes = utf8(namespace);
  }

  /** See {@linkcode KeyHasher}. */
  hash(prefix: string, key: string): number {
    const whole = this.#namespace + prefix;
    if (3 * (whole.length + key.length) > LONGEST_BYTES || key.includes("\0")) {
      return this.hashBytes(utf8(prefix + key));
    }
    return this.#hasher.hash(whole, key);
  }

  /** See {@linkcode KeyHasher}. */
  hashBytes(key: Uint8Array): number {
    const start = this.#namespaceBytes.length;
    if (start + key.length > LONGEST_BYTES) return 0;
    const end = key.indexOf(0);
    const whole = new Uint8Array(start + key.length);
    whole.set(this.#namespaceBytes);
    whole.set(end < 0 ? key : key.subarray(0, end), start);
    return this.#hasher.hashBytes(whole);
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
