/**
 * Digests of bytes that pass by once.
 *
 * WebCrypto has no incremental digest, so who computes them depends on the platform: an app gives
 * a {@linkcode DigestFactory} over its native ones (`node:crypto`, the Workers' DigestStream) and
 * falls back to {@linkcode portableDigests} for what the platform lacks, as Workers lack BLAKE2.
 */

import { blake2b } from "@noble/hashes/blake2.js";
import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** The digests that package indexes speak of. BLAKE2b is the 256-bit one. */
export type DigestAlgorithm = "sha256" | "md5" | "blake2b";

/** One digest under way. */
export interface Digest {
  /** Takes the next bytes. They may be changed once the answer, or its promise, is there. */
  update(bytes: Uint8Array): void | Promise<void>;
  /** The digest of all bytes, as lower-case hexadecimal digits. Ends it. */
  hex(): string | Promise<string>;
}

/** Begins a digest. */
export type DigestFactory = (algorithm: DigestAlgorithm) => Digest;

/** What is known of bytes that have passed. */
export interface Digests {
  /** How many there were. */
  readonly sizeBytes: number;
  /** The digests asked for, as lower-case hexadecimal digits. */
  readonly hex: Readonly<Partial<Record<DigestAlgorithm, string>>>;
}

/** Digests in JavaScript, for every platform: some 100 MB/s for SHA-256. */
export function portableDigests(algorithm: DigestAlgorithm): Digest {
  const hash = HASHES[algorithm]();
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => bytesToHex(hash.digest()),
  };
}

const HASHES = Object.freeze({
  sha256: () => sha256.create(),
  md5: () => md5.create(),
  blake2b: () => blake2b.create({ dkLen: 32 }),
});

/**
 * A transform that lets bytes through unchanged and digests them. When the stream has ended,
 * {@linkcode DigestTap.result} tells what passed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { DigestTap } from "@cairn/cache/wheels";
 *
 * const tap = new DigestTap(["md5"]);
 * const body = new Blob(["My Content"]).stream().pipeThrough(tap);
 * assert.equal(await new Response(body).text(), "My Content");
 * assert.equal(tap.result().hex.md5, "a86c5dea3ad44078a1f79f9cf2c6786d");
 * assert.equal(tap.result().sizeBytes, 10);
 * ```
 */
export class DigestTap implements ReadableWritablePair<Uint8Array, Uint8Array> {
  /** Where the bytes come out. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Where the bytes go in. */
  readonly writable: WritableStream<Uint8Array>;
  readonly #running: ReadonlyMap<DigestAlgorithm, Digest>;
  #sizeBytes = 0;
  #result: Digests | undefined;

  /** Begins the digests; by default all three, in JavaScript. */
  constructor(
    algorithms: readonly DigestAlgorithm[] = ["sha256", "md5", "blake2b"],
    factory: DigestFactory = portableDigests,
  ) {
    this.#running = new Map(algorithms.map((algorithm) => [algorithm, factory(algorithm)]));
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
      transform: async (chunk, controller) => {
        await this.#take(chunk);
        controller.enqueue(chunk);
      },
      flush: () => this.#finish(),
    });
    this.readable = readable;
    this.writable = writable;
  }

  /** What passed. Throws a `TypeError` before the last byte has been read. */
  result(): Digests {
    if (this.#result === undefined) {
      throw new TypeError("Cannot tell the digests: the stream has not ended");
    }
    return this.#result;
  }

  async #take(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.byteLength;
    for (const digest of this.#running.values()) await digest.update(chunk);
  }

  async #finish(): Promise<void> {
    const hex: Partial<Record<DigestAlgorithm, string>> = {};
    for (const [algorithm, digest] of this.#running) hex[algorithm] = await digest.hex();
    this.#result = Object.freeze({ sizeBytes: this.#sizeBytes, hex: Object.freeze(hex) });
  }
}
