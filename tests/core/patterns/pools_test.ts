import { deepEqual, equal, notEqual, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { PoolExhaustedError } from "../../../src/contracts/errors.ts";
import { EagerPool } from "../../../src/patterns/eager_pool.ts";
import { LazyPool } from "../../../src/patterns/lazy_pool.ts";
import type { Pool, PoolOptions } from "../../../src/patterns/pool.ts";
import { Pooled } from "../../../src/patterns/pooled.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

function counting() {
  const maker = { made: 0, next: () => ++maker.made };
  return maker;
}

describe("EagerPool", () => {
  it("W-119: makes all its items at once", () => {
    const maker = counting();
    const pool = new EagerPool(maker.next, 10);
    deepEqual([maker.made, pool.size, pool.count], [10, 10, 10]);
  });

  it("W-120: counts what is idle", async () => {
    const pool = new EagerPool(counting().next, 10);
    const item = await pool.acquire();
    equal(pool.count, 9);
    pool.getBack(item);
    equal(pool.count, 10);
  });

  it("W-121: lends first in, first out", async () => {
    const pool = new EagerPool(counting().next, 10);
    const item = await pool.acquire();
    equal(item, 1);
    pool.getBack(item);
    equal(await pool.acquire(), 2);
  });
});

describe("LazyPool", () => {
  it("W-122: makes nothing at construction", () => {
    const maker = counting();
    const pool = new LazyPool(maker.next, 10);
    deepEqual([maker.made, pool.size, pool.count], [0, 10, 10]);
  });

  it("W-123: counts what is free", async () => {
    const pool = new LazyPool(counting().next, 10);
    const item = await pool.acquire();
    equal(pool.count, 9);
    pool.getBack(item);
    equal(pool.count, 10);
  });

  it("W-124: passes on what the factory throws, and frees the place", async () => {
    const pool = new LazyPool<number>(() => {
      throw new Error("refused");
    }, 10);
    await rejects(() => pool.acquire(), /refused/);
    equal(pool.count, 10);
  });

  it("W-125: lends last in, first out, as the factory judges what lay there", async () => {
    const seen: (number | undefined)[] = [];
    const maker = counting();
    const pool = new LazyPool<number>((previous) => {
      seen.push(previous);
      return previous === undefined || previous === 2 ? maker.next() : previous;
    }, 10);
    const item = await pool.acquire();
    pool.getBack(item);
    equal(await pool.acquire(), item);
    const second = await pool.acquire();
    equal(second, 2);
    pool.getBack(second);
    equal(await pool.acquire(), 3);
    deepEqual(seen, [undefined, 1, undefined, 2]);
  });

  it("keeps what lay in a place when the factory fails on it", async () => {
    let isDown = false;
    const pool = new LazyPool<string>(async (previous) => {
      if (isDown) throw new Error("down");
      return previous ?? "connection";
    }, 1);
    pool.getBack(await pool.acquire());
    isDown = true;
    await rejects(() => pool.acquire(), /down/);
    isDown = false;
    equal(await pool.acquire(), "connection");
  });

  it("serves the next in line when the factory fails for the one before", async () => {
    let calls = 0;
    const pool = new LazyPool<number>(() => {
      if (++calls === 2) throw new Error("down");
      return calls;
    }, 1);
    const first = await pool.acquire();
    const [second, third] = [pool.acquire(), pool.acquire()];
    pool.getBack(first);
    await rejects(second, /down/);
    equal(await third, 3);
  });
});

describe("Pooled", () => {
  it("W-126: lends for a block, and forgets the item when it goes back", async () => {
    const pool = new EagerPool(counting().next, 10);
    const pooled = await Pooled.from(pool);
    equal(pooled.item, 1);
    equal(pool.count, 9);
    await pooled[Symbol.asyncDispose]();
    equal(pool.count, 10);
    throws(() => pooled.item, TypeError);
    await pooled[Symbol.asyncDispose]();
    equal(pool.count, 10);
  });
});

const KINDS: [string, (size: number, options: PoolOptions) => Pool<number>][] = [
  ["EagerPool", (size, options) => new EagerPool(counting().next, size, options)],
  ["LazyPool", (size, options) => new LazyPool(counting().next, size, options)],
];

for (const [kind, makePool] of KINDS) {
  describe(`${kind} with nothing idle`, () => {
    it("lends what comes back to whoever came first", async () => {
      const clock = new ManualClock();
      const pool = makePool(1, { clock });
      const item = await pool.acquire();
      const order: string[] = [];
      const waiters = ["a", "b", "c"].map((name) =>
        pool.acquire().then((lent) => {
          order.push(name);
          pool.getBack(lent);
        })
      );
      pool.getBack(item);
      await Promise.all(waiters);
      deepEqual(order, ["a", "b", "c"]);
      equal(pool.count, 1);
      equal(clock.sleeping, 0);
    });

    it("gives up after the caller's or its own time", async () => {
      const clock = new ManualClock();
      const pool = makePool(1, { clock, timeoutMs: 1_000 });
      const item = await pool.acquire();
      const outcomes: string[] = [];
      const note = (name: string, lent: Promise<unknown>) =>
        lent.catch((error) => void outcomes.push(`${name} ${(error as Error).name}`));
      const waits = [note("own", pool.acquire()), note("short", pool.acquire({ timeoutMs: 10 }))];
      await clock.advance(10);
      deepEqual(outcomes, ["short PoolExhaustedError"]);
      await clock.advance(990);
      await Promise.all(waits);
      deepEqual(outcomes[1], "own PoolExhaustedError");
      pool.getBack(item);
      equal(pool.count, 1);
    });

    it("gives up when the signal says so", async () => {
      const clock = new ManualClock();
      const pool = makePool(1, { clock });
      await pool.acquire();
      const controller = new AbortController();
      const waiting = pool.acquire({ signal: controller.signal });
      controller.abort(new Error("no longer wanted"));
      await rejects(waiting, /no longer wanted/);
      await rejects(pool.acquire({ signal: controller.signal }), /no longer wanted/);
      equal(clock.sleeping, 0);
    });

    it("lets only so many wait", async () => {
      const clock = new ManualClock();
      const pool = makePool(1, { clock, maxWaiting: 1, timeoutMs: Infinity });
      const item = await pool.acquire();
      const waiting = pool.acquire();
      await rejects(() => pool.acquire(), PoolExhaustedError);
      pool.getBack(item);
      notEqual(await waiting, undefined);
    });

    it("refuses sizes, times and returns that make no sense", async () => {
      for (const size of [0, -1, 1.5, NaN]) throws(() => makePool(size, {}), RangeError);
      throws(() => makePool(1, { timeoutMs: NaN }), RangeError);
      throws(() => makePool(1, { maxWaiting: -1 }), RangeError);
      throws(() => makePool(1, {}).getBack(1), RangeError);
      const pool = makePool(1, { clock: new ManualClock() });
      await pool.acquire();
      await rejects(() => pool.acquire({ timeoutMs: NaN }), RangeError);
    });
  });
}
