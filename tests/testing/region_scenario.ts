/**
 * Callers of regions over one store, and what must hold for them whatever the order of events.
 *
 * The source of truth is a number that only grows. A creator answers the number as it was when the
 * creation started. Whoever deletes, invalidates or sets has changed the source before. So an answer
 * older than the source was when a deletion or hard invalidation *ended* is a lost deletion.
 */

import { equal, ok } from "node:assert/strict";
import type { Backend } from "../../src/contracts/backend.ts";
import type { Entry } from "../../src/contracts/entry.ts";
import type { Locks } from "../../src/contracts/locks.ts";
import { localLocks } from "../../src/region/local_locks.ts";
import { makeRegion, type Region, type RegionOptions } from "../../src/region/region.ts";
import { ModelStore } from "./model_store.ts";
import { type Choose, stepped, SteppedWorld } from "./stepped_world.ts";

/** What a caller may do. */
export type Verb = "create" | "fail" | "get" | "set" | "delete" | "hard" | "soft";

/** How callers and regions relate. */
export type Topology = "one near region" | "one region over a store" | "two processes over a store";

/** How the key is when the callers come. */
export type Start = "missing" | "stale" | "fresh";

const KEY = "key";
/** What is set is put above every answer of a creator: between a set and a deletion at the same
 * moment either may be the last. */
const SET_VALUES = 1_000_000;
const SOFT_TTL_MS = 1_000;
const LEASE_MS = 900;

/** The world of one scenario. */
export class Scenario {
  /** Steps and time. */
  readonly world: SteppedWorld;
  /** How many creators ran to their end. */
  created = 0;
  /** How many creators ran at once at most. */
  mostAtOnce = 0;
  readonly #regions: Region[];
  #source = 1;
  /** What the source was when the last deletion, set or hard invalidation ended. */
  #floor = 0;
  #running = 0;

  /** Whether a set wins over a creation elsewhere; it does in its own process. */
  readonly #isSetFinal: boolean;

  /** Makes the world; `choose` decides on the order of events. */
  constructor(topology: Topology, choose: Choose, isAnsweredAtOnce: boolean = false) {
    this.world = new SteppedWorld(choose);
    this.#isSetFinal = topology !== "two processes over a store";
    const store = new ModelStore<Entry>(this.world);
    const locks = (backend: Backend<Entry>): Locks<Entry> =>
      localLocks(backend, { clock: this.world });
    const shared = stepped<Entry>(store, this.world, { who: "store", isAnsweredAtOnce });
    const over: RegionOptions = { backend: shared, locks: locks(shared) };
    this.#regions = topology === "one near region"
      ? [this.#region({})]
      : topology === "one region over a store"
      ? [this.#region({ ...over, near: {} })]
      : [this.#region(over), this.#region(over)];
  }

  #region(options: RegionOptions): Region {
    const lock = { leaseMs: LEASE_MS, waitMs: 60_000 };
    const { world } = this;
    return makeRegion({
      clock: world,
      random: () => 0.5,
      softTtlMs: SOFT_TTL_MS,
      lock,
      marksMaxAgeMs: 0,
      ...options,
    });
  }

  /** Brings the key into a state; no choices are made. */
  async begin(start: Start): Promise<void> {
    const [region] = this.#regions as [Region];
    await this.world.run(region.set("first use", 0));
    if (start !== "missing") await this.world.run(region.set(KEY, this.#source));
    if (start === "stale") this.world.pass(SOFT_TTL_MS);
  }

  /** Does what a caller does, and checks what it is answered. */
  async act(verb: Verb, caller: number): Promise<void> {
    const region = this.#regions[caller % this.#regions.length] as Region;
    if (verb === "set") {
      const source = ++this.#source;
      await region.set(KEY, SET_VALUES + source);
      return this.#raise(this.#isSetFinal ? source : 0);
    }
    if (verb === "delete" || verb === "hard") {
      const source = ++this.#source;
      await (verb === "delete" ? region.delete(KEY) : region.invalidate());
      return this.#raise(source);
    }
    if (verb === "soft") return await region.invalidate({ hard: false });
    const floor = this.#floor;
    const answer = await (verb === "get" ? region.get(KEY) : this.#create(region, verb));
    if (answer !== undefined) {
      ok(answer as number >= floor, this.#tell(`answered ${answer}, below ${floor}`));
    } else ok(verb !== "create", this.#tell("a creation without a value"));
  }

  /** Lets time pass, so that every lease not renewed runs out. */
  async lapse(): Promise<void> {
    await this.world.step("lapse");
    this.world.pass(LEASE_MS + 1);
  }

  /** Checks what must hold when everybody is done. */
  async end(): Promise<void> {
    for (const region of this.#regions) {
      const kept = await this.world.run(region.get(KEY, { allowStale: true }));
      if (kept !== undefined) {
        ok(kept as number >= this.#floor, this.#tell(`kept ${kept}, below ${this.#floor}`));
      }
      equal(
        await this.world.run(region.keyIsLocked(KEY)),
        false,
        this.#tell("the lock is still held"),
      );
    }
  }

  #raise(source: number): void {
    this.#floor = Math.max(this.#floor, source);
  }

  async #create(region: Region, verb: "create" | "fail"): Promise<unknown> {
    const failure = new Error("mine");
    try {
      return await region.getOrCreate(KEY, async () => {
        const source = this.#source;
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#running);
        await this.world.step("creator");
        this.#running--;
        if (verb === "fail") throw failure;
        this.created++;
        return source;
      });
    } catch (error) {
      ok(error instanceof Error && error.message === "mine", this.#tell(String(error)));
      // A caller may share the failure of another's creation.
      return verb === "create" ? this.#source : undefined;
    }
  }

  #tell(what: string): string {
    return `${what}, after: ${this.world.history.join("; ")}`;
  }
}

/** A scenario to play. */
export interface Setting {
  /** Who shares what. */
  readonly topology: Topology;
  /** How the key is. */
  readonly start: Start;
  /** What each caller does. */
  readonly verbs: readonly Verb[];
  /** Whether every lease runs out at some moment. */
  readonly hasLapse?: boolean;
}

/** Plays a scenario from beginning to end, in the order chosen; rejects where a promise is broken. */
export async function play(setting: Setting, choose: Choose): Promise<Scenario> {
  let isBegun = false;
  // Two creations have so many orders that answers must not have a choice of their own as well.
  const isAnsweredAtOnce = setting.hasLapse === true ||
    setting.verbs.every((verb) => verb === "create" || verb === "fail");
  const choices = (count: number): number => isBegun ? choose(count) : 0;
  const scenario = new Scenario(setting.topology, choices, isAnsweredAtOnce);
  await scenario.begin(setting.start);
  isBegun = true;
  const acts = setting.verbs.map((verb, caller) => scenario.act(verb, caller));
  if (setting.hasLapse) acts.push(scenario.lapse());
  await scenario.world.run(Promise.all(acts));
  isBegun = false;
  await scenario.end();
  return scenario;
}
