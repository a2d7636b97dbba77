/**
 * Contenders side by side: in every round each of them runs for a window of time, in turning order,
 * and a ratio is taken within the round. So a neighbour on the machine, or a change of clock speed,
 * concerns both sides of a ratio. What is reported is the median over the rounds.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import process from "node:process";

/** Something that can be measured. */
export interface Contender {
  readonly name: string;
  /** One measurement: nanoseconds per operation. */
  measure(): number | Promise<number>;
}

/** What a ratio, theirs by ours, should be. */
export interface Goal {
  /** The name of the other contender. */
  readonly against: string;
  readonly atLeast: number;
}

/** Contenders that do the same work. */
export interface Race {
  readonly title: string;
  /** What the ratios are of. */
  readonly ours: Contender;
  readonly others: readonly Contender[];
  readonly goals?: readonly Goal[];
}

/** One line of the table. */
export interface Line {
  readonly name: string;
  /** The median over the rounds. */
  readonly nanoseconds: number;
  /** The median ratio, theirs by ours; 1 for ours. */
  readonly ratio: number;
  readonly goal?: number;
}

/** How a race went. */
export interface Outcome {
  readonly title: string;
  readonly rounds: number;
  readonly lines: readonly Line[];
}

/**
 * A measurement is the fastest of several windows, each shorter than a time slice of the system:
 * the one in which the fewest others had their turn.
 */
const WINDOW_MS = 2;
const WINDOWS = 5;
const WARM_UP_MS = 150;
const FEWEST_ROUNDS = 9;
const MOST_ROUNDS = 25;
const LONG_MS = 50;
const MOST_PAUSE_MS = 250;
/** After this time a race ends, once it has had the fewest rounds. */
const RACE_MS = 4_000;

/** A contender that does `operations` operations a pass; passes fill the windows. */
export function timed(name: string, operations: number, pass: () => unknown): Contender {
  let passes = 0;
  const timePasses = async (count: number): Promise<number> => {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) {
      const answer = pass();
      if (answer instanceof Promise) await answer;
    }
    return performance.now() - startedAt;
  };
  const measure = async (): Promise<number> => {
    passes ||= await passesFor(timePasses);
    let bestMs = Infinity, spentMs = 0;
    for (let window = 0; window < WINDOWS && spentMs < WINDOWS * 2 * WINDOW_MS; window++) {
      const takenMs = await timePasses(passes);
      bestMs = Math.min(bestMs, takenMs);
      spentMs += takenMs;
    }
    return bestMs * 1e6 / (passes * operations);
  };
  return { name, measure };
}

async function passesFor(timePasses: (count: number) => Promise<number>): Promise<number> {
  let spentMs = 0, count = 0, lastMs = 0;
  while (spentMs < WARM_UP_MS) {
    lastMs = await timePasses(1);
    spentMs += lastMs;
    count++;
  }
  return Math.max(1, Math.round(WINDOW_MS / Math.min(lastMs, spentMs / count)));
}

/** Runs a race and prints its table. */
export async function race({ title, ours, others, goals = [] }: Race): Promise<Outcome> {
  const contenders = [ours, ...others];
  for (const contender of contenders) await contender.measure();
  const times = await rounds(contenders);
  const lines = contenders.map(({ name }, index): Line => {
    const goal = goals.find(({ against }) => against === name)?.atLeast;
    return {
      name,
      nanoseconds: median(times[index]!),
      ratio: median(times[index]!.map((time, round) => time / times[0]![round]!)),
      ...(goal === undefined ? {} : { goal }),
    };
  });
  print(title, lines);
  return { title, rounds: times[0]!.length, lines };
}

/** The times of each contender, one of every round. */
async function rounds(contenders: readonly Contender[]): Promise<number[][]> {
  const times = contenders.map((): number[] => []);
  const endsAt = performance.now() + RACE_MS;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (round >= FEWEST_ROUNDS && performance.now() > endsAt) break;
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length;
      const startedAt = performance.now();
      times[index]!.push(await contenders[index]!.measure());
      await settle(performance.now() - startedAt);
    }
  }
  return times;
}

/** Lets background threads clear away what a long measurement has left, at nobody's expense. */
async function settle(tookMs: number): Promise<void> {
  if (tookMs < LONG_MS) return;
  await new Promise((resolve) => setTimeout(resolve, Math.min(tookMs, MOST_PAUSE_MS)));
}

/** The median. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Whether a line is slower than ours, or has missed its goal. */
function isWon({ ratio, goal }: Line): boolean {
  return ratio >= (goal ?? 1);
}

function print(title: string, lines: readonly Line[]): void {
  console.log(`\n${title}`);
  for (const line of lines) console.log(textOf(line));
}

function textOf(line: Line): string {
  const { name, nanoseconds, ratio, goal } = line;
  const verdict = isWon(line) ? "" : goal === undefined ? "  loses" : "  short";
  const wanted = goal === undefined ? "" : `  goal ${goal} x`;
  return `  ${name.padEnd(44)}${shown(nanoseconds).padStart(12)}${
    `${ratio.toFixed(2)} x`.padStart(11)
  }${wanted}${verdict}`;
}

function shown(nanoseconds: number): string {
  if (nanoseconds < 1e4) return `${nanoseconds.toFixed(1)} ns`;
  return nanoseconds < 1e7
    ? `${(nanoseconds / 1e3).toFixed(1)} us`
    : `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

/** Prints what was lost and keeps everything in `bench/results/`, with what else was found. */
export async function conclude(
  name: string,
  outcomes: readonly Outcome[],
  found: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const lost = outcomes.flatMap(({ title, lines }) =>
    lines.filter((line) => !isWon(line)).map((line) => ({ title, line }))
  );
  console.log(lost.length === 0 ? "\nNothing lost" : "\nLost, or short of the goal:");
  for (const { title, line } of lost) console.log(`  ${title}\n  ${textOf(line)}`);
  const runtime = runtimeName();
  const record = { runtime, machine: machineName(), ...found, outcomes };
  const folder = new URL("./results/", import.meta.url);
  await mkdir(folder, { recursive: true });
  const file = new URL(`${name}.${runtime.split(" ")[0]}.json`, folder);
  await writeFile(file, `${JSON.stringify(record, withThreeDigits, 2)}\n`);
}

function withThreeDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

/** The runtime and its version, e.g. `"deno 2.9.6 (V8 15.0)"`. */
function runtimeName(): string {
  const { deno, bun, node, v8 } = process.versions as Record<string, string | undefined>;
  const engine = v8 ? ` (V8 ${v8.split(".").slice(0, 2).join(".")})` : "";
  if (deno) return `deno ${deno}${engine}`;
  return bun ? `bun ${bun}` : `node ${node}${engine}`;
}

function machineName(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? "unknown processor"}, ${all.length} processors`;
}
