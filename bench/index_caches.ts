/**
 * The index on every store that this machine can start: how long the work of a large index takes, and
 * how much the store is asked for it.
 *
 * `deno run -A bench/index_caches.ts` or `node bench/index_caches.ts`; names of stores as arguments
 * measure only these, and keep nothing. A figure is the median of several rounds; ratios are to memory,
 * which does the same work with nothing to ask.
 */

import process from "node:process";
import { conclude, type Line, median, type Outcome } from "./harness.ts";
import { startStores, type Store } from "./index_stores.ts";
import { RELOAD, SAVE_MANY, works } from "./index_works.ts";

/** What a work on a store may take. */
interface Goal {
  readonly store: string;
  readonly title: string;
  readonly mostMs?: number;
  readonly mostAsked?: number;
}

const GOALS: readonly Goal[] = [
  { store: "sqlite", title: RELOAD, mostMs: 2_000 },
  { store: "d1", title: SAVE_MANY, mostAsked: 3 },
];

const ROUNDS = 7;

/** DynamoDB Local takes minutes for what the others do in seconds. */
const FEWER_ROUNDS: Readonly<Record<string, number>> = { dynamodb: 1 };

interface Measured {
  readonly store: string;
  readonly title: string;
  readonly ms: number;
  readonly asked: number;
  readonly unit: Store["unit"];
}

async function measure(store: Store, title: string): Promise<Measured> {
  const times: number[] = [];
  let asked = 0;
  for (let round = 0; round < (FEWER_ROUNDS[store.name] ?? ROUNDS); round++) {
    const startedAt = performance.now();
    asked = await store.run(title);
    times.push(performance.now() - startedAt);
  }
  return { store: store.name, title, ms: median(times), asked, unit: store.unit };
}

function isMissed({ ms, asked }: Measured, { mostMs, mostAsked }: Goal): boolean {
  return ms > (mostMs ?? Infinity) || asked > (mostAsked ?? Infinity);
}

function show(measured: Measured): void {
  const { title, ms, asked, unit, store } = measured;
  const goal = GOALS.find((each) => each.store === store && each.title === title);
  const verdict = goal === undefined ? "" : isMissed(measured, goal) ? "  short" : "  met";
  const columns = [title.padEnd(44), `${ms.toFixed(1)} ms`.padStart(13)];
  if (store !== "memory") columns.push(`${asked} ${unit}`.padStart(18));
  console.log(`  ${columns.join("")}${verdict}`);
}

const wanted = process.argv.slice(2);
const all: Measured[] = [];
for (const start of startStores()) {
  const store = await start();
  try {
    if (wanted.length > 0 && !wanted.includes(store.name)) continue;
    console.log(`\n${store.name}`);
    await store.run();
    for (const title of Object.keys(works)) {
      const measured = await measure(store, title);
      show(measured);
      all.push(measured);
    }
  } finally {
    await store.close();
  }
}

function outcomeOf(title: string): Outcome {
  const own = all.filter((measured) => measured.title === title);
  const lines = own.map(({ store, ms, asked, unit }): Line => ({
    name: store === "memory" ? store : `${store}, ${asked} ${unit}`,
    nanoseconds: ms * 1e6,
    ratio: ms / own[0]!.ms,
  }));
  return { title, rounds: ROUNDS, lines };
}

if (wanted.length === 0) {
  const goals = GOALS.map((goal) => {
    const found = all.find(({ store, title }) => store === goal.store && title === goal.title);
    return { ...goal, isMet: found !== undefined && !isMissed(found, goal) };
  });
  await conclude("index_caches", Object.keys(works).map(outcomeOf), { goals });
}
