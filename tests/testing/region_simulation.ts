/**
 * Many processes over one store, for one seed: skewed clocks, a slow and faulty network, and workers
 * who read, create, delete and invalidate a few keys as chance has it. What must hold is that no
 * deletion and no hard invalidation that has ended is lost, and that everybody gets an answer or an
 * error of the store's or their own.
 */

import { ok } from "node:assert/strict";
import type { Clock } from "../../src/contracts/clock.ts";
import type { Entry } from "../../src/contracts/entry.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { localLocks } from "../../src/region/local_locks.ts";
import { makeRegion, type Region } from "../../src/region/region.ts";
import { type Faults, faulty } from "./faulty_backend.ts";
import { ModelStore } from "./model_store.ts";
import { seededRandom, stepped, SteppedWorld } from "./stepped_world.ts";

const WORKERS = 4;
const ROUNDS = 6;
const KEYS = ["a", "b", "c"];
const SKEW_MS = 2_000;
const TAG = "tagged";
const LONGER_THAN_CREATORS_MS = 10_000;

const BACKGROUND = {
  earlyRefresh: { beta: 1 },
  creation: { softTimeoutMs: 100, hardTimeoutMs: 3_000 },
};

class CreatorError extends Error {}

/** One seed's world. */
class Simulation {
  readonly #world: SteppedWorld;
  readonly #random: () => number;
  readonly #regions: Region[];
  readonly #faults: Faults;
  /**
   * Whether creations go on behind their callers. Then a later caller of that process may join one
   * that began before a deletion elsewhere, and only what is kept in the end can be judged.
   */
  readonly #hasBackground: boolean;
  readonly #sources = new Map(KEYS.map((key) => [key, 1]));
  readonly #floors = new Map(KEYS.map((key) => [key, 0]));

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#hasBackground = this.#random() < 0.4;
    this.#world = new SteppedWorld((count) => Math.floor(this.#random() * count));
    const store = new ModelStore<Entry>(this.#world);
    const slow = stepped<Entry>(store, this.#world, { who: "store" });
    const random = this.#random;
    const share = random() < 0.5 ? 0 : 0.05;
    this.#faults = { random, refused: share, unanswered: share, isQuiet: false };
    const backend = faulty(slow, this.#faults);
    const locks = localLocks<Entry>(backend, { clock: this.#world });
    this.#regions = Array.from({ length: WORKERS }, () =>
      makeRegion({
        clock: skewed(this.#world, (this.#random() * 2 - 1) * SKEW_MS),
        random,
        backend,
        locks,
        softTtlMs: 3_000,
        hardTtlMs: 20_000,
        marksMaxAgeMs: 0,
        jitter: 0.2,
        staleOnError: this.#random() < 0.5,
        lock: { leaseMs: 1_000, waitMs: 5_000 },
        ...(this.#hasBackground ? BACKGROUND : {}),
      }));
  }

  async run(): Promise<void> {
    await this.#world.run(Promise.all(this.#regions.map((region, who) => this.#work(region, who))));
    this.#faults.isQuiet = true;
    await this.#world.run(this.#world.sleep(10_000));
    for (const [i, region] of this.#regions.entries()) {
      const kept = await this.#world.run(region.getMulti(KEYS, { allowStale: true }));
      for (const [k, key] of KEYS.entries()) {
        this.#judge(key, kept[k], { who: i, floor: this.#floors.get(key) });
      }
    }
  }

  #judge(key: string, answer: unknown, at: { who: number; floor: number | undefined }): void {
    if (answer === undefined) return;
    const { who, floor = 0 } = at;
    const history = this.#world.history.slice(-200).join("; ");
    ok(
      answer as number >= floor,
      `worker ${who}: ${key} is ${answer}, below ${floor}, after: ${history}`,
    );
  }

  async #work(region: Region, who: number): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      try {
        await this.#act(region, who);
      } catch (error) {
        const isExpected = error instanceof BackendError || error instanceof CreatorError ||
          (error as Error).name === "CreationTimeoutError";
        if (!isExpected) throw error;
        // A batch that failed for one key may go on behind its caller for the others; whoever joined
        // that would be answered what was made before a deletion elsewhere.
        await this.#world.sleep(LONGER_THAN_CREATORS_MS);
      }
      if (this.#random() < 0.3) await this.#world.sleep(this.#random() * 2_000);
    }
  }

  async #act(region: Region, who: number): Promise<void> {
    const key = this.#pick(KEYS);
    const luck = this.#random();
    if (luck < 0.55) return await this.#check(key, who, () => this.#create(region, key));
    if (luck < 0.65) return await this.#check(key, who, () => region.get(key));
    if (luck < 0.75) return await this.#checkMany(region, who);
    if (luck < 0.85) return await this.#change([key], () => region.delete(key));
    if (luck < 0.9) return await this.#change(KEYS, () => region.invalidate());
    if (luck < 0.95) return await this.#change(KEYS, () => region.invalidate({ tags: [TAG] }));
    await region.invalidate({ hard: false });
  }

  async #check(key: string, who: number, ask: () => Promise<unknown>): Promise<void> {
    const floor = this.#floors.get(key) ?? 0;
    const answer = await ask();
    if (!this.#hasBackground) this.#judge(key, answer, { who, floor });
  }

  async #checkMany(region: Region, who: number): Promise<void> {
    const floors = KEYS.map((key) => this.#floors.get(key) ?? 0);
    const answers = await region.getOrCreateMulti(KEYS, async (keys) => {
      const sources = keys.map((key) => this.#sources.get(key) as number);
      await this.#slowly();
      return sources;
    }, { tags: [TAG] });
    if (this.#hasBackground) return;
    for (const [i, key] of KEYS.entries()) this.#judge(key, answers[i], { who, floor: floors[i] });
  }

  #create(region: Region, key: string): Promise<number> {
    return region.getOrCreate(key, async () => {
      const source = this.#sources.get(key) as number;
      await this.#slowly();
      if (this.#random() < 0.1) throw new CreatorError("no luck");
      return source;
    }, { tags: [TAG] });
  }

  // The source changes first; only when the deletion has ended may nobody see what was before.
  async #change(keys: readonly string[], apply: () => Promise<void>): Promise<void> {
    const sources = keys.map((key) => {
      const source = (this.#sources.get(key) as number) + 1;
      this.#sources.set(key, source);
      return source;
    });
    await apply();
    for (const [i, key] of keys.entries()) {
      this.#floors.set(key, Math.max(this.#floors.get(key) as number, sources[i] as number));
    }
  }

  async #slowly(): Promise<void> {
    await this.#world.step("creator");
    if (this.#random() < 0.2) await this.#world.sleep(this.#random() * 3_000);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

function skewed(clock: Clock, skewMs: number): Clock {
  return {
    now: () => clock.now() + skewMs,
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

/** Runs the seeds from `first` on; throws at the first that breaks a promise, naming it. */
export async function simulateRegions(first: number, count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    try {
      await new Simulation(seed).run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}
