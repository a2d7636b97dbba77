import { deepEqual, equal, notEqual, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { dogpileKeyGenerator } from "../../../src/region/dogpile_keys.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { settled } from "../../testing/manual_clock.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`cacheOnArguments in a region of ${shape}`, () => {
    it("D-023 D-152: caches by arguments, swapped ones apart, and invalidates one set", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const fn = region.cacheOnArguments()(function add(a: number, b: number): number {
        return a * 100 + b * 10 + next();
      });
      equal(await fn(1, 2), 121);
      equal(await fn(1, 2), 121);
      equal(await fn(2, 1), 212);
      await fn.invalidate(1, 2);
      equal(await fn(1, 2), 123);
      equal(await fn(2, 1), 212);
    });

    for (const namespace of [undefined, "myns"]) {
      const id = namespace === undefined ? "D-125" : "D-126";
      it(`${id}: the region's expiration, ${namespace ?? "no"} namespace`, async () => {
        const { region, clock } = regionBench(shape, { softTtlMs: 250 });
        const next = counter();
        const options = namespace === undefined ? {} : { namespace };
        const fn = region.cacheOnArguments(options)(function fn(a: number, b: number) {
          return next() + a + b;
        });
        const go = async (): Promise<number[]> => [await fn(1, 2), await fn(3, 4)];
        deepEqual(await go(), [4, 9]);
        deepEqual(await go(), [4, 9]);
        await clock.advance(300);
        deepEqual(await go(), [6, 11]);
      });
    }

    for (const [id, softTtlMs] of [["D-127", 500], ["D-128", () => 500]] as const) {
      it(`${id}: the decorator's expiration overrides the region's`, async () => {
        const { region, clock } = regionBench(shape, { softTtlMs: 250 });
        const next = counter();
        const fn = region.cacheOnArguments({ softTtlMs })(function fn(a: number) {
          return next() + a;
        });
        equal(await fn(1), 2);
        await clock.advance(300);
        equal(await fn(1), 2);
        await clock.advance(300);
        equal(await fn(1), 3);
      });
    }

    it("D-129: an expiration of 0 recomputes on every call", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 250 });
      const fn = region.cacheOnArguments({ softTtlMs: () => 0 })(counter());
      for (const expected of [1, 2, 3]) {
        equal(await fn(), expected);
        await clock.advance(1);
      }
    });

    it("D-130: invalidate forces a recomputation of that argument set only", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const fn = region.cacheOnArguments()(function fn(_a: number, _b: number) {
        return next();
      });
      deepEqual([await fn(1, 2), await fn(5, 6)], [1, 2]);
      await fn.invalidate(1, 2);
      deepEqual([await fn(1, 2), await fn(5, 6)], [3, 2]);
    });

    it("D-131: set makes the next call return it, falsy values too", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const fn = region.cacheOnArguments()(function fn(_a: number, _b: number) {
        return next();
      });
      await fn.set(5, 1, 2);
      equal(await fn(1, 2), 5);
      await fn.invalidate(1, 2);
      equal(await fn(1, 2), 1);
      await fn.set(0, 1, 3);
      equal(await fn(1, 3), 0);
    });

    it("D-132: get answers the kept value or nothing, and does not call the function", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const fn = region.cacheOnArguments()(function fn(_a: number) {
        return next();
      });
      equal(await fn.get(1), undefined);
      await fn(1);
      equal(await fn.get(1), 1);
      equal(next(), 2);
    });

    it("DX-14: get of a decorated function obeys the decorator's expiration", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      const fn = region.cacheOnArguments({ softTtlMs: 1_000 })(counter());
      await fn();
      await clock.advance(999);
      equal(await fn.get(), 1);
      await clock.advance(1);
      equal(await fn.get(), undefined);
      const aged = region.cacheOnArguments({ maxAgeMs: 50 })(function aged() {
        return 1;
      });
      await aged();
      equal(await aged.get(), 1);
      await clock.advance(50);
      equal(await aged.get(), undefined);
    });

    it("D-135: refresh recomputes, stores and returns; later calls see it", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const fn = region.cacheOnArguments()(function fn(_a: number) {
        return next();
      });
      equal(await fn(1), 1);
      equal(await fn.refresh(1), 2);
      equal(await fn(1), 2);
      equal(await fn.refresh(1), 3);
      equal(await fn(1), 3);
    });

    it("D-137: a generator of its own that uses the first argument only", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000 });
      const generate = () => (...args: readonly unknown[]) => `first ${args[0]}`;
      const fn = region.cacheOnArguments({ functionKeyGenerator: generate })(
        (a: number, b: number) => a * 10 + b,
      );
      equal(await fn(1, 2), 12);
      equal(await fn(1, 3), 12);
      await clock.advance(1_000);
      equal(await fn(1, 3), 13);
    });

    it("D-111: once softly invalidated it answers the old value, and runs again behind its caller", async () => {
      const works: Promise<unknown>[] = [];
      const { region } = regionBench(shape, {
        softTtlMs: 5_000,
        creation: { softTimeoutMs: 0 },
        background: (work) => void works.push(work),
        functionKeyGenerator: dogpileKeyGenerator({ module: "tests.cache" }),
      });
      const keys: string[] = [];
      region.on("create", ({ key }) => keys.push(key));
      const next = counter();
      const fn = region.cacheOnArguments()(function go(a: number, b: number): number {
        return 100 * next() + a + b;
      });
      deepEqual([await fn(1, 2), await fn(3, 4), works.length], [103, 207, 0]);
      await region.invalidate({ hard: false });
      deepEqual([await fn(1, 2), works.length], [103, 1]);
      await Promise.all(works);
      equal(await fn(1, 2), 303);
      deepEqual(keys, ["tests.cache:go|1 2", "tests.cache:go|3 4", "tests.cache:go|1 2"]);
    });

    it("shouldCache refuses values, which are answered but not kept", async () => {
      const { region } = regionBench(shape);
      const fn = region.cacheOnArguments({ shouldCache: (value: unknown) => value !== 1 })(
        counter(),
      );
      deepEqual([await fn(), await fn(), await fn()], [1, 2, 2]);
    });

    it("gives values tags of the arguments", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const tags = (user: string): string[] => [`user ${user}`];
      const fn = region.cacheOnArguments({ tags })(function fn(_user: string) {
        return next();
      });
      deepEqual([await fn("a"), await fn("b")], [1, 2]);
      await region.invalidate({ tags: ["user a"] });
      deepEqual([await fn("a"), await fn("b")], [3, 2]);
    });
  });
}

describe("cacheOnArguments", () => {
  it("D-153: original is the undecorated function", () => {
    const fn = (a: number): number => a;
    equal(makeRegion().cacheOnArguments()(fn).original, fn);
  });

  it("D-163: keeps name and length, and passes any arguments on", async () => {
    const fn = makeRegion().cacheOnArguments()(
      function join(a: number, b: number, ...rest: string[]): string {
        return [a, b, ...rest].join();
      },
    );
    deepEqual([fn.name, fn.length], ["join", 2]);
    equal(await fn(1, 2, "x", "y"), "1,2,x,y");
  });

  it("leaves the undecorated function as it was, in two regions", async () => {
    const next = counter();
    const fn = function fn(): number {
      return next();
    };
    const [one, two] = [makeRegion(), makeRegion()].map((region) => region.cacheOnArguments()(fn));
    deepEqual(Object.keys(fn), []);
    deepEqual([await one?.(), await two?.()], [1, 2]);
    await one?.invalidate();
    deepEqual([await one?.get(), await two?.get()], [undefined, 2]);
  });

  it("DX-20: every helper uses the key of the call, objects and defaults included", async () => {
    const region = makeRegion();
    const next = counter();
    const fn = region.cacheOnArguments()(
      function fn(_x: number, { y = 2, z = 3 }: { y?: number; z?: number } = {}): number {
        return next() + y + z;
      },
    );
    equal(await fn(1, { z: 1, y: 1 }), 3);
    equal(await fn.get(1, { y: 1, z: 1 }), 3);
    equal(fn.key(1, { y: 1, z: 1 }), fn.key(1, { z: 1, y: 1 }));
    await fn.invalidate(1, { y: 1, z: 1 });
    equal(await fn.get(1, { z: 1, y: 1 }), undefined);
    equal(fn.key(1), fn.key(1, undefined));
  });

  it("DX-20: an asynchronous function's value is cached, not its promise; generators are refused", async () => {
    const region = makeRegion();
    const next = counter();
    const load = region.cacheOnArguments()(async function load(): Promise<number> {
      await settled();
      return next();
    });
    deepEqual([await load(), await load()], [1, 1]);
    equal(await region.get(load.key()), 1);
    throws(() => region.cacheOnArguments()(function* all() {}), TypeError);
    throws(() => region.cacheOnArguments()(async function* all() {}), TypeError);
    throws(() => region.cacheOnArguments()(5 as unknown as () => void), TypeError);
  });

  it("caches methods as a standard decorator, with the object as this", async () => {
    const region = makeRegion();
    class Service {
      calls = 0;
      load(id: number): Promise<string> {
        this.calls++;
        return Promise.resolve(`${id} after ${this.calls}`);
      }
    }
    const context = { kind: "method", name: "load" } as unknown as ClassMethodDecoratorContext;
    const cached = region.cacheOnArguments({ namespace: "Service" })(
      Service.prototype.load,
      context,
    );
    Service.prototype.load = cached;
    const service = new Service();
    equal(await service.load(5), "5 after 1");
    equal(await service.load(5), "5 after 1");
    equal(await cached.refresh.call(service, 5), "5 after 2");
    equal(await service.load(5), "5 after 2");
    await rejects(cached.refresh(5), TypeError);
    equal(cached.key(5), "load|Service|5");
  });

  it("D-154: methods of one name in two namespaces may call each other", async () => {
    const region = makeRegion();
    const inner = region.cacheOnArguments({ namespace: "B" })(function go(a: number): number {
      return a + 1;
    });
    const outer = region.cacheOnArguments({ namespace: "A" })(async function go(a: number) {
      return await inner(a) + 10;
    });
    deepEqual([await outer(1), await outer(1)], [12, 12]);
  });

  it("D-033: a creator may create another key of the region", async () => {
    for (const shape of SHAPES) {
      const { region } = regionBench(shape);
      const next = counter();
      const create = async (): Promise<string> => {
        return `foo ${next()} of ${await region.getOrCreate("bar", () => `bar ${next()}`)}`;
      };
      equal(await region.getOrCreate("foo", create), "foo 1 of bar 2");
      equal(await region.getOrCreate("foo", create), "foo 1 of bar 2");
    }
  });

  it("the key of a decorated function is dogpile's, if asked for", () => {
    const functionKeyGenerator = dogpileKeyGenerator({ module: "tests.cache" });
    const region = makeRegion({ functionKeyGenerator });
    const fn = region.cacheOnArguments()(function add(a: number, b: number): number {
      return a + b;
    });
    equal(fn.key(1, 2), "tests.cache:add|1 2");
  });

  it("a function needs a name or a namespace", () => {
    const region = makeRegion();
    throws(() => region.cacheOnArguments()((() => () => 1)()), TypeError);
    ok(region.cacheOnArguments({ namespace: "x" })((() => () => 1)()));
    notEqual(
      region.cacheOnArguments({ namespace: "a|b" })(function f() {}).key(),
      region.cacheOnArguments({ namespace: "b" })(
        Object.defineProperty(() => 1, "name", { value: "f|a" }),
      ).key(),
    );
  });
});
