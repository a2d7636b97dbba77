/**
 * Rings and digests, for every runtime but workerd, whose `hashing_workerd.ts` differs in where the
 * kernel comes from and in nothing else.
 *
 * MD5, SHA-1 and rings come from a kernel in WebAssembly, inlined as text and compiled when this
 * module is first imported, in about a millisecond; who does not import it does not pay. Where
 * compiling is refused (under a content security policy without `'wasm-unsafe-eval'`, on Workers
 * with a compatibility date before 2025-06-01, without SIMD) plain TypeScript gives the same
 * answers. For single keys it is nearly as fast; WebAssembly pays in batches, in ring building and
 * in SHA-1.
 */

import { inlineKernel } from "./inline_kernel.ts";
import type { Kernel } from "./kernel.ts";
import { type KetamaOptions, ketamaOver, type KetamaRing } from "./ketama.ts";
import { type RendezvousOptions, rendezvousOver, type RendezvousRing } from "./rendezvous.ts";

const kernel: Kernel = /* @__PURE__ */ inlineKernel();

/** Whether the kernel in use is WebAssembly or plain TypeScript. */
export function kernelKind(): "wasm" | "script" {
  return kernel.kind;
}

/**
 * Makes a ring that agrees with libmemcached's weighted ketama, or with another implementation's.
 *
 * Keys of any length and any Unicode are hashed as UTF-8, a lone surrogate as U+FFFD. A ring of 100
 * shards takes about a millisecond to make; one of 65,535 takes a second or two.
 *
 * @throws {RangeError} If there are no shards, or too many; naming the shard, if its weight or port
 * is none, or if the mode forbids to add it twice; if there is no such mode or hash.
 * @throws {TypeError} If `weighted` is given for a mode that has no such choice.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { ketama } from "@cairn/cache/hash";
 *
 * const ring = ketama({
 *   shards: ["10.0.1.1:11211", "10.0.1.2:11211", { host: "10.0.1.3", weight: 2 }],
 * });
 * equal(ring.labels[ring.indexOf("user:42")], "10.0.1.3");
 * deepEqual([...ring.indexOfMany(["user:41", "user:42"])].length, 2);
 *
 * const users = ring.prefixed("user:");
 * equal(users.indexOf("42"), ring.indexOf("user:42"));
 *
 * ring.eject(2);
 * equal(ring.indexOf("user:42") < 2, true);
 * ```
 */
export function ketama(options: KetamaOptions): KetamaRing {
  return ketamaOver(kernel, options);
}

/**
 * Makes a ring by rendezvous: every shard is scored for a key, and the highest score wins. It moves
 * the fewest keys of all and knows each key's second choice, for up to 32 shards.
 *
 * @throws {RangeError} If there are no shards or more than 32; naming the shard, if its weight is
 * none or it is there twice.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { rendezvous } from "@cairn/cache/hash";
 *
 * const ring = rendezvous({ shards: ["eu", "us", { label: "asia", weight: 0.5 }] });
 * const [first, second] = ring.ranked("user:42");
 * equal(first, ring.indexOf("user:42"));
 * ring.eject(first!);
 * equal(ring.indexOf("user:42"), second);
 * ```
 */
export function rendezvous(options: RendezvousOptions): RendezvousRing {
  return rendezvousOver(kernel, options);
}

/**
 * The SHA-1 digest of text, as UTF-8, or of bytes: 40 lower-case hexadecimal digits, at once.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sha1Hex } from "@cairn/cache/hash";
 *
 * equal(sha1Hex("some_key"), "53def077a4264bd3183d4eb21b1f56f883e1b572");
 * ```
 */
export function sha1Hex(message: string | Uint8Array): string {
  return kernel.sha1Hex(message);
}

/**
 * The MD5 digest of bytes: 16 bytes, at once. Web Crypto has no MD5.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { md5 } from "@cairn/cache/hash";
 *
 * const digest = md5(new TextEncoder().encode("abc"));
 * equal(digest.length, 16);
 * equal(digest[0], 0x90);
 * ```
 */
export function md5(message: Uint8Array): Uint8Array {
  return kernel.md5(message);
}
