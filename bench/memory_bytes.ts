/** How much memory an entry takes beyond its key and value. */

import process from "node:process";
import { median, type Outcome } from "./harness.ts";
import type { MakePeer, Peers } from "./memory_peers.ts";

const ENTRIES = 100_000;
const ROUNDS = 7;

/** Measures and prints. Needs `--expose-gc`. */
export function measureBytes(peers: Peers): Outcome {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("Cannot measure memory: run with --expose-gc");
  console.log("\nbytes per entry, beyond key and value");
  const keys = Array.from({ length: ENTRIES }, (_, n) => `key:${n}`);
  const bytesOfPeer = (name: string): number =>
    median(Array.from({ length: ROUNDS }, () => bytesOf(peers[name]!, keys, gc)));
  const map = bytesOfPeer("Map");
  const lines = Object.keys(peers).map((name) => {
    const bytes = bytesOfPeer(name);
    const more = `Map ${bytes < map ? "-" : "+"} ${Math.abs(bytes - map).toFixed(1)}`;
    console.log(`  ${name.padEnd(44)}${bytes.toFixed(1).padStart(12)}${more.padStart(16)}`);
    return { name: `${name}, bytes beyond Map`, nanoseconds: bytes - map, ratio: 1 };
  });
  return { title: "bytes per entry", rounds: ROUNDS, lines };
}

function bytesOf(make: MakePeer, keys: readonly string[], gc: () => void): number {
  const before = used(gc);
  const peer = make(ENTRIES);
  for (const key of keys) peer.set(key, keys);
  const after = used(gc);
  if (peer.get(keys[ENTRIES - 1]!) === undefined) throw new Error("the last key is missing");
  return (after - before) / ENTRIES;
}

function used(gc: () => void): number {
  for (let time = 0; time < 3; time++) gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
