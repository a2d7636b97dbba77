/**
 * Ketama: consistent hashing that agrees with libmemcached, and with those who agree with it.
 *
 * Every shard owns points on a circle of 32-bit values; a key belongs to the first point at or
 * after its hash. So a shard that comes or goes moves only its own share of the keys. What points
 * are named after, how many there are and what hashes a key differs between implementations; the
 * modes follow each to the bit. Sources: the behaviour of libmemcached 1.1.4, libketama,
 * twemproxy's nc_ketama.c, spymemcached's KetamaNodeLocator, Couchbase RFC 26.
 */

import type { EjectableRing, Ring } from "../contracts/ring.ts";
import { ByteHasher, type CharSign, KEY_HASHES, type KeyHash } from "./byte_hasher.ts";
import type { ByteKeys, Kernel, KeyHasher } from "./kernel.ts";
import { Circle, type RingPoints } from "./circle.ts";
import { NamespacedHasher } from "./namespaced_hasher.ts";
import { DEFAULT_HASHES, isWeighted, type KetamaMode } from "./modes.ts";
import { fullShards, inHostOrder, type Shard, type UnixStyle } from "./shard.ts";

/** How to make a ring. Only `shards` is needed. */
export interface KetamaOptions {
  /**
   * The shards, as {@linkcode Shard}s or as text: `host`, `host:port`, `[address]:port`, `/path`,
   * or any label. At least one, at most 65,535.
   */
  readonly shards: readonly (string | Shard)[];
  /**
   * Whose ring it is. Default: `"libmemcached-weighted"`.
   *
   * - `"libmemcached-weighted"`: 160 points by weight, MD5. What pylibmc's `ketama_weighted` and
   *   PHP's `OPT_LIBKETAMA_COMPATIBLE` give.
   * - `"libmemcached"`: `KETAMA=1` to the letter: 100 points placed by the key hash, which is not
   *   MD5 unless asked for; the weighted ring as soon as a weight is above 1.
   * - `"libmemcached-spy"`: names as old Java clients made them, with slash and port.
   * - `"libketama"`: last.fm's original, names with the port always.
   * - `"twemproxy"`: names without port 11211; keys by FNV-1a unless told otherwise.
   * - `"spymemcached"`: exactly 160 points unless weights are given; the later of two equal
   *   points wins.
   * - `"exact160"`: exactly 160 points, names with the port always, no weights: memcached's own
   *   proxy and Couchbase.
   * - `"modula"`: no ring at all, the remainder of the hash: libmemcached when told nothing.
   */
  readonly mode?: KetamaMode;
  /** What hashes the keys. Default: what the mode's original does, mostly `"md5"`. */
  readonly hash?: KeyHash;
  /**
   * Whether the weighted ring is used, in the libmemcached and spymemcached modes. Default: as the
   * mode says; `false` in `"libmemcached-weighted"` is what libmemcached's own clone falls back to.
   */
  readonly weighted?: boolean;
  /**
   * How bytes from 0x80 on enter `"default"` and the FNV hashes: as the C compiler of the other
   * side has it, signed on x86, unsigned on ARM. Default: `"signed"`.
   */
  readonly charSign?: CharSign;
  /**
   * The port of a unix socket given without one: 0 as libmemcached's unix socket call and pylibmc
   * have it (`"socket"`, the default), or 11211 as its ordinary call makes of it (`"tcp"`).
   */
  readonly unixStyle?: UnixStyle;
  /** Whether shards are put in the order of host and port first. Default: `false`. */
  readonly sortHosts?: boolean;
  /**
   * Hashed before every key, as under libmemcached's `HASH_WITH_PREFIX_KEY`, its limit of 250
   * bytes included. A namespace that is not hashed does not concern a ring. Default: `""`.
   */
  readonly namespace?: string;
}

/** A {@linkcode Ring} that can be looked into. */
export interface KetamaRing extends EjectableRing {
  /** The indexes for keys in UTF-8, one after the other: the fastest way. */
  indexOfManyBytes(keys: ByteKeys, out?: Uint16Array): Uint16Array;
  /**
   * The same ring for keys that all begin with `prefix`, asked with what follows it. The prefix
   * stays written in the kernel's memory, so that a key need not be put together first.
   */
  prefixed(prefix: string): Ring;
  /** The points in ascending order of value; empty in mode `"modula"`. */
  points(): RingPoints;
}

/** Makes a ring whose digests come from `kernel`. */
export function ketamaOver(kernel: Kernel, options: KetamaOptions): KetamaRing {
  const mode = oneOf("mode", options.mode ?? "libmemcached-weighted", Object.keys(DEFAULT_HASHES));
  const hash = oneOf("hash", options.hash ?? DEFAULT_HASHES[mode], KEY_HASHES);
  const charSign = oneOf("charSign", options.charSign ?? "signed", ["signed", "unsigned"]);
  const unixStyle = oneOf("unixStyle", options.unixStyle ?? "socket", ["socket", "tcp"]);
  const { sortHosts = false, namespace = "" } = options;
  const given = fullShards(options.shards, unixStyle);
  const shards = sortHosts ? inHostOrder(given) : given;
  const pointHasher: KeyHasher = hash === "md5" ? kernel : new ByteHasher(hash, charSign);
  const hasher = namespace === ""
    ? pointHasher
    : new NamespacedHasher(pointHasher, checkedPrefix(namespace));
  const weighted = isWeighted(mode, options);
  const hashing = [hash, ...(hash === "md5" ? [] : [charSign]), namespace].join(" ").trimEnd();
  const parts = { kernel, mode, hash, hashing, pointHasher, weighted, shards };
  return new Ketama(new Circle(parts), hasher);
}

class Ketama implements KetamaRing {
  readonly labels: readonly string[];
  readonly #circle: Circle;
  readonly #hasher: KeyHasher;
  readonly #prefix: string;

  constructor(circle: Circle, hasher: KeyHasher, prefix = "") {
    this.labels = circle.labels;
    this.#circle = circle;
    this.#hasher = hasher;
    this.#prefix = prefix;
  }

  indexOf(key: string): number {
    return this.#circle.placement.ownerOf(this.#hasher.hash(this.#prefix, key));
  }

  indexOfMany(keys: readonly string[], out?: Uint16Array): Uint16Array {
    const indexes = roomFor(keys.length, out);
    const { placement } = this.#circle;
    for (let from = 0; from < keys.length;) {
      const count = this.#hasher.hashMany(keys, from, this.#prefix);
      placement.ownersOf(this.#hasher.hashes, { count, out: indexes, at: from });
      from += count;
    }
    return indexes;
  }

  indexOfManyBytes(keys: ByteKeys, out?: Uint16Array): Uint16Array {
    const indexes = roomFor(keys.ends.length, out);
    const { placement } = this.#circle;
    for (let from = 0; from < keys.ends.length;) {
      const count = this.#hasher.hashManyBytes(keys, from);
      placement.ownersOf(this.#hasher.hashes, { count, out: indexes, at: from });
      from += count;
    }
    return indexes;
  }

  prefixed(prefix: string): Ring {
    return new Ketama(this.#circle, this.#hasher, checkedPrefix(prefix));
  }

  isLive(index: number): boolean {
    return this.#circle.isLive(index);
  }

  eject(index: number): boolean {
    return this.#circle.eject(index);
  }

  restore(index: number): boolean {
    return this.#circle.restore(index);
  }

  points(): RingPoints {
    return this.#circle.points();
  }
}

function roomFor(keys: number, out: Uint16Array = new Uint16Array(keys)): Uint16Array {
  if (out.length >= keys) return out;
  throw new RangeError(`Cannot write the indexes of ${keys} keys: there is room for ${out.length}`);
}

/** A pair of surrogates must not be torn apart: its halves would be hashed as two characters. */
function checkedPrefix(prefix: string): string {
  if (!/[\uD800-\uDBFF]$/.test(prefix)) return prefix;
  throw new RangeError(`Cannot put "${prefix}" before keys: it ends within a character`);
}

function oneOf<T extends string>(option: string, value: T, known: readonly string[]): T {
  if (known.includes(value)) return value;
  throw new RangeError(`Cannot make a ring: there is no ${option} "${value}"`);
}
