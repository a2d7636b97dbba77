/**
 * The hit ratio of every policy over recorded traffic, beside LRU and Bélády's optimum.
 *
 * `deno run -A bench/hit_ratio.ts --traces=DIR`, or the folder in `CAIRN_TRACES`. Writes a table, and
 * `hit_ratio.json` and `hit_ratio.svg` into `bench/results/`.
 *
 * Application traces: web07 and web12 (web servers), adapt_size (a content network), corda (a
 * ledger). loop and gli are synthetic and hard. All are from Caffeine's simulator (Apache-2.0).
 */

import { writeFile } from "node:fs/promises";
import process from "node:process";
import { MemoryCache, type MemoryCacheOptions } from "../src/memory/memory_cache.ts";
import { wTinyLfu } from "../src/memory/w_tiny_lfu.ts";
import { beladyHits } from "./belady.ts";
import { drawHitRatios } from "./hit_ratio_svg.ts";
import { readTrace, type Trace } from "./trace.ts";

/** The hit ratios of one trace at one capacity, in percent, by policy. */
export interface Cell {
  readonly trace: string;
  readonly isApplication: boolean;
  readonly sharePercent: number;
  readonly capacity: number;
  readonly hitPercent: Readonly<Record<string, number>>;
}

const APPLICATIONS = ["web07", "web12", "adapt_size", "corda"];
const SYNTHETIC = ["loop", "gli"];
const WITH_SIZES = ["adapt_size"];
const SHARES = [0.1, 1, 5, 10, 20];

const POLICIES: Readonly<Record<string, MemoryCacheOptions["policy"]>> = {
  fifo: "fifo",
  lru: "lru",
  s3fifo: "s3fifo",
  wTinyLfu,
};

function cellOf(trace: Trace, sharePercent: number): Cell {
  const capacity = Math.max(1, Math.round(trace.distinct * sharePercent / 100));
  const hitPercent: Record<string, number> = {};
  for (const [name, policy] of Object.entries(POLICIES)) {
    const cache = new MemoryCache<number>({ maxEntries: capacity, policy });
    hitPercent[name] = percent(hitsOf(cache, trace), trace);
  }
  hitPercent.optimum = percent(beladyHits(trace.ids, capacity), trace);
  const isApplication = APPLICATIONS.includes(trace.name);
  return { trace: trace.name, isApplication, sharePercent, capacity, hitPercent };
}

/** As {@linkcode cellOf}, with the share taken of all bytes; here no optimum can be computed. */
function weighedCellOf(trace: Trace, sharePercent: number): Cell {
  const sizes = new Map<number, number>();
  trace.ids.forEach((id, at) => sizes.set(id, trace.sizes![at]!));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const capacity = Math.round(total * sharePercent / 100);
  const hitPercent: Record<string, number> = {};
  for (const [name, policy] of Object.entries(POLICIES)) {
    const weigh = (size: number) => size;
    const cache = new MemoryCache<number>({ maxWeight: capacity, weigh, policy });
    hitPercent[name] = percent(hitsOf(cache, trace), trace);
  }
  return {
    trace: `${trace.name}, bytes`,
    isApplication: false,
    sharePercent,
    capacity,
    hitPercent,
  };
}

function hitsOf(cache: MemoryCache<number>, trace: Trace): number {
  for (let at = 0; at < trace.ids.length; at++) {
    const key = String(trace.ids[at]);
    if (cache.get(key) === undefined) cache.set(key, trace.sizes?.[at] ?? 1);
  }
  return cache.stats().hits;
}

function percent(hits: number, trace: Trace): number {
  return Math.round(10_000 * hits / trace.ids.length) / 100;
}

function printTable(cells: readonly Cell[]): void {
  const policies = [...Object.keys(POLICIES), "optimum"];
  console.log(["trace", "share", "entries", ...policies, "s3fifo - lru"].map(padded).join(""));
  for (const { trace, sharePercent, capacity, hitPercent } of cells) {
    const ratios = policies.map((name) => hitPercent[name]?.toFixed(2) ?? "");
    const gain = signed(hitPercent.s3fifo! - hitPercent.lru!);
    const row = [trace, `${sharePercent} %`, String(capacity), ...ratios, gain];
    console.log(row.map(padded).join(""));
  }
}

function printSummary(cells: readonly Cell[]): void {
  const applications = cells.filter(({ isApplication }) => isApplication);
  for (const name of ["fifo", "s3fifo", "wTinyLfu"]) {
    const gains = applications.map(({ hitPercent }) => hitPercent[name]! - hitPercent.lru!);
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    const losing = applications.filter((_, at) => gains[at]! < -2);
    console.log(
      `${name} against lru in ${gains.length} application cells: mean ${signed(mean)}, ` +
        `worst ${signed(Math.min(...gains))}, best ${signed(Math.max(...gains))}` +
        `${losing.length ? "; LOSING " : ""}` +
        losing.map(({ trace, sharePercent }) => `${trace}@${sharePercent}%`).join(" "),
    );
  }
}

function padded(text: string, column: number): string {
  return column === 0 ? text.padEnd(18) : text.padStart(13);
}

function signed(points: number): string {
  return (points >= 0 ? "+" : "") + points.toFixed(2);
}

function traceFolder(): string {
  const flag = process.argv.find((argument) => argument.startsWith("--traces="));
  return flag?.slice("--traces=".length) ?? process.env.CAIRN_TRACES ?? "../shared/traces";
}

async function main(): Promise<void> {
  const cells: Cell[] = [];
  for (const name of [...APPLICATIONS, ...SYNTHETIC]) {
    const trace = await readTrace(traceFolder(), name, WITH_SIZES.includes(name));
    for (const share of SHARES) cells.push(cellOf(trace, share));
    if (trace.sizes) { for (const share of SHARES) cells.push(weighedCellOf(trace, share)); }
  }
  printTable(cells);
  printSummary(cells);
  const results = new URL("results/", import.meta.url);
  await writeFile(new URL("hit_ratio.json", results), JSON.stringify(cells, null, 1) + "\n");
  await writeFile(new URL("hit_ratio.svg", results), drawHitRatios(cells));
}

await main();
