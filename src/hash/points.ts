/**
 * How many points each shard has, and what they are named after: the part in which the rings that
 * are called ketama differ.
 *
 * Point counts are computed in 32-bit floats with every step rounded, because libmemcached,
 * libketama, twemproxy and spymemcached do so: 25, 47, 50 or 100 equal shards get 156 points each
 * and not 160. The expressions must not be simplified.
 */

import type { PointNames } from "./kernel.ts";
import type { KetamaMode } from "./modes.ts";
import { DEFAULT_PORT, type FullShard } from "./shard.ts";

/** twemproxy cuts names here, which would make all points of a shard the same. */
const TWEMPROXY_NAME_BYTES = 85;
const LONGEST_NUMBER_BYTES = 8;

const { fround } = Math;

/** The text of the points of a shard, up to the number. */
export function stemOf(mode: KetamaMode, shard: FullShard): string {
  const { host, port, name } = shard;
  if (name !== undefined) return `${name}-`;
  if (mode === "libmemcached-spy") return `/${host}:${port}-`;
  const portAlways = mode === "libketama" || mode === "exact160";
  return portAlways || port !== DEFAULT_PORT ? `${host}:${port}-` : `${host}-`;
}

/** How many points a weighted shard has, four to a name. */
function weightedNames(mode: KetamaMode, weight: number, live: Live): number {
  const share = fround(fround(weight) / fround(live.weight));
  if (mode === "libketama") return Math.floor(fround(share * 40 * live.count));
  const perShard = fround(fround(fround(share * 160) / 4) * fround(live.count));
  return Math.floor(fround(perShard + 1e-10));
}

interface Live {
  readonly count: number;
  readonly weight: number;
}

/** The names of the points of all live shards, each name giving four points. */
export function fourfoldNames(
  shards: readonly (FullShard | undefined)[],
  options: { mode: KetamaMode; weighted: boolean },
): PointNames[] {
  const { mode, weighted } = options;
  const live = shards.filter((shard) => shard !== undefined);
  const sums = { count: live.length, weight: live.reduce((sum, { weight }) => sum + weight, 0) };
  return namesOf(shards, mode, ({ weight }) => weighted ? weightedNames(mode, weight, sums) : 40);
}

/** The names of the points of all live shards, each name giving one point. */
export function singleNames(
  shards: readonly (FullShard | undefined)[],
  mode: KetamaMode,
): PointNames[] {
  return namesOf(shards, mode, () => mode === "spymemcached" ? 160 : 100);
}

// Of two points with one value the first owns the keys; only spymemcached lets the last have them.
function namesOf(
  shards: readonly (FullShard | undefined)[],
  mode: KetamaMode,
  countOf: (shard: FullShard) => number,
): PointNames[] {
  const names: PointNames[] = [];
  shards.forEach((shard, owner) => {
    if (shard) names.push({ owner, stem: stemOf(mode, shard), count: countOf(shard) });
  });
  return mode === "spymemcached" ? names.reverse() : names;
}

/** Refuses what the original of a mode would refuse, or would not tell apart. */
export function checkShards(mode: KetamaMode, shards: readonly FullShard[]): void {
  const encoder = new TextEncoder();
  const seen = new Set<string>();
  for (const shard of shards) {
    const stem = stemOf(mode, shard);
    if (seen.has(stem) && forbidsDuplicates(mode)) {
      throw new RangeError(`Cannot add shard "${shard.label}": "${mode}" takes a shard only once`);
    }
    seen.add(stem);
    if (mode === "exact160" && shard.weight !== 1) {
      throw new RangeError(`Cannot add shard "${shard.label}": "exact160" knows no weights`);
    }
    const stemBytes = mode === "twemproxy" ? encoder.encode(stem).length : 0;
    if (stemBytes + LONGEST_NUMBER_BYTES > TWEMPROXY_NAME_BYTES) {
      throw new RangeError(`Cannot add shard "${shard.label}": its name is too long for twemproxy`);
    }
  }
}

// twemproxy refuses a name it has seen; spymemcached's map would leave the first without points.
function forbidsDuplicates(mode: KetamaMode): boolean {
  return mode === "twemproxy" || mode === "spymemcached";
}
