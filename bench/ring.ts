/**
 * The speed of the hash room beside its peers: `deno run -A bench/ring.ts`, `node bench/ring.ts`.
 *
 * A peer that caches its answers is given more keys than it caches. Goals are the ratios that this
 * project has set itself; a row that loses, or is short of its goal, is printed again at the end.
 */

import process from "node:process";
import { conclude, type Contender, type Goal, type Outcome, race, timed } from "./harness.ts";
import { isolated } from "./isolated.ts";
import { LIBMEMCACHED, libmemcached } from "./libmemcached.ts";
import {
  cryptoHash,
  cryptoHashRing,
  cryptoOneShotRing,
  HASHRING,
  hashring,
  hashWasmRing,
  hashWasmSha1,
  memcacheRing,
  oneShotHash,
  sortedRing,
} from "./ring_peers.ts";
import type * as Hashing from "../src/hash/hashing.ts";
import type { KetamaOptions, KetamaRing } from "../src/hash/ketama.ts";
import type { Kernel } from "../src/hash/kernel.ts";

interface Twin {
  ketama(options: KetamaOptions): KetamaRing;
  readonly kernel: Kernel;
}

const ours = await isolated<typeof Hashing>('export * from "./src/hash/hashing.ts"');
const batchOurs = await isolated<typeof Hashing>('export * from "./src/hash/hashing.ts"');
const twin = await isolated<Twin>(`
  import { ketamaOver } from "./src/hash/ketama.ts";
  import { ScriptKernel } from "./src/hash/script_kernel.ts";
  export const kernel = new ScriptKernel();
  export const ketama = (options) => ketamaOver(kernel, options);
`);

const TWIN = "cairn, plain TypeScript";
const keys = keysOf(8_192, 20, 40);
const outcomes: Outcome[] = [];

/** Keys as users make them: flat ASCII of many lengths, the same in every run. */
function keysOf(count: number, shortest: number, longest: number): string[] {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789:/_-";
  let seed = 1;
  const random = (below: number): number => {
    seed = Math.imul(seed, 1_103_515_245) + 12_345 >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
  return Array.from({ length: count }, () => {
    const codes = Array.from(
      { length: shortest + random(longest - shortest + 1) },
      () => letters.charCodeAt(random(letters.length)),
    );
    return String.fromCharCode(...codes);
  });
}

function hostsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${1 + (i >> 8)}.${(i & 255) + 1}:11211`);
}

/** How many keys a pass takes; the next pass goes on where it ended. */
const PASS_KEYS = 1_024;

/** A contender that is asked for every key, one by one. */
function each(name: string, ask: (key: string) => unknown, asked = keys): Contender {
  let from = 0;
  return timed(name, PASS_KEYS, () => {
    let last: unknown;
    const end = from + PASS_KEYS;
    for (let i = from; i < end; i++) last = ask(asked[i]!);
    from = end % asked.length;
    return typeof last === "number" ? last : undefined;
  });
}

/** A contender that is given all keys in batches. */
function batches(name: string, size: number, ask: (keys: readonly string[]) => unknown): Contender {
  const parts = Array.from(
    { length: keys.length / size },
    (_, i) => keys.slice(i * size, (i + 1) * size),
  );
  const passParts = PASS_KEYS / size;
  let from = 0;
  return timed(name, PASS_KEYS, () => {
    const end = from + passParts;
    for (let i = from; i < end; i++) ask(parts[i]!);
    from = end % parts.length;
  });
}

async function run(
  title: string,
  contenders: readonly [Contender, ...Contender[]],
  goals: readonly Goal[] = [],
): Promise<void> {
  const [first, ...others] = contenders;
  outcomes.push(await race({ title, ours: first, others, goals }));
}

async function singleKeys(count: number, goals: readonly Goal[]): Promise<void> {
  const shards = hostsOf(count);
  const ring = ours.ketama({ shards });
  const plain = twin.ketama({ shards });
  const peers = [hashring(shards), memcacheRing(shards), cryptoHashRing(shards)];
  await run(`single key, ${count} shards`, [
    each("cairn", (key) => ring.indexOf(key)),
    each(TWIN, (key) => plain.indexOf(key)),
    ...[...peers, cryptoOneShotRing(shards), await hashWasmRing(shards), sortedRing(plain, twin)]
      .map(({ name, ask }) => each(name, ask)),
    ...(count <= 100 ? libmemcached(count, keys) : []),
  ], goals);
}

async function prefixedKeys(): Promise<void> {
  const ring = ours.ketama({ shards: hostsOf(10) });
  const prefix = "session:user:ab";
  const rest = keys.map((key) => key.slice(0, 15));
  const users = ring.prefixed(prefix);
  await run("single key of a fixed prefix and 15 characters, 10 shards", [
    each("cairn, resident prefix", (key) => users.indexOf(key), rest),
    each("cairn, prefix + key", (key) => ring.indexOf(prefix + key), rest),
  ], [{ against: "cairn, prefix + key", atLeast: 1.6 }]);
}

async function batchesOf(size: number, count: number, goals: readonly Goal[]): Promise<void> {
  const shards = hostsOf(count);
  const ring = batchOurs.ketama({ shards });
  const plain = twin.ketama({ shards });
  const out = new Uint16Array(size);
  const { name, ask } = hashring(shards);
  await run(`batch of ${size}, per key, ${count} shards`, [
    batches("cairn", size, (part) => ring.indexOfMany(part, out)),
    batches(TWIN, size, (part) => plain.indexOfMany(part, out)),
    each("cairn, one by one", (key) => ring.indexOf(key)),
    each(name, ask),
    ...libmemcached(count, keys),
  ], goals);
}

async function byteBatches(): Promise<void> {
  const shards = hostsOf(10);
  const ring = batchOurs.ketama({ shards });
  const part = keys.slice(0, 256);
  let end = 0;
  const ends = Uint32Array.from(part, ({ length }) => end += length);
  const bytes = new TextEncoder().encode(part.join(""));
  const out = new Uint16Array(256);
  const { name, ask } = hashring(shards);
  await run("batch of 256 in bytes, per key, 10 shards", [
    timed("cairn", 256, () => void ring.indexOfManyBytes({ bytes, ends }, out)),
    batches("cairn, in text", 256, (part) => ring.indexOfMany(part, out)),
    each(name, ask),
    ...libmemcached(10, keys),
  ]);
}

async function builds(count: number, goals: readonly Goal[]): Promise<void> {
  const shards = hostsOf(count);
  await run(`building a ring of ${count} shards`, [
    timed("cairn", 1, () => void ours.ketama({ shards })),
    timed(TWIN, 1, () => void twin.ketama({ shards })),
    timed(HASHRING, 1, () => void hashring(shards)),
    ...(count <= 100
      ? [timed("memcache, 50 points each", 1, () => void memcacheRing(shards))]
      : []),
    ...(count <= 100
      ? [timed("node:crypto createHash, sorted array", 1, () => void cryptoHashRing(shards))]
      : []),
  ], goals);
}

async function sha1(length: number, goals: readonly Goal[]): Promise<void> {
  const messages = keysOf(4_096, length, length);
  const encoder = new TextEncoder();
  const subtle = messages.slice(0, 256).map((message) => encoder.encode(message));
  const digests = await hashWasmSha1();
  await run(`SHA-1 of ${length} bytes as hexadecimal text`, [
    each("cairn", (message) => ours.sha1Hex(message), messages),
    each(TWIN, (message) => twin.kernel.sha1Hex(message), messages),
    each("node:crypto createHash", cryptoHash("sha1"), messages),
    each("node:crypto hash", oneShotHash("sha1"), messages),
    each("hash-wasm createSHA1", digests, messages),
    timed(
      "crypto.subtle, all at once",
      subtle.length,
      () => Promise.all(subtle.map((message) => crypto.subtle.digest("SHA-1", message))),
    ),
  ], goals);
}

const toHashring = (atLeast: number): Goal => ({ against: HASHRING, atLeast });
const toC = (atLeast: number): Goal => ({ against: LIBMEMCACHED, atLeast });

await singleKeys(10, [toHashring(10), toC(1.15)]);
await singleKeys(100, [toHashring(10)]);
await singleKeys(1_000, [toHashring(12)]);
await prefixedKeys();
await batchesOf(256, 10, [toHashring(30), toC(3)]);
await batchesOf(256, 100, [toHashring(30), toC(3)]);
await batchesOf(8, 10, []);
await byteBatches();
await builds(10, []);
await builds(100, [toHashring(12)]);
await builds(1_000, [toHashring(20)]);
await sha1(40, [{ against: "node:crypto createHash", atLeast: 3 }]);
await sha1(100, []);
await sha1(300, []);
await conclude("ring", outcomes);
process.exit(0);
