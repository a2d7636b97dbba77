/** How much memory an entry takes beyond its key and value. */

import process from "node:process";
import { type Line, median, type Outcome } from "./harness.ts";
import type { MakePeer, Peer, Peers } from "./memory_peers.ts";

const ENTRIES = 100_000;
const ROUNDS = 7;

/** Who is measured once more when as many entries have been evicted as are held. */
const EVICTING = ["Map", "cairn, ttl", "lru-cache, ttl"];

/** Measures and prints. Needs `--expose-gc`. */
export function measureBytes(peers: Peers): Outcome {
  console.log("\nbytes per entry, beyond key and value");
  const evicting = Object.fromEntries(
    EVICTING.map((name) => [name, name === "Map" ? boundedMap : peers[name]!]),
  );
  const lines = [
    ...linesOf(peers, keysOf(ENTRIES), ""),
    ...linesOf(evicting, keysOf(2 * ENTRIES), ", after evictions"),
  ];
  return { title: "bytes per entry", rounds: ROUNDS, lines };
}

function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `key:${n}`);
}

function linesOf(peers: Peers, keys: readonly string[], when: string): Line[] {
  const bytesOfPeer = (name: string): number =>
    median(Array.from({ length: ROUNDS }, () => bytesOf(peers[name]!, keys)));
  const map = bytesOfPeer("Map");
  return Object.keys(peers).map((name) => {
    const bytes = bytesOfPeer(name);
    const more = `Map ${bytes < map ? "-" : "+"} ${Math.abs(bytes - map).toFixed(1)}`;
    const title = `${name}${when}`;
    console.log(`  ${title.padEnd(44)}${bytes.toFixed(1).padStart(12)}${more.padStart(16)}`);
    return { name: `${title}, bytes beyond Map`, nanoseconds: bytes - map, ratio: 1 };
  });
}

/** A map that holds `capacity` keys, the last ones. */
function boundedMap(capacity: number): Peer {
  const map = new Map<string, unknown>();
  return {
    get: (key) => map.get(key),
    set: (key, value) => {
      if (map.size >= capacity) map.delete(map.keys().next().value!);
      map.set(key, value);
    },
    size: () => map.size,
  };
}

function bytesOf(make: MakePeer, keys: readonly string[]): number {
  const before = used();
  const peer = make(ENTRIES);
  for (const key of keys) peer.set(key, keys);
  const after = used();
  if (peer.get(keys.at(-1)!) === undefined) throw new Error("the last key is missing");
  return (after - before) / ENTRIES;
}

function used(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("Cannot measure memory: run with --expose-gc");
  for (let time = 0; time < 3; time++) gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
