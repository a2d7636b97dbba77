/** A digest of everything that the hash room answers, to be compared between ways of loading it. */

/** What a way of loading gives: `hashing.ts` or `hashing_workerd.ts`. */
export interface Hashing {
  kernelKind(): "wasm" | "script";
  ketama(options: { shards: string[]; mode: "libmemcached"; hash: "md5" }): Ring;
  ketama(options: { shards: string[]; namespace?: string }): Ring;
  rendezvous(options: { shards: string[] }): Ring;
  sha1Hex(message: string | Uint8Array): string;
  md5(message: Uint8Array): Uint8Array;
}

interface Ring {
  indexOf(key: string): number;
  indexOfMany(keys: readonly string[]): Uint16Array;
}

/** The kernel in use and its answers. */
export interface Answers {
  readonly kind: "wasm" | "script";
  /** What is exported. */
  readonly names: readonly string[];
  readonly indexes: readonly string[];
  readonly digests: readonly string[];
}

/** Asks for indexes and digests of keys of many kinds. */
export function answers(hashing: Hashing): Answers {
  const keys = Array.from({ length: 600 }, (_, i) => "k".repeat(i % 130) + "é".repeat(i % 3) + i);
  const shards = Array.from({ length: 60 }, (_, i) => `10.0.${i}.1:1121${i % 9}`);
  const rings = [
    hashing.ketama({ shards }),
    hashing.ketama({ shards, namespace: "n:" }),
    hashing.ketama({ shards, mode: "libmemcached", hash: "md5" }),
    hashing.rendezvous({ shards: shards.slice(0, 32) }),
  ];
  const digest = hashing.md5(new TextEncoder().encode(keys.join()));
  return {
    kind: hashing.kernelKind(),
    names: Object.keys(hashing).sort(),
    indexes: rings.flatMap((ring) => [
      ring.indexOfMany(keys).join(),
      keys.map((key) => ring.indexOf(key)).join(),
    ]),
    digests: [...keys.map((key) => hashing.sha1Hex(key)), digest.join()],
  };
}
