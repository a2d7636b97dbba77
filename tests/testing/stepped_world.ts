/**
 * A world in which nothing happens but by choice: every operation on a store waits at a step, and
 * one step after the other is let go, in an order that a chooser decides. With a seeded chooser it is
 * a simulation that can be repeated, with an exhaustive one it is a proof by enumeration.
 *
 * Time stands still while anything can be let go; then it jumps to the next sleeper's end.
 */

import type { Backend, Write } from "../../src/contracts/backend.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import { settled } from "./manual_clock.ts";

/** Picks one of `count` possibilities, 0 to `count` - 1. */
export type Choose = (count: number) => number;

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

/** How many microtasks in a row may lie between two steps. */
const MOST_MICROTASKS = 200;
/** How many steps a world may take until it is taken for one that never ends. */
const MOST_STEPS = 10_000;

/** Steps and time. */
export class SteppedWorld implements Clock {
  readonly #choose: Choose;
  #now: number = 1_700_000_000_000;
  #steps: { label: string; go: () => void }[] = [];
  #sleepers: Sleeper[] = [];
  /** What was let go, in order; for messages. */
  readonly history: string[] = [];

  /** Takes what decides. */
  constructor(choose: Choose) {
    this.#choose = choose;
  }

  /** The present instant. */
  now(): number {
    return this.#now;
  }

  /** Resolves when the world's time has come so far, or `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper = { wakesAt: this.#now + Math.max(0, ms), wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      }, { once: true });
    });
  }

  /** Waits to be let go. */
  step(label: string): Promise<void> {
    return new Promise((resolve) => this.#steps.push({ label, go: resolve }));
  }

  /** Moves time on at once and wakes who is due. */
  pass(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter(({ wakesAt }) => wakesAt <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ wakesAt }) => wakesAt > this.#now);
    for (const { wake } of due) wake();
  }

  /** Lets everything go until `work` has ended; answers what it answered. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => isDone = true);
    done.catch(() => {});
    await quiet();
    for (let taken = 0; !isDone; taken++) {
      if (taken > MOST_STEPS) throw new Error(`no end after ${MOST_STEPS} steps`);
      this.#letGo();
      await quiet();
    }
    return await done;
  }

  #letGo(): void {
    if (this.#steps.length === 0) {
      if (this.#sleepers.length === 0) {
        throw new Error(`nobody can go on: ${this.history.join("; ")}`);
      }
      this.pass(Math.min(...this.#sleepers.map(({ wakesAt }) => wakesAt)) - this.#now);
      this.history.push(`time ${this.#now}`);
      return;
    }
    const [step] = this.#steps.splice(this.#choose(this.#steps.length), 1);
    this.history.push(step?.label ?? "");
    step?.go();
  }
}

// A turn of the event loop runs whatever can run, and is cheap where setImmediate is; elsewhere a
// timer would cost milliseconds, and enough microtasks do as well.
const isTurnCheap = "setImmediate" in globalThis;

async function quiet(): Promise<void> {
  if (isTurnCheap) return await settled();
  for (let i = 0; i < MOST_MICROTASKS; i++) await undefined;
}

/**
 * A backend each of whose operations waits until it reaches the store, and again on its way back
 * unless it is said to be at once.
 */
export function stepped<V>(
  backend: Backend<V>,
  world: SteppedWorld,
  options: { readonly who: string; readonly isAnsweredAtOnce?: boolean },
): Backend<V> {
  const { who, isAnsweredAtOnce = false } = options;
  const around = async <T>(verb: string, run: () => Promise<T>): Promise<T> => {
    await world.step(`${who} ${verb}`);
    try {
      return await run();
    } finally {
      if (!isAnsweredAtOnce) await world.step(`${who} ${verb} answered`);
    }
  };
  return {
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]) => around("get", () => backend.get(keys)),
    set: (writes: readonly Write<V>[]) => around("set", () => backend.set(writes)),
    delete: (keys: readonly string[]) => around("delete", () => backend.delete(keys)),
  };
}

/** Runs `scenario` once for every sequence of choices there is; answers how many there were. */
export async function everyChoice(scenario: (choose: Choose) => Promise<void>): Promise<number> {
  const path: { picked: number; count: number }[] = [];
  for (let runs = 1;; runs++) {
    let depth = 0;
    await scenario((count) => {
      const known = path[depth] ?? { picked: 0, count };
      if (known.count !== count) {
        throw new Error("the scenario is not the same for the same choices");
      }
      path[depth++] = known;
      return known.picked;
    });
    path.length = depth;
    while (path.length > 0 && (path.at(-1)?.picked ?? 0) + 1 >= (path.at(-1)?.count ?? 0)) {
      path.pop();
    }
    const last = path.at(-1);
    if (last === undefined) return runs;
    last.picked++;
  }
}

/** A generator of numbers in [0, 1) from a seed: mulberry32, by Tommy Ettinger, public domain. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Choices from a seed. */
export function seededChoice(seed: number): Choose {
  const random = seededRandom(seed);
  return (count) => Math.floor(random() * count);
}
