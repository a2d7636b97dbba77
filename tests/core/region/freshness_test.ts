import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { earlyWindowOf, freshnessOf, isEarlyDue } from "../../../src/region/freshness.ts";

function entryOf(times: Partial<Entry>): Entry {
  return {
    payload: 1,
    createdAt: 1_000,
    creationMs: 0,
    softExpiresAt: NEVER,
    hardExpiresAt: NEVER,
    tags: [],
    marks: [],
    ...times,
  };
}

describe("freshnessOf", () => {
  it("is the whole table, at and around both ends", () => {
    const entry = entryOf({ softExpiresAt: 2_000, hardExpiresAt: 3_000 });
    const at = (now: number) =>
      (["valid", "soft", "hard"] as const).map((standing) => freshnessOf(entry, now, standing));
    deepEqual(at(1_999), ["fresh", "stale", "missing"]);
    deepEqual(at(2_000), ["stale", "stale", "missing"]);
    deepEqual(at(2_999), ["stale", "stale", "missing"]);
    deepEqual(at(3_000), ["missing", "missing", "missing"]);
    equal(freshnessOf(undefined, 0, "valid"), "missing");
  });

  it("never ends without ends", () => {
    equal(freshnessOf(entryOf({}), Number.MAX_SAFE_INTEGER, "valid"), "fresh");
  });

  it("DX-13: an entry of a clock ahead ends at its stored end, never later", () => {
    const entry = entryOf({ createdAt: 9_000, softExpiresAt: 10_000, hardExpiresAt: 11_000 });
    equal(freshnessOf(entry, 1_000, "valid"), "fresh");
    equal(freshnessOf(entry, 10_000, "valid"), "stale");
    equal(freshnessOf(entry, 11_000, "valid"), "missing");
  });
});

describe("early refresh", () => {
  it("by a share begins when that share of the soft life has passed", () => {
    const entry = entryOf({ softExpiresAt: 2_000 });
    equal(earlyWindowOf(entry, { share: 0.8 }), 1_800);
    equal(isEarlyDue(entry, { share: 0.8 }, { now: 1_799, chance: 0.999 }), false);
    equal(isEarlyDue(entry, { share: 0.8 }, { now: 1_800, chance: 0 }), true);
  });

  it("never comes for what does not expire, or where it is not asked for", () => {
    equal(isEarlyDue(entryOf({}), { share: 0.5 }, { now: 1e15, chance: 0.99 }), false);
    equal(isEarlyDue(entryOf({}), { beta: 1 }, { now: 1e15, chance: 0.99 }), false);
    equal(
      isEarlyDue(entryOf({ softExpiresAt: 2_000 }), undefined, { now: 1_999, chance: 0.9 }),
      false,
    );
  });

  it("XFetch refreshes with chance e^(-left / (beta * creation))", () => {
    const entry = entryOf({ softExpiresAt: 2_000, creationMs: 100 });
    for (const [left, beta] of [[100, 1], [50, 1], [300, 1], [100, 2]] as const) {
      const expected = Math.exp(-left / (beta * 100));
      const steps = 20_000;
      let due = 0;
      for (let i = 0; i < steps; i++) {
        const at = { now: 2_000 - left, chance: i / steps };
        if (isEarlyDue(entry, { beta }, at)) due++;
      }
      ok(
        Math.abs(due / steps - expected) < 0.001,
        `${left} ${beta}: ${due / steps}, not ${expected}`,
      );
    }
  });

  it("is due only within its window, but for one in 8.9 million", () => {
    fc.assert(fc.property(
      fc.record({
        creationMs: fc.nat(1_000),
        left: fc.nat(100_000),
        chance: fc.double({ min: 0, max: 1 - 1.1e-7, noNaN: true }),
      }),
      ({ creationMs, left, chance }) => {
        const entry = entryOf({ createdAt: 0, softExpiresAt: 1_000_000, creationMs });
        const now = 1_000_000 - left;
        const early = { beta: 1 };
        if (now < earlyWindowOf(entry, early) - 1) {
          equal(isEarlyDue(entry, early, { now, chance }), false);
        }
      },
    ));
  });
});
