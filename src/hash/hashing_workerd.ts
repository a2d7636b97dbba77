/**
 * `mod.ts` for workerd, which takes WebAssembly as a module of the bundle: the `workerd` condition
 * of the package's exports leads here. So the kernel is compiled on every compatibility date, and
 * before a request comes. All the rest is as in `hashing.ts`, which has the prose.
 */

import type { Kernel } from "./kernel.ts";
// @ts-types="./kernel_wasm.d.ts"
import module from "./kernel.wasm";
import { type KetamaOptions, ketamaOver, type KetamaRing } from "./ketama.ts";
import { type RendezvousOptions, rendezvousOver, type RendezvousRing } from "./rendezvous.ts";
import { wasmKernel } from "./wasm_kernel.ts";

export type { CharSign, KeyHash } from "./byte_hasher.ts";
export type { RingPoints } from "./circle.ts";
export type { ByteKeys } from "./kernel.ts";
export type { KetamaOptions, KetamaRing } from "./ketama.ts";
export type { KetamaMode } from "./modes.ts";
export { movedShare, movedShareOf } from "./moved_share.ts";
export type { RendezvousOptions, RendezvousRing, RendezvousShard } from "./rendezvous.ts";
export type { Shard, UnixStyle } from "./shard.ts";

const kernel: Kernel = /* @__PURE__ */ wasmKernel(module);

/** Whether the kernel in use is WebAssembly or plain TypeScript. */
export function kernelKind(): "wasm" | "script" {
  return kernel.kind;
}

/** Makes a ring that agrees with libmemcached's weighted ketama, or with another's. */
export function ketama(options: KetamaOptions): KetamaRing {
  return ketamaOver(kernel, options);
}

/** Makes a ring by rendezvous, for up to 32 shards. */
export function rendezvous(options: RendezvousOptions): RendezvousRing {
  return rendezvousOver(kernel, options);
}

/** The SHA-1 digest of text, as UTF-8, or of bytes: 40 lower-case hexadecimal digits. */
export function sha1Hex(message: string | Uint8Array): string {
  return kernel.sha1Hex(message);
}

/** The MD5 digest of bytes: 16 bytes. */
export function md5(message: Uint8Array): Uint8Array {
  return kernel.md5(message);
}
