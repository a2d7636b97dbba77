import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { EvictionPolicy, PolicyFactory } from "../../../src/memory/eviction_policy.ts";
import { fifo } from "../../../src/memory/fifo.ts";
import { FrequencySketch } from "../../../src/memory/frequency_sketch.ts";
import { Ghost } from "../../../src/memory/ghost.ts";
import { keyHash } from "../../../src/memory/key_hash.ts";
import { lru } from "../../../src/memory/lru.ts";
import { MemoryCache } from "../../../src/memory/memory_cache.ts";
import { s3fifo } from "../../../src/memory/s3_fifo.ts";
import { wTinyLfu } from "../../../src/memory/w_tiny_lfu.ts";

const SLOTS = 200;

/** What a policy orders, as the simplest arrays can say it. */
interface Model {
  admit(slot: number): void;
  touch(slot: number): void;
  forget(slot: number): void;
  victim(): number;
}

class ListModel implements Model {
  readonly #isLru: boolean;
  #queue: number[] = [];

  constructor(isLru: boolean) {
    this.#isLru = isLru;
  }

  admit(slot: number): void {
    this.#queue.push(slot);
  }

  touch(slot: number): void {
    if (!this.#isLru || !this.#queue.includes(slot)) return;
    this.forget(slot);
    this.admit(slot);
  }

  forget(slot: number): void {
    this.#queue = this.#queue.filter((other) => other !== slot);
  }

  victim(): number {
    return this.#queue[0] ?? -1;
  }
}

/** S3-FIFO word by word, for keys that never come back: the ghost has no say. */
class S3FifoModel implements Model {
  #small: number[] = [];
  #main: number[] = [];
  readonly #visits: number[] = Array(SLOTS).fill(0);
  readonly #weightOf: (slot: number) => number;

  constructor(weightOf: (slot: number) => number) {
    this.#weightOf = weightOf;
  }

  admit(slot: number): void {
    this.#small.push(slot);
    this.#visits[slot] = 0;
  }

  touch(slot: number): void {
    this.#visits[slot] = Math.min(3, this.#visits[slot]! + 1);
  }

  forget(slot: number): void {
    this.#small = this.#small.filter((other) => other !== slot);
    this.#main = this.#main.filter((other) => other !== slot);
  }

  victim(): number {
    const weigh = (slots: number[]) => slots.reduce((sum, slot) => sum + this.#weightOf(slot), 0);
    const [count, total] = [
      this.#small.length + this.#main.length,
      weigh([...this.#small, ...this.#main]),
    ];
    const most = Math.min(total / 2, Math.max(total / 10, 64 * total / count));
    for (;;) {
      const isSmall = this.#main.length === 0 ||
        (this.#small.length > 0 && weigh(this.#small) >= most);
      const queue = isSmall ? this.#small : this.#main;
      const slot = queue[0];
      if (slot === undefined) return -1;
      if (this.#visits[slot] === 0) return slot;
      queue.shift();
      this.#visits[slot] = isSmall ? 0 : this.#visits[slot]! - 1;
      this.#main.push(slot);
    }
  }
}

function assertLike(
  factory: PolicyFactory,
  makeModel: (weightOf: (slot: number) => number) => Model,
) {
  const orders = fc.array(fc.nat(), { minLength: 1_000, maxLength: 1_000 });
  fc.assert(
    fc.property(orders, fc.boolean(), (numbers, isWeighed) => {
      const weightOf = (slot: number) => isWeighed ? 1 + slot % 7 : 1;
      let hash = 0;
      const hashOf = () => hash = (hash + 0x10001) >>> 0;
      const policy = factory({ capacity: SLOTS, maxWeight: 100, weightOf, hashOf });
      drive(policy, makeModel(weightOf), numbers);
    }),
    { numRuns: 100 },
  );
}

function drive(policy: EvictionPolicy, model: Model, numbers: readonly number[]): void {
  const free = Array.from({ length: SLOTS }, (_, slot) => slot);
  const held: number[] = [];
  const leave = (slot: number): void => {
    policy.forget(slot);
    model.forget(slot);
    held.splice(held.indexOf(slot), 1);
    free.unshift(slot);
  };
  for (const number of numbers) {
    const kind = number % 8;
    const slot = held[(number >> 3) % held.length];
    if (kind < 4 && held.length < 150) {
      const fresh = free.pop()!;
      policy.admit(fresh);
      model.admit(fresh);
      held.push(fresh);
    } else if (kind < 6 && slot !== undefined) {
      policy.touch(slot);
      model.touch(slot);
    } else if (kind === 6 && slot !== undefined) {
      leave(slot);
    } else {
      const victim = policy.victim();
      equal(victim < 0 ? -1 : victim, model.victim());
      if (victim >= 0) leave(victim);
    }
  }
}

describe("eviction policies beside arrays", () => {
  it("fifo names the oldest", () => assertLike(fifo, () => new ListModel(false)));
  it("lru names the least recently used", () => assertLike(lru, () => new ListModel(true)));
  it("s3fifo names whom the paper names", () =>
    assertLike(s3fifo, (weigh) => new S3FifoModel(weigh)));
});

describe("s3fifo", () => {
  it("takes a key that comes back into the main queue, out of a scan's way", () => {
    const cache = new MemoryCache<number>({ maxEntries: 1_000 });
    const fill = (prefix: string, count: number) => {
      for (let n = 0; n < count; n++) cache.set(`${prefix}${n}`, n);
    };
    fill("old", 1_000);
    fill("new", 500);
    const evicted = Array.from({ length: 400 }, (_, n) => `old${n}`);
    deepEqual(evicted.filter((key) => cache.has(key)), []);
    cache.setMulti(evicted.map((key) => [key, 1]));
    fill("scan", 5_000);
    ok(cache.getMulti(evicted).size > 380, `${cache.getMulti(evicted).size} of 400 are left`);
  });

  it("looks at a bounded number of entries, also when all were read often", () => {
    const policy = s3fifo({
      capacity: 100_000,
      maxWeight: 100_000,
      weightOf: () => 1,
      hashOf: () => 1,
    });
    for (let slot = 0; slot < 100_000; slot++) policy.admit(slot);
    for (let visit = 0; visit < 3; visit++) {
      for (let slot = 0; slot < 100_000; slot++) policy.touch(slot);
    }
    // Nobody in the first hundred-odd is spared for ever: the 128th looked at leaves, read or not.
    equal(policy.victim(), 127);
  });
});

describe("wTinyLfu", () => {
  it("keeps part of a loop that is longer than the cache, where others keep nothing", () => {
    const hitsOf = (policy: PolicyFactory): number => {
      const cache = new MemoryCache<number>({ maxEntries: 500, policy });
      for (let round = 0; round < 60; round++) {
        for (let n = 0; n < 1_000; n++) {
          if (cache.get(`k${n}`) === undefined) cache.set(`k${n}`, n);
        }
      }
      return cache.stats().hits;
    };
    equal(hitsOf(lru), 0);
    ok(hitsOf(wTinyLfu) > 9_000, `${hitsOf(wTinyLfu)} hits of 60,000`);
  });

  it("keeps what is popular through a scan", () => {
    const cache = new MemoryCache<number>({ maxEntries: 500, policy: wTinyLfu });
    const hot = Array.from({ length: 200 }, (_, n) => `hot${n}`);
    cache.setMulti(hot.map((key) => [key, 1]));
    for (let read = 0; read < 8; read++) cache.getMulti(hot);
    for (let n = 0; n < 3_000; n++) cache.set(`scan${n}`, n);
    ok(cache.getMulti(hot).size > 160, `${cache.getMulti(hot).size} of 200 are left`);
  });
});

describe("FrequencySketch", () => {
  it("never counts too low before it ages, and rarely too high", () => {
    const sketch = new FrequencySketch(1_000);
    const hashes = Array.from({ length: 500 }, (_, n) => keyHash(`key ${n}`, 0));
    hashes.forEach((hash, n) => {
      for (let time = 0; time < 1 + n % 4; time++) sketch.add(hash);
    });
    const tooLow = hashes.filter((hash, n) => sketch.frequency(hash) < (1 + n % 4) >> 1);
    const tooHigh = hashes.filter((hash, n) => sketch.frequency(hash) > 1 + n % 4);
    equal(tooLow.length, 0);
    ok(tooHigh.length < 25, `${tooHigh.length} of 500 are counted too high`);
  });

  it("forgets what is no longer asked for", () => {
    const sketch = new FrequencySketch(64);
    const popular = keyHash("popular", 0);
    for (let time = 0; time < 15; time++) sketch.add(popular);
    ok(sketch.frequency(popular) >= 7);
    for (let n = 0; n < 5_000; n++) sketch.add(keyHash(`other ${n % 10}`, 1));
    ok(sketch.frequency(popular) <= 2, `it is still counted ${sketch.frequency(popular)} times`);
  });
});

describe("Ghost", () => {
  it("remembers about as many hashes as it is made for, each once", () => {
    for (const length of [1, 10, 100, 5_000]) {
      const ghost = new Ghost(length);
      const hashes = Array.from({ length: 3 * length }, (_, n) => keyHash(`key ${n}`, 0));
      for (const hash of hashes) ghost.add(hash);
      const found = hashes.map((hash) => ghost.take(hash));
      const young = found.slice(-length).filter((isFound) => isFound).length;
      const old = found.slice(0, length).filter((isFound) => isFound).length;
      ok(young >= 0.9 * length, `${young} of the last ${length}`);
      ok(old <= 0.02 * length, `${old} of the first ${length}`);
      equal(hashes.filter((hash) => ghost.take(hash)).length <= 0.01 * length, true);
    }
  });

  it("keeps its word while its rings go round", () => {
    const ghost = new Ghost(100);
    for (let n = 0; n < 200_000; n++) {
      ghost.add(keyHash(`key ${n}`, 0));
      if (n % 997 === 0) equal(ghost.take(keyHash(`key ${n}`, 0)), true);
    }
  });
});

describe("keyHash", () => {
  it("spreads keys that differ in one place, also long ones", () => {
    const families = [
      (n: number) => `k${n}`,
      (n: number) => `${"prefix/".repeat(5)}${n}/suffix`,
      (n: number) => String.fromCharCode(n),
    ];
    for (const family of families) {
      const hashes = new Set(Array.from({ length: 5_000 }, (_, n) => keyHash(family(n), 0)));
      ok(hashes.size > 4_990, `${hashes.size} of 5,000 hashes differ`);
    }
    ok(keyHash("k", 0) !== keyHash("k", 1));
    ok(keyHash("x".repeat(1_000), 0) !== keyHash("x".repeat(1_001), 0));
  });
});
