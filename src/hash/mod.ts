/**
 * Rings that agree with libmemcached and its kin, rendezvous hashing, and the digests they stand on.
 *
 * @module
 */

export type { CharSign, KeyHash } from "./byte_hasher.ts";
export { kernelKind, ketama, md5, rendezvous, sha1Hex } from "./hashing.ts";
export type { KetamaOptions, KetamaRing } from "./ketama.ts";
export type { RingPoints } from "./circle.ts";
export type { ByteKeys } from "./kernel.ts";
export type { KetamaMode } from "./modes.ts";
export { movedShare, movedShareOf } from "./moved_share.ts";
export type { RendezvousOptions, RendezvousRing, RendezvousShard } from "./rendezvous.ts";
export type { Shard, UnixStyle } from "./shard.ts";
