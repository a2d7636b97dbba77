/** What the modes of {@linkcode KetamaOptions} do when they are told nothing more. */

import type { KeyHash } from "./byte_hasher.ts";
import type { Shard } from "./shard.ts";

/** Whose ring it is. */
export type KetamaMode =
  | "libmemcached-weighted"
  | "libmemcached"
  | "libmemcached-spy"
  | "libketama"
  | "twemproxy"
  | "spymemcached"
  | "exact160"
  | "modula";

/** The key hash of each mode's original. */
export const DEFAULT_HASHES: Readonly<Record<KetamaMode, KeyHash>> = Object.freeze({
  "libmemcached-weighted": "md5",
  libmemcached: "default",
  "libmemcached-spy": "md5",
  libketama: "md5",
  twemproxy: "fnv1a_64",
  spymemcached: "md5",
  exact160: "md5",
  modula: "default",
});

/** Whether the counts of points follow the weights. */
export function isWeighted(
  mode: KetamaMode,
  options: { readonly weighted?: boolean; readonly shards: readonly (string | Shard)[] },
): boolean {
  const { weighted, shards } = options;
  const isGiven = (shard: string | Shard): boolean =>
    typeof shard !== "string" && shard.weight !== undefined;
  const isHeavy = (shard: string | Shard): boolean =>
    typeof shard !== "string" && (shard.weight ?? 1) > 1;
  if (mode === "libmemcached") return weighted ?? shards.some(isHeavy);
  if (mode === "spymemcached") return weighted ?? shards.some(isGiven);
  if (mode.startsWith("libmemcached-")) return weighted ?? true;
  if (weighted === undefined) return mode === "libketama" || mode === "twemproxy";
  throw new TypeError(`Cannot make a ring: mode "${mode}" has no option "weighted"`);
}
