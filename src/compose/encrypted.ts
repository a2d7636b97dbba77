/**
 * A codec around a codec: AES-GCM, each record bound to its key in the cache.
 *
 * ```text
 * 01                    the version
 * varint, text          the id of the encryption key
 * 12 bytes              the initialisation vector, random for each record
 * ciphertext, tag       to the very end; the tag has 16 bytes
 * ```
 *
 * The associated data are the record's own bytes before the vector, and then the cache key: a record
 * copied to another key, or said to be of another encryption key, is refused like one that was
 * tampered with. Random vectors bound the records of one encryption key to 2^32 (NIST SP 800-38D,
 * §8.3): add a key and make it the current one long before.
 */

import type { Codec } from "../contracts/codec.ts";
import { randomBytes } from "../contracts/random.ts";
import { ByteReader, ByteWriter } from "./byte_record.ts";

/** The encryption keys. */
export interface EncryptedOptions {
  /** AES-GCM keys by id. Keep a key here as long as records made with it may be read. */
  readonly keys: Readonly<Record<string, CryptoKey>>;
  /** The id of the key that new records are made with. */
  readonly currentKeyId: string;
}

/**
 * Encrypts what `codec` makes. A record that cannot be decrypted is a `TypeError`, whatever is wrong
 * with it: an unknown key id, another cache key, a changed byte.
 *
 * Cache keys, times and tags stay readable in the store. Compress inside, not outside:
 * `encrypted(compressed(json), keys)`.
 *
 * @example
 * ```ts
 * import { equal, rejects } from "node:assert/strict";
 * import { encrypted, text } from "@cairn/cache";
 *
 * const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
 *   "encrypt",
 *   "decrypt",
 * ]);
 * const codec = encrypted(text, { keys: { "2026": key }, currentKeyId: "2026" });
 * const record = await codec.encode("secret", "user:1");
 * equal(await codec.decode(record, "user:1"), "secret");
 * await rejects(async () => await codec.decode(record, "user:2"), TypeError);
 * ```
 */
export function encrypted<T>(codec: Codec<T>, options: EncryptedOptions): Codec<T> {
  const ring = new KeyRing(options);
  return Object.freeze({
    name: `e-${codec.name}`.slice(0, 8),
    encode: async (value: T, key: string): Promise<Uint8Array> =>
      await ring.seal(await codec.encode(value, key), key),
    decode: async (bytes: Uint8Array, key: string): Promise<T> =>
      await codec.decode(await ring.open(bytes, key), key),
  });
}

const version = 1;
const vectorBytes = 12;
const utf8 = new TextEncoder();

class KeyRing {
  readonly #keys: ReadonlyMap<string, CryptoKey>;
  readonly #currentId: string;

  constructor({ keys, currentKeyId }: EncryptedOptions) {
    this.#keys = new Map(Object.entries(keys));
    this.#currentId = currentKeyId;
    if (!this.#keys.has(currentKeyId)) {
      throw new RangeError(
        `Cannot encrypt: "currentKeyId" is "${currentKeyId}", not one of "keys"`,
      );
    }
    for (const [id, { algorithm }] of this.#keys) {
      if (algorithm.name === "AES-GCM") continue;
      throw new TypeError(`Cannot encrypt: key "${id}" is for ${algorithm.name}, not AES-GCM`);
    }
  }

  async seal(payload: Uint8Array, cacheKey: string): Promise<Uint8Array> {
    const header = headerOf(this.#currentId);
    const iv = randomBytes(vectorBytes);
    const key = this.#keys.get(this.#currentId)!;
    const parameters = parametersOf(iv, header, cacheKey);
    const sealed = await crypto.subtle.encrypt(parameters, key, payload as BufferSource);
    return joined([header, iv, new Uint8Array(sealed)]);
  }

  async open(record: Uint8Array, cacheKey: string): Promise<Uint8Array> {
    const reader = new ByteReader(record);
    const found = reader.byte();
    if (found !== version) throw new TypeError(`Cannot decrypt: the record's version is ${found}`);
    const id = reader.text(reader.varint());
    const key = this.#keys.get(id);
    if (!key) throw new TypeError(`Cannot decrypt: no key has the id "${id}"`);
    const parameters = parametersOf(reader.bytes(vectorBytes), headerOf(id), cacheKey);
    try {
      const opened = await crypto.subtle.decrypt(parameters, key, reader.rest() as BufferSource);
      return new Uint8Array(opened);
    } catch (cause) {
      throw new TypeError("Cannot decrypt: the record is not authentic", { cause });
    }
  }
}

function parametersOf(iv: Uint8Array, header: Uint8Array, cacheKey: string): AesGcmParams {
  const additionalData = joined([header, utf8.encode(cacheKey)]);
  return {
    name: "AES-GCM",
    iv: iv as BufferSource,
    additionalData: additionalData as BufferSource,
  };
}

function headerOf(keyId: string): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(version);
  writer.text(keyId);
  return writer.take();
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const part of parts) writer.bytes(part);
  return writer.take();
}
