import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NEVER } from "../../../src/contracts/clock.ts";
import {
  lifetimesOf,
  overridePolicy,
  type Policy,
  resolvePolicy,
} from "../../../src/region/policy.ts";

function livesOf(policy: Policy<never>, value: unknown = 1, random = 0): number[] {
  const { softTtlMs, hardTtlMs } = lifetimesOf(resolvePolicy(policy), value, () => random);
  return [softTtlMs, hardTtlMs];
}

describe("lives", () => {
  it("for ever, where nothing is stated", () => {
    deepEqual(livesOf({}), [NEVER, NEVER]);
  });

  it("DX-25: a soft life alone implies a hard one, ten times as long", () => {
    deepEqual(livesOf({ softTtlMs: 100 }), [100, 1_000]);
    deepEqual(livesOf({ softTtlMs: NEVER }), [NEVER, NEVER]);
    deepEqual(livesOf({ softTtlMs: 0 }), [0, 0]);
  });

  it("a hard life alone is a soft one, too", () => {
    deepEqual(livesOf({ hardTtlMs: 100 }), [100, 100]);
  });

  it("of functions of the value; soft gives way to hard", () => {
    const softTtlMs = (value: number): number => value * 10;
    deepEqual(livesOf({ softTtlMs }, 5), [50, 500]);
    deepEqual(livesOf({ softTtlMs, hardTtlMs: 20 }, 5), [20, 20]);
    deepEqual(livesOf({ softTtlMs: 30, hardTtlMs: (value: number) => value }, 5), [5, 5]);
  });

  it("DX-15: what a function answers is checked like a number", () => {
    throws(
      () => livesOf({ softTtlMs: () => -1 }),
      /softTtlMs -1: it is negative; for ever is spelled NEVER/,
    );
    throws(() => livesOf({ hardTtlMs: () => Number.NaN }), /hardTtlMs NaN/);
    throws(() => livesOf({ hardTtlMs: () => "5" as unknown as number }), TypeError);
  });

  it("of values that stand for none", () => {
    const policy = { softTtlMs: 100, negative: { ttlMs: 5 } };
    const { softTtlMs, hardTtlMs } = lifetimesOf(resolvePolicy(policy), undefined, () => 0);
    deepEqual([softTtlMs, hardTtlMs], [5, 5]);
    deepEqual(livesOf(policy, null), [5, 5]);
    deepEqual(livesOf(policy, 0), [100, 1_000]);
    const isNegative = (value: number): boolean => value === 0;
    deepEqual(livesOf({ ...policy, negative: { ttlMs: 5, isNegative } }, 0), [5, 5]);
  });

  it("are shortened by jitter, both by one share", () => {
    deepEqual(livesOf({ softTtlMs: 100, hardTtlMs: 200, jitter: 0.5 }, 1, 0), [100, 200]);
    deepEqual(livesOf({ softTtlMs: 100, hardTtlMs: 200, jitter: 0.5 }, 1, 0.5), [75, 150]);
    deepEqual(livesOf({ jitter: 0.5 }, 1, 0.5), [NEVER, NEVER]);
    deepEqual(livesOf({ softTtlMs: 0, hardTtlMs: NEVER, jitter: 1 }, 1, 0.5), [0, NEVER]);
  });

  it("soft never passes hard, whatever is stated", () => {
    const ttl = fc.oneof(fc.constant(undefined), fc.constant(NEVER), fc.nat());
    fc.assert(
      fc.property(
        fc.array(ttl, { minLength: 4, maxLength: 4 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        ([a, b, c, d], random) => {
          const region = stated(a, b);
          const call = stated(c, d);
          if (isContrary(region) || isContrary(call)) return;
          const policy = overridePolicy(resolvePolicy({ ...region, jitter: 0.3 }), call);
          const { softTtlMs, hardTtlMs } = lifetimesOf(policy, 1, () => random);
          equal(softTtlMs <= hardTtlMs, true, `${softTtlMs} ${hardTtlMs}`);
        },
      ),
    );
  });
});

function stated(softTtlMs: number | undefined, hardTtlMs: number | undefined): Policy<never> {
  return {
    ...(softTtlMs === undefined ? {} : { softTtlMs }),
    ...(hardTtlMs === undefined ? {} : { hardTtlMs }),
  };
}

function isContrary({ softTtlMs = 0, hardTtlMs = NEVER }: Policy<never>): boolean {
  return softTtlMs as number > (hardTtlMs as number);
}

describe("overriding", () => {
  it("states a part; the inherited part gives way", () => {
    const region = resolvePolicy({ softTtlMs: 100, hardTtlMs: 200 });
    const livesUnder = (call: Policy<never>): number[] => {
      const { softTtlMs, hardTtlMs } = lifetimesOf(overridePolicy(region, call), 1, () => 0);
      return [softTtlMs, hardTtlMs];
    };
    deepEqual(livesUnder({}), [100, 200]);
    deepEqual(livesUnder({ softTtlMs: 50 }), [50, 200]);
    deepEqual(livesUnder({ softTtlMs: 500 }), [500, 500]);
    deepEqual(livesUnder({ hardTtlMs: 50 }), [50, 50]);
    deepEqual(livesUnder({ softTtlMs: NEVER }), [NEVER, NEVER]);
  });

  it("costs nothing where no field of a policy is stated", () => {
    const region = resolvePolicy({ softTtlMs: 100 });
    equal(overridePolicy(region, { tags: ["a"] } as Policy<never>), region);
  });

  it("overrides the fields of a group one by one", () => {
    const region = resolvePolicy({ lock: { waitMs: 5, leaseMs: 7 } });
    deepEqual(overridePolicy(region, { lock: { waitMs: 6 } }).lock, {
      waitMs: 6,
      staleWaitMs: 0,
      leaseMs: 7,
      onTimeout: "run",
    });
  });
});

describe("a policy that contradicts itself", () => {
  const refused: [Policy<never>, RegExp][] = [
    [{ softTtlMs: 2, hardTtlMs: 1 }, /softTtlMs 2 with hardTtlMs 1/],
    [{ creation: { softTimeoutMs: 2, hardTimeoutMs: 1 } }, /softTimeoutMs 2 with hardTimeoutMs 1/],
    [{ softTtlMs: Number.NaN }, /softTtlMs NaN/],
    [{ softTtlMs: -1 }, /negative; for ever is spelled NEVER/],
    [{ hardTtlMs: "5" as unknown as number }, /hardTtlMs 5: it is not a number/],
    [{ jitter: 1.5 }, /jitter 1.5/],
    [{ jitter: Number.NaN }, /jitter NaN/],
    [{ earlyRefresh: { share: 1 } }, /earlyRefresh.share 1/],
    [{ earlyRefresh: { share: 0 } }, /earlyRefresh.share 0/],
    [{ earlyRefresh: { beta: 0 } }, /earlyRefresh.beta 0/],
    [{ earlyRefresh: { beta: Infinity } }, /earlyRefresh.beta Infinity/],
    [{ lock: { waitMs: NEVER } }, /lock.waitMs Infinity/],
    [{ lock: { leaseMs: 0 } }, /lock.leaseMs 0: a lease must live/],
    [{ lock: { onTimeout: "wait" as "run" } }, /"wait": it is not "stale", "run" or "throw"/],
    [{ creation: { hardTimeoutMs: 2 ** 31 } }, /creation.hardTimeoutMs/],
    [{ staleOnError: { throttleMs: -1 } }, /staleOnError.throttleMs -1/],
    [{ negative: { errorTtlMs: -1 } }, /negative.errorTtlMs -1/],
  ];
  for (const [policy, message] of refused) {
    it(`is refused: ${JSON.stringify(policy)}`, () => {
      throws(() => resolvePolicy(policy), message);
    });
  }

  it("D-055: a life that is no number is refused with its name", () => {
    throws(() => resolvePolicy({ softTtlMs: "one hour" as unknown as number }), {
      name: "TypeError",
      message: "Cannot use softTtlMs one hour: it is not a number",
    });
  });
});
