/**
 * The region beside its peers: an awaited hit, and the calls that many callers of one key cause.
 *
 * `deno run -A bench/region.ts` or `node bench/region.ts`. A full run is kept in `bench/results/`.
 */

import { conclude, type Contender, race, timed } from "./harness.ts";
import {
  type GetOrCreate,
  type MakeCache,
  ours,
  singlePeers,
  tieredPeers,
} from "./region_peers.ts";
import { makeRegion } from "../src/region/region.ts";

const KEYS = Array.from({ length: 1_000 }, (_, i) => `key number ${i}`);
const one = (): Promise<number> => Promise.resolve(1);

type Pass = (get: GetOrCreate, keys: readonly string[], create: typeof one) => Promise<number>;

/**
 * A loop of its own for every contender. In one that all share, the engine would see too many
 * functions called to inline any of them.
 */
function makePass(): Pass {
  const body = "let sum = 0; for (const key of keys) sum += await get(key, create); return sum;";
  return new Function(`return async (get, keys, create) => { ${body} }`)() as Pass;
}

async function hits(name: string, make: MakeCache): Promise<Contender> {
  const [get, pass] = [make(), makePass()];
  for (const key of KEYS) await get(key, one);
  return timed(name, KEYS.length, async () => {
    const sum = await pass(get, KEYS, one);
    if (sum !== KEYS.length) throw new Error(`${name} answered ${sum}, not ${KEYS.length}`);
  });
}

const floors: Readonly<Record<string, MakeCache>> = {
  "await Promise.resolve(map.get(key))": () => {
    const map = new Map(KEYS.map((key) => [key, 1]));
    return (key) => Promise.resolve(map.get(key) as number);
  },
  "the same with a deadline checked": () => {
    const map = new Map(KEYS.map((key) => [key, { value: 1, until: Date.now() + 3_600_000 }]));
    return (key) => {
      const held = map.get(key);
      const isLive = held !== undefined && Date.now() < held.until;
      return Promise.resolve(isLive ? held.value : NaN);
    };
  },
};

async function contenders(makers: Readonly<Record<string, MakeCache>>): Promise<Contender[]> {
  return await Promise.all(Object.entries(makers).map(([name, make]) => hits(name, make)));
}

async function listened(): Promise<Contender> {
  return await hits("cairn with a listener to other events", () => {
    const region = makeRegion({ near: { maxEntries: 10_000 }, softTtlMs: 3_600_000 });
    region.on("create", () => {});
    return (key, create) => region.getOrCreate(key, create);
  });
}

/** How many creations `callers` of one missing key cause, and how many of them fail. */
async function crowd(make: MakeCache, callers: number, fails: boolean): Promise<string> {
  const get = make();
  let calls = 0;
  const create = async (): Promise<number> => {
    calls++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (fails) throw new Error("no");
    return 1;
  };
  const startedAt = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: callers }, () => get("crowded", create)),
  );
  const failed = outcomes.filter(({ status }) => status === "rejected").length;
  const tookMs = performance.now() - startedAt;
  return `${calls} creations, ${failed} failed callers, ${tookMs.toFixed(1)} ms`;
}

const [ourHit, ourEndlessHit] = await contenders(ours) as [Contender, Contender];
const outcomes = [
  await race({
    title: "awaited hit, values for an hour",
    ours: ourHit,
    others: [
      ...await contenders(floors),
      ...await contenders(tieredPeers),
      ...await contenders(singlePeers),
      await listened(),
    ],
    goals: [
      { against: "await Promise.resolve(map.get(key))", atLeast: 0.5 },
      { against: "the same with a deadline checked", atLeast: 0.5 },
      ...Object.keys(tieredPeers).map((against) => ({ against, atLeast: 3 })),
    ],
  }),
  await race({
    title: "awaited hit, values for ever",
    ours: ourEndlessHit,
    others: (await contenders(floors)).slice(0, 1),
    goals: [{ against: "await Promise.resolve(map.get(key))", atLeast: 0.5 }],
  }),
];
for (
  const [title, callers, fails] of [
    ["1,000 callers of a missing key", 1_000, false],
    ["100 callers of a failing creation", 100, true],
  ] as const
) {
  console.log(`\n${title}`);
  for (const [name, make] of Object.entries({ ...ours, ...tieredPeers, ...singlePeers })) {
    console.log(`  ${name.padEnd(24)}${await crowd(make, callers, fails)}`);
  }
}
await conclude("region", outcomes);
