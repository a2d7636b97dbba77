/** Other rings and digests, each as a function from a key. */

import { createHash, hash } from "node:crypto";
import HashRing from "hashring";
import { createMD5, createSHA1 } from "hash-wasm";
import { Memcache } from "memcache";
import type { Kernel } from "../src/hash/kernel.ts";
import type { KetamaRing } from "../src/hash/ketama.ts";

/** A peer that is asked for one key. */
export interface Peer {
  readonly name: string;
  ask(key: string): unknown;
}

/** The name of hashring's rows. */
export const HASHRING = "hashring, more keys than it caches";

/** node-hashring as it comes, with its cache of 5,000 keys. */
export function hashring(shards: readonly string[]): Peer {
  const ring = new HashRing([...shards], "md5", {});
  return { name: HASHRING, ask: (key) => ring.get(key) };
}

/** The ring of the memcache package: its own hash and points, no ketama. */
export function memcacheRing(shards: readonly string[]): Peer {
  const { hash: provider } = new Memcache({ nodes: [...shards] });
  return { name: "memcache, its own hash", ask: (key) => provider.getNodesByKey(key) };
}

/** A ring as one writes it over `createHash`: sorted points and a binary search. */
export function cryptoHashRing(shards: readonly string[]): Peer {
  const points = sortedPoints(shards, (name) => createHash("md5").update(name).digest());
  const name = "node:crypto createHash, binary search";
  return {
    name,
    ask: (key) => found(points, createHash("md5").update(key).digest().readUInt32LE(0)),
  };
}

/** The same over the one-shot function of Node 21. */
export function cryptoOneShotRing(shards: readonly string[]): Peer {
  const points = sortedPoints(shards, (name) => createHash("md5").update(name).digest());
  return {
    name: "node:crypto hash, binary search",
    ask: (key) => found(points, hash("md5", key, "buffer").readUInt32LE(0)),
  };
}

/** The same over hash-wasm. */
export async function hashWasmRing(shards: readonly string[]): Promise<Peer> {
  const points = sortedPoints(shards, (name) => createHash("md5").update(name).digest());
  const md5 = await createMD5();
  return {
    name: "hash-wasm createMD5, binary search",
    ask: (key) => {
      const digest = md5.init().update(key).digest("binary");
      const word = digest[0]! | digest[1]! << 8 | digest[2]! << 16 | digest[3]! << 24;
      return found(points, word >>> 0);
    },
  };
}

/** Our own plain MD5 under a binary search: what the direct table is worth. */
export function sortedRing(ring: KetamaRing, { kernel }: { readonly kernel: Kernel }): Peer {
  const { values, owners } = ring.points();
  return {
    name: "plain TypeScript MD5, binary search",
    ask: (key) => found({ values, owners }, kernel.hash("", key)),
  };
}

/** A digest as one writes it. */
export function cryptoHash(algorithm: string): (message: string) => string {
  return (message) => createHash(algorithm).update(message).digest("hex");
}

/** The same by the one-shot function. */
export function oneShotHash(algorithm: string): (message: string) => string {
  return (message) => hash(algorithm, message);
}

/** The same by hash-wasm. */
export async function hashWasmSha1(): Promise<(message: string) => string> {
  const sha1 = await createSHA1();
  return (message) => sha1.init().update(message).digest();
}

interface Points {
  readonly values: Uint32Array;
  readonly owners: Uint16Array;
}

function sortedPoints(shards: readonly string[], digest: (name: string) => Uint8Array): Points {
  const entries = new Float64Array(shards.length * 160);
  shards.forEach((shard, owner) => {
    for (let i = 0; i < 40; i++) {
      const view = new DataView(Uint8Array.from(digest(`${shard}-${i}`)).buffer);
      for (let word = 0; word < 4; word++) {
        entries[160 * owner + 4 * i + word] = view.getUint32(4 * word, true) * 65_536 + owner;
      }
    }
  });
  entries.sort();
  return {
    values: Uint32Array.from(entries, (entry) => entry / 65_536),
    owners: Uint16Array.from(entries, (entry) => entry % 65_536),
  };
}

function found({ values, owners }: Points, hash: number): number {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = low + high >>> 1;
    if (values[middle]! < hash) low = middle + 1;
    else high = middle;
  }
  return owners[low === values.length ? 0 : low]!;
}
