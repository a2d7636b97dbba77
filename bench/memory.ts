/**
 * The memory cache beside its peers: hit, update, churn, read-through, expiry, bytes per entry. Caches
 * with a time to live run against caches with one, and those without against those without.
 *
 * `deno run -A --v8-flags=--expose-gc bench/memory.ts` or `node --expose-gc bench/memory.ts`; parts by
 * name: `… bench/memory.ts hit churn`. A full run is kept in `bench/results/`.
 */

import process from "node:process";
import { conclude, type Contender, type Goal, type Outcome, race, timed } from "./harness.ts";
import { measureBytes } from "./memory_bytes.ts";
import { measureExpiry } from "./memory_expiry.ts";
import type * as Loops from "./memory_loops.ts";
import {
  coarselyTimedPeers,
  type MakePeer,
  type Peers,
  slowPeers,
  timedPeers,
  untimedPeers,
} from "./memory_peers.ts";
import { seededRandom, zipfOrder } from "./zipf.ts";

const CAPACITY = 10_000;
const READS = 50_000;
const FRESH_KEYS = 50_000;
const ZIPF_KEYS = 100_000;
const SLOW_PARTS = 250;

const LOOPS = ["hit", "update", "churn", "readThrough"] as const;
type Loop = typeof LOOPS[number];

/** Keys, the order in which they are asked for, and what is there beforehand. */
interface Load {
  readonly keys: readonly string[];
  readonly order: Uint32Array;
  readonly filled: readonly string[];
}

/** A contender, and what else should be known about it. */
interface Entrant extends Contender {
  note(): string;
}

const CLASSES: readonly { title: string; peers: Peers; goals: Partial<Record<Loop, Goal[]>> }[] = [
  {
    title: "with a deadline",
    peers: timedPeers,
    goals: {
      hit: [
        { against: "Map + clock", atLeast: 1 / 1.3 },
        { against: "lru-cache, ttl", atLeast: 1 },
      ],
      churn: [{ against: "lru-cache, ttl", atLeast: 1 }],
    },
  },
  {
    title: "with a deadline, clock read once a millisecond",
    peers: coarselyTimedPeers,
    goals: { hit: [{ against: "lru-cache, ttl, coarse clock", atLeast: 1 }] },
  },
  {
    title: "without deadline",
    peers: untimedPeers,
    goals: { hit: [{ against: "Map", atLeast: 1 / 1.5 }] },
  },
];

async function raceLoop(loop: Loop): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { title, peers, goals } of CLASSES) {
    const load = loadOf(loop);
    const entrants: Entrant[] = [];
    for (const [name, make] of Object.entries(peers)) {
      entrants.push(await entrantOf(name, make, { loop, load }));
    }
    const [ours, ...others] = entrants;
    outcomes.push(
      await race({ title: `${loop}, ${title}`, ours: ours!, others, goals: goals[loop] ?? [] }),
    );
    for (const { name, note } of entrants) console.log(`    ${name}: ${note()}`);
  }
  return outcomes;
}

async function entrantOf(
  name: string,
  make: MakePeer,
  { loop, load }: { loop: Loop; load: Load },
): Promise<Entrant> {
  const { keys, order, filled } = load;
  const loops = await copyOfLoops(`${loop} ${name}`);
  const peer = make(CAPACITY);
  for (const key of filled) peer.set(key, loops.VALUE);
  const parts = partsOf(loop, load, slowPeers.includes(name) ? SLOW_PARTS : 1);
  const operations = (loop === "churn" ? keys.length : order.length) / parts.length;
  let turn = 0;
  const contender = timed(name, operations, () => {
    const part = parts[turn++ % parts.length]!;
    return loops[loop](peer, part.keys, part.order);
  });
  return {
    ...contender,
    note: () => {
      if (loop !== "readThrough" || parts.length > 1) return `${peer.size()} held`;
      const hits = loops.hitsOf(peer, keys, order);
      return `${(100 * hits / order.length).toFixed(1)} % hits, ${peer.size()} held`;
    },
  };
}

/** A slow cache takes its load in parts, one for each pass, so that it does not hold up the rest. */
function partsOf(loop: Loop, { keys, order, filled }: Load, count: number): Load[] {
  return Array.from({ length: count }, (_, part) => {
    const share = <T extends { readonly length: number; slice(from: number, to: number): T }>(
      all: T,
    ): T => all.slice(part * all.length / count, (part + 1) * all.length / count);
    return loop === "churn"
      ? { keys: share(keys as string[]), order, filled }
      : { keys, order: share(order), filled };
  });
}

async function copyOfLoops(name: string): Promise<typeof Loops> {
  return await import(`./memory_loops.ts?for=${encodeURIComponent(name)}`);
}

// Keys that were parsed are flat and not yet hashed, as those of requests are.
function keysOf(prefix: string, count: number): string[] {
  const keys = Array.from({ length: count }, (_, n) => `${prefix}:${n}`);
  return JSON.parse(JSON.stringify(keys));
}

function loadOf(loop: Loop): Load {
  const random = seededRandom(1);
  if (loop === "churn") {
    const filled = keysOf("old", CAPACITY);
    return { keys: keysOf("fresh:key", FRESH_KEYS), order: new Uint32Array(0), filled };
  }
  if (loop === "readThrough") {
    const order = zipfOrder({ keys: ZIPF_KEYS, exponent: 0.99, length: READS, random });
    return { keys: keysOf("zipf:key", ZIPF_KEYS), order, filled: [] };
  }
  const keys = keysOf("user:session", CAPACITY);
  const order = Uint32Array.from({ length: READS }, () => Math.floor(random() * CAPACITY));
  return { keys, order, filled: keys };
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const isAsked = (part: string): boolean => asked.length === 0 || asked.includes(part);
  const outcomes: Outcome[] = [];
  for (const loop of LOOPS) if (isAsked(loop)) outcomes.push(...await raceLoop(loop));
  if (isAsked("expiry")) outcomes.push(await measureExpiry());
  if (isAsked("bytes")) outcomes.push(measureBytes({ ...untimedPeers, ...timedPeers }));
  if (asked.length === 0) await conclude("memory", outcomes);
  process.exit();
}

await main();
