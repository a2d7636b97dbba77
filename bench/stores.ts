/**
 * Stores: what operations cost in commands and round trips, and what cairn adds to the client's own
 * get. `deno run -A bench/stores.ts` or `node bench/stores.ts`; results in `bench/results/`.
 */

import { conclude } from "./harness.ts";
import { raceGets } from "./store_gets.ts";
import { type Costs, countTrips } from "./store_trips.ts";

/** What design §8 allows over Redis, and what is meant to hold over memcached, in round trips. */
const MOST_TRIPS: Readonly<Record<string, number>> = {
  "cold": 3,
  "hit": 1,
  "stale": 3,
  "batch missing": 3,
  "batch fresh": 1,
};

const stores = await countTrips();
show(stores);
await conclude("stores", await raceGets(), { stores });

function show(stores: readonly Costs[]): void {
  const [first] = stores;
  const operations = first?.costs.map(({ operation }) => operation) ?? [];
  console.log("\nround trips / commands of one operation; a batch is of 10 keys");
  console.log(row("", operations));
  for (const { name, costs } of stores) {
    const cells = costs.map(({ commands, trips }) => `${trips ?? "-"} / ${commands}`);
    console.log(row(name, cells) + verdictOn({ name, costs }));
  }
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(22)}${cells.map((cell) => cell.padStart(15)).join("")}`;
}

function verdictOn({ name, costs }: Costs): string {
  const isOver = costs.some(({ operation, trips = 0 }) => trips > (MOST_TRIPS[operation] ?? 2));
  return isOver && /^(?:Redis|memcached)/.test(name) ? "  over" : "";
}
