import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { CreationTimeoutError } from "../../../src/contracts/errors.ts";
import { type CreationContext, NOT_MODIFIED } from "../../../src/region/creation.ts";
import { settled } from "../../testing/manual_clock.ts";
import { counter, regionBench, SHAPES } from "../../testing/region_bench.ts";

for (const shape of SHAPES) {
  describe(`creations in a region of ${shape}`, () => {
    it("D-024: the creator's exception comes out, the same object, and nothing is kept", async () => {
      const { region } = regionBench(shape);
      const failure = new RangeError("original text");
      const failed = region.getOrCreate("key", () => {
        throw failure;
      });
      await rejects(failed, (error) => error === failure);
      equal(await region.getEntry("key"), undefined);
      equal(await region.keyIsLocked("key"), false);
    });

    it("may throw anything, undefined too", async () => {
      const { region } = regionBench(shape);
      for (const thrown of [undefined, null, 0, "text", { error: 1 }]) {
        const failed = region.getOrCreate("key", () => Promise.reject(thrown));
        await rejects(failed, (error) => error === thrown);
      }
    });

    it("D-094 D-095 D-096: shouldCache decides on each value, refused ones are answered", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const shouldCache = (value: number): boolean => value === 1 || value === 3;
      const get = () => region.getOrCreate("key", next, { shouldCache });
      const kept = () => region.get("key", { ignoreExpiration: true });
      deepEqual([await get(), await kept()], [1, 1]);
      await region.invalidate();
      deepEqual([await get(), await kept()], [2, 1]);
      await region.invalidate();
      deepEqual([await get(), await kept()], [3, 3]);
    });

    it("DX-04: an uncacheable value is shared by those who wait for it", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      const gate = Promise.withResolvers<void>();
      const create = async (): Promise<number> => {
        await gate.promise;
        return next();
      };
      const options = { shouldCache: () => false };
      const callers = Array.from({ length: 5 }, () => region.getOrCreate("key", create, options));
      await settled();
      gate.resolve();
      deepEqual(await Promise.all(callers), [1, 1, 1, 1, 1]);
    });

    it("createdAt is when the creation started, creationMs how long it took; lives count from its end", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000 });
      const startedAt = clock.now();
      const creating = region.getOrCreate("key", () => clock.sleep(300).then(() => "slow"));
      await clock.advance(300);
      await creating;
      const entry = await region.getEntry("key");
      deepEqual([entry?.createdAt, entry?.creationMs], [startedAt, 300]);
      equal(entry?.softExpiresAt, startedAt + 300 + 1_000);
    });

    it("are given the key, a signal and the stale entry", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      const seen: CreationContext[] = [];
      const create = (context: CreationContext): string => {
        seen.push(context);
        return `value ${seen.length}`;
      };
      await region.getOrCreate("key", create);
      await clock.advance(100);
      await region.getOrCreate("key", create);
      deepEqual(seen.map(({ key, stale }) => [key, stale?.payload]), [["key", undefined], [
        "key",
        "value 1",
      ]]);
      ok(seen.every(({ signal }) => !signal.aborted));
    });

    it("that find nothing modified give the old value a new life", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      await region.set("key", "old");
      await clock.advance(100);
      equal(await region.getOrCreate<string>("key", () => NOT_MODIFIED), "old");
      equal(await region.get("key"), "old");
      equal(region.stats().notModified, 1);
      const failed = region.getOrCreate<string>("missing", () => NOT_MODIFIED);
      await rejects(failed, /there was no stale value/);
    });

    it("that find nothing modified keep the tags that were added to the old value", async () => {
      for (const hard of [true, false]) {
        const { region, clock } = regionBench(shape, { softTtlMs: 100 });
        await region.getOrCreate("key", async ({ addTags }) => {
          await addTags("added");
          return "old";
        }, { tags: ["given"] });
        await clock.advance(100);
        const gate = Promise.withResolvers<typeof NOT_MODIFIED>();
        const checking = region.getOrCreate<string>("key", () => gate.promise, { tags: ["new"] });
        await settled();
        gate.resolve(NOT_MODIFIED);
        equal(await checking, "old");
        deepEqual((await region.getEntry("key"))?.tags, ["new", "given", "added"]);
        await region.invalidate({ hard, tags: ["added"] });
        equal(await region.get("key"), undefined);
      }
    });

    it("that find nothing modified do not undo an invalidation of an old tag meanwhile", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 100 });
      await region.set("key", "old", { tags: ["old"] });
      await clock.advance(100);
      const gate = Promise.withResolvers<typeof NOT_MODIFIED>();
      const checking = region.getOrCreate<string>("key", () => gate.promise);
      await settled();
      await region.invalidate({ tags: ["old"] });
      gate.resolve(NOT_MODIFIED);
      equal(await checking, "old");
      equal(await region.get("key"), undefined);
    });

    it("longer than the soft timeout end in the background, for who has a stale value", async () => {
      const works: Promise<unknown>[] = [];
      const background = (work: Promise<unknown>): void => void works.push(work);
      const creation = { softTimeoutMs: 50 };
      const { region, clock } = regionBench(shape, { softTtlMs: 100, creation, background });
      await region.set("key", "old");
      await clock.advance(100);
      const create = () => clock.sleep(80).then(() => "new");
      let answer: unknown;
      void region.getOrCreate("key", create).then((value) => answer = value);
      await clock.advance(49);
      equal(answer, undefined);
      await clock.advance(1);
      equal(answer, "old");
      equal(works.length, 1);
      await clock.advance(30);
      equal(await region.get("key"), "new");
      await works[0];
    });

    it("with a soft timeout of 0 never keep a caller who has a stale value", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 0 },
      });
      const gate = Promise.withResolvers<string>();
      equal(await region.getOrCreate("key", () => "old"), "old");
      await clock.advance(100);
      equal(await region.getOrCreate("key", () => gate.promise), "old");
      gate.resolve("new");
      await settled();
      equal(await region.get("key"), "new");
    });

    it("that fail in the background disturb nobody", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { softTimeoutMs: 0 },
      });
      await region.set("key", "old");
      await clock.advance(100);
      equal(await region.getOrCreate("key", () => Promise.reject(new Error("no"))), "old");
      await settled();
      equal(region.stats().createError, 1);
    });

    it("longer than the hard timeout are aborted and reject", async () => {
      const { region, clock } = regionBench(shape, { creation: { hardTimeoutMs: 50 } });
      const signals: AbortSignal[] = [];
      const create = ({ signal }: CreationContext): Promise<never> => {
        signals.push(signal);
        return new Promise(() => {});
      };
      const failed = rejects(region.getOrCreate("key", create), (error) => {
        ok(error instanceof CreationTimeoutError);
        match(error.message, /Cannot create "key": not done after 50 ms/);
        return error === signals[0]?.reason;
      });
      await clock.advance(50);
      await failed;
      equal(await region.keyIsLocked("key"), false);
      equal(await region.getOrCreate("key", () => "well"), "well");
    });

    it("longer than the hard timeout are answered stale, if errors are", async () => {
      const { region, clock } = regionBench(shape, {
        softTtlMs: 100,
        creation: { hardTimeoutMs: 50 },
        staleOnError: true,
      });
      await region.set("key", "old");
      await clock.advance(100);
      const answer = region.getOrCreate("key", () => new Promise<string>(() => {}));
      await clock.advance(50);
      equal(await answer, "old");
    });

    it("a caller who leaves does not end what others wait for; the last one does", async () => {
      const { region } = regionBench(shape);
      const [first, second] = [new AbortController(), new AbortController()];
      const signals: AbortSignal[] = [];
      const create = ({ signal }: CreationContext): Promise<string> => {
        signals.push(signal);
        return new Promise(() => {});
      };
      const one = region.getOrCreate("key", create, { signal: first.signal });
      const two = region.getOrCreate("key", create, { signal: second.signal });
      await settled();
      first.abort(new Error("one left"));
      await rejects(one, { message: "one left" });
      equal(signals[0]?.aborted, false);
      second.abort(new Error("two left"));
      await rejects(two, { message: "two left" });
      await settled();
      equal(signals.length, 1);
      equal(signals[0]?.aborted, true);
      equal(await region.keyIsLocked("key"), false);
      equal(await region.getOrCreate("key", () => "anew"), "anew");
    });

    it("a caller whose signal is aborted already is refused at once", async () => {
      const { region } = regionBench(shape);
      const signal = AbortSignal.abort(new Error("gone"));
      await rejects(region.getOrCreate("key", () => 1, { signal }), { message: "gone" });
      equal(await region.get("key"), undefined);
    });

    it("that failed are not tried again while their error is remembered", async () => {
      const { region, clock } = regionBench(shape, { negative: { errorTtlMs: 100 } });
      const next = counter();
      const fail = (): number => {
        throw new Error(`failure ${next()}`);
      };
      await rejects(region.getOrCreate("key", fail), { message: "failure 1" });
      await clock.advance(99);
      await rejects(region.getOrCreate("key", fail), { message: "failure 1" });
      await clock.advance(1);
      await rejects(region.getOrCreate("key", fail), { message: "failure 2" });
      await region.set("key", 5);
      equal(await region.getOrCreate("key", fail), 5);
      await region.delete("key");
      await rejects(region.getOrCreate("key", fail), { message: "failure 3" });
    });

    it("that ended because their callers left are remembered by nobody", async () => {
      const { region } = regionBench(shape, { negative: { errorTtlMs: 60_000 } });
      const caller = new AbortController();
      const { signal } = caller;
      const left = region.getOrCreate("key", () => new Promise<string>(() => {}), { signal });
      await settled();
      caller.abort(new Error("left"));
      await rejects(left, { message: "left" });
      await settled();
      equal(await region.getOrCreate("key", () => "made"), "made");
    });

    it("are not begun when everybody has left before", async () => {
      const { region } = regionBench(shape);
      const next = counter();
      for (const many of [false, true]) {
        const caller = new AbortController();
        const { signal } = caller;
        const answer = many
          ? region.getOrCreateMulti(["a", "b"], (keys) => keys.map(next), { signal })
          : region.getOrCreate("key", next, { signal });
        caller.abort(new Error("left"));
        await rejects(answer, { message: "left" });
        await settled();
      }
      equal(next(), 1);
      equal(region.stats().createError, 0);
      for (const key of ["a", "b", "key"]) equal(await region.keyIsLocked(key), false);
    });

    it("a value that stands for none has a life of its own", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 1_000, negative: { ttlMs: 50 } });
      const next = counter();
      const create = () => {
        const n = next();
        return n === 1 ? undefined : n;
      };
      equal(await region.getOrCreate("key", create), undefined);
      await clock.advance(49);
      equal(await region.getOrCreate("key", create), undefined);
      await clock.advance(1);
      equal(await region.getOrCreate("key", create), 2);
      await clock.advance(999);
      equal(await region.getOrCreate("key", create), 2);
    });

    it("of a life of 0 are shared by those who wait, and kept for nobody else", async () => {
      const { region } = regionBench(shape, { softTtlMs: 0 });
      const next = counter();
      const gate = Promise.withResolvers<void>();
      const create = () => gate.promise.then(next);
      const callers = [1, 2, 3].map(() => region.getOrCreate("key", create));
      await settled();
      gate.resolve();
      deepEqual(await Promise.all(callers), [1, 1, 1]);
      equal(await region.getOrCreate("key", next), 2);
    });

    it("a value older than the caller's maxAgeMs is made anew for that caller", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 5_000 });
      const next = counter();
      await region.getOrCreate("key", next);
      await clock.advance(2_000);
      equal(await region.get("key"), 1);
      equal(await region.get("key", { maxAgeMs: 1_000 }), undefined);
      equal(await region.getOrCreate("key", next, { maxAgeMs: 2_001 }), 1);
      equal(await region.getOrCreate("key", next, { maxAgeMs: 1_000 }), 2);
      equal(await region.get("key"), 2);
    });

    it("keeps lives beyond what timers can count", async () => {
      const { region, clock } = regionBench(shape, { softTtlMs: 2 ** 40 });
      await region.set("key", 1);
      await clock.advance(2 ** 40 - 1);
      equal(await region.get("key"), 1);
      await clock.advance(1);
      equal(await region.get("key"), undefined);
    });
  });
}
