import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MemoryCache, type MemoryCacheOptions } from "../../../src/memory/memory_cache.ts";
import type { Removal } from "../../../src/memory/removals.ts";
import { wTinyLfu } from "../../../src/memory/w_tiny_lfu.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { MemoryModel } from "./memory_model.ts";
import { assertPolicyHolds, assertSound, type Bounds } from "./soundness.ts";

const RUNS = 2_000;
const STEPS = 500;
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h", "__proto__", "i", "j", "k", "l", "m", "n"];
const NAMESPACES = ["", "", "", "other", "__proto__"];

/** What a run is about. A step is one number, whose digits choose operation, key, value and time. */
interface Plan {
  readonly policy: MemoryCacheOptions["policy"];
  readonly isWeighed: boolean;
  readonly bounds: Bounds;
  readonly steps: readonly number[];
}

const plans: fc.Arbitrary<Plan> = fc.record({
  policy: fc.constantFrom<Plan["policy"]>("s3fifo", "lru", "fifo", wTinyLfu),
  isWeighed: fc.boolean(),
  bounds: fc.record({
    maxEntries: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(1_000)),
    maxWeight: fc.integer({ min: 4, max: 120 }),
    buckets: fc.integer({ min: 2, max: 5 }),
    bucketIntervalMs: fc.integer({ min: 1, max: 40 }),
  }),
  steps: fc.array(fc.nat(), { minLength: STEPS, maxLength: STEPS }),
});

/** Takes a number apart, choice by choice. */
class Choices {
  #rest: number;

  constructor(number: number) {
    this.#rest = number;
  }

  below(limit: number): number {
    const choice = this.#rest % limit;
    this.#rest = Math.floor(this.#rest / limit);
    return choice;
  }

  from<T>(options: readonly T[]): T {
    return options[this.below(options.length)]!;
  }
}

/** A cache and its model, which are given the same orders. */
class Trial {
  readonly clock: ManualClock = new ManualClock(1_000_000);
  readonly cache: MemoryCache<number>;
  readonly model: MemoryModel;
  readonly #bounds: Bounds;
  readonly #removals: Removal<number>[] = [];

  constructor({ policy, isWeighed, bounds }: Plan) {
    this.#bounds = isWeighed ? bounds : { ...bounds, maxWeight: Infinity };
    const weigh = isWeighed ? (value: number) => value % 9 : undefined;
    const { maxWeight, ...rest } = this.#bounds;
    this.cache = new MemoryCache<number>({
      ...rest,
      ...(isWeighed ? { maxWeight, weigh } : {}),
      policy,
      clock: this.clock,
      onRemoval: (removal) => void this.#removals.push(removal),
    });
    this.model = new MemoryModel(this.clock);
  }

  step(choices: Choices): void {
    const [kind, key, namespace] = [
      choices.below(16),
      choices.from(KEYS),
      choices.from(NAMESPACES),
    ];
    const ttlMs = choices.from([undefined, undefined, 0, 1, 7, 40, 300, 5_000, 1e9]);
    const options = { namespace, ttlMs };
    const value = choices.below(40);
    const order = { kind, key, value, options };
    if (kind === 15) this.#moveClock(choices);
    else this.#give(order);
    assertSound(this.cache, this.#bounds);
  }

  finish(): void {
    for (const namespace of new Set(NAMESPACES)) {
      deepEqual([...this.cache.keys(namespace)].sort(), this.model.keys(namespace));
    }
    assertPolicyHolds(this.cache);
  }

  #moveClock(choices: Choices): void {
    const steps = [0, 1, 3, 17, 90, 400, 3_000, 1e7, -1, -30, -500, -1e5];
    this.clock.set(this.clock.now() + choices.from(steps));
  }

  #give(order: { kind: number; key: string; value: number; options: Options }): void {
    const before = this.cache.size;
    const answer = this.#ask(this.cache, order);
    const removals = this.#removals.splice(0);
    const refused = removals.some(({ cause }) => cause === "refused");
    for (const removal of removals) this.#learn(removal, before);
    if (refused) this.model.delete(order.key, order.options.namespace);
    else deepEqual(answer, this.#ask(this.model, order), `order ${JSON.stringify(order)}`);
    for (const removal of removals) if (removal.cause !== "refused") this.#confirm(removal, order);
  }

  /** The model does not evict: it is told whom the cache has, and looks whether that was right. */
  #learn(removal: Removal<number>, before: number): void {
    const { key, namespace, value, cause } = removal;
    const held = this.model.peek(key, namespace);
    if (cause === "refused") return;
    if (cause === "expired") equal(held, undefined, "a live entry was called expired");
    else equal(held, value, "what was evicted was not there");
    if (cause === "weight") ok(this.#bounds.maxWeight < Infinity, "evicted for no weight");
    if (cause === "entries") ok(before >= this.#bounds.maxEntries, "evicted without need");
    this.model.delete(key, namespace);
  }

  #confirm({ key, namespace }: Removal<number>, order: { key: string; options: Options }): void {
    if (key === order.key && namespace === order.options.namespace) return;
    equal(this.cache.has(key, namespace), false, "what was reported gone is still there");
  }

  #ask(cache: MemoryCache<number> | MemoryModel, order: Order): unknown {
    const { kind, key, value, options } = order;
    const { namespace } = options;
    switch (kind) {
      case 0:
      case 1:
      case 2:
      case 3:
        return cache.set(key, value, options);
      case 4:
        return cache.add(key, value, options);
      case 5:
        return cache.replace(key, value, options);
      case 6:
        return cache.touch(key, options);
      case 7:
        return cache.delete(key, namespace);
      case 8:
        return cache.incr(key, value % 3, { ...options, initialValue: value });
      case 9:
        return cache.expiresAt(key, namespace);
      case 10:
        return cache.has(key, namespace);
      case 11:
        return value === 0 ? cache.flushAll() : cache.incr(key, 1, { namespace });
      default:
        return cache.get(key, namespace);
    }
  }
}

interface Options {
  readonly namespace: string;
  readonly ttlMs: number | undefined;
}

interface Order {
  readonly kind: number;
  readonly key: string;
  readonly value: number;
  readonly options: Options;
}

describe("MemoryCache beside a sorted array", () => {
  it(`answers alike in ${RUNS * STEPS} operations, and is sound after each of them`, () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const trial = new Trial(plan);
        for (const number of plan.steps) trial.step(new Choices(number * 4_194_301));
        trial.finish();
      }),
      { numRuns: RUNS },
    );
  });
});
