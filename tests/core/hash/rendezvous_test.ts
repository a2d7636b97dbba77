import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { movedShareOf } from "../../../src/hash/moved_share.ts";
import {
  type RendezvousOptions,
  rendezvousOver,
  type RendezvousRing,
} from "../../../src/hash/rendezvous.ts";
import { kernels } from "./kernels.ts";
import { md5Words } from "./oracle.ts";

const keys = Array.from({ length: 20_000 }, (_, i) => `key ${i}`);
const labels = ["eu", "us", "asia", "africa", "oceania"];

/** The share of the keys that each shard holds. */
function shares(ring: RendezvousRing): number[] {
  const counts = ring.labels.map(() => 0);
  for (const index of ring.indexOfMany(keys)) counts[index]!++;
  return counts.map((count) => count / keys.length);
}

/** The same by the text of the algorithm, with the engine's own logarithm. */
function simplest(key: string, shards: { label: string; weight: number }[]): number {
  const scores = shards.map(({ label, weight }) => {
    let hash = md5Words(key)[0]! ^ md5Words(label)[0]!;
    hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
    hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
    return weight / -Math.log((((hash ^ hash >>> 16) >>> 0) + 0.5) / 2 ** 32);
  });
  return scores.indexOf(Math.max(...scores));
}

for (const kernel of kernels) {
  const rendezvous = (options: RendezvousOptions): RendezvousRing =>
    rendezvousOver(kernel, options);

  describe(`rendezvous over the ${kernel.kind} kernel`, () => {
    it("spreads keys evenly, or by weight", () => {
      shares(rendezvous({ shards: labels })).forEach((share) => ok(Math.abs(share - 0.2) < 0.01));
      const weights = [1, 2, 0.5, 4, 2.5];
      const shards = labels.map((label, i) => ({ label, weight: weights[i]! }));
      shares(rendezvous({ shards })).forEach((share, i) => {
        ok(Math.abs(share - weights[i]! / 10) < 0.01, `${labels[i]}: ${share}`);
      });
    });

    it("chooses as the simplest rendezvous does", () => {
      const shard = fc.record({ label: fc.string(), weight: fc.integer({ min: 1, max: 20 }) });
      const shards = fc.uniqueArray(shard, {
        minLength: 1,
        maxLength: 32,
        selector: (s) => s.label,
      });
      fc.assert(
        fc.property(shards, fc.array(fc.string(), { minLength: 1 }), (shards, keys) => {
          const expected = keys.map((key) => simplest(key, shards));
          const ring = rendezvous({ shards });
          deepEqual(keys.map((key) => ring.indexOf(key)), expected);
          deepEqual(Array.from(ring.indexOfMany(keys)), expected);
          deepEqual(keys.map((key) => ring.ranked(key)[0]), expected);
        }),
        { numRuns: 60 },
      );
    });

    it("gives these answers for ever", () => {
      const shards = [{ label: "a", weight: 3 }, "b", "c"];
      const asked = Array.from({ length: 40 }, (_, i) => `k${i}`);
      equal(
        rendezvous({ shards }).indexOfMany(asked).join(""),
        "0001121000011020112100220121012110000200",
      );
    });

    it("gives the keys of an ejected shard to their second choice, and no others", () => {
      const ring = rendezvous({ shards: labels });
      const before = keys.map((key) => ring.ranked(key));
      ok(before.every((ranks) => new Set(ranks).size === labels.length));
      ok(ring.eject(2) && !ring.eject(2) && !ring.isLive(2));
      ring.indexOfMany(keys).forEach((index, i) => {
        const [first, second] = before[i]!;
        equal(index, first === 2 ? second : first);
      });
      notEqual(shares(ring)[0], 0);
      ok(ring.restore(2) && !ring.restore(2));
      deepEqual(keys.slice(0, 99).map((key) => ring.ranked(key)), before.slice(0, 99));
      for (const index of [4, 3, 2, 1]) ok(ring.eject(index));
      equal(ring.eject(0), false);
      throws(() => ring.isLive(5), /Cannot find shard 5/);
    });

    it("moves the fewest keys when a shard is added", () => {
      const six = rendezvous({ shards: [...labels, "arctic"] });
      const moved = movedShareOf(keys, rendezvous({ shards: labels }), six);
      ok(Math.abs(moved - 1 / 6) < 0.01, `${moved}`);
    });

    it("refuses bad input, naming the shard", () => {
      throws(() => rendezvous({ shards: [] }), RangeError);
      throws(() => rendezvous({ shards: ["a", "b", "a"] }), /shard "a": it is there already/);
      for (const weight of [0, -1, NaN, Infinity]) {
        throws(() => rendezvous({ shards: [{ label: "a", weight }] }), /shard "a": .* no weight/);
      }
      const crowd = Array.from({ length: 33 }, (_, i) => `s${i}`);
      throws(
        () => rendezvous({ shards: crowd }),
        /shard "s32": a rendezvous ring holds at most 32/,
      );
      equal(rendezvous({ shards: crowd.slice(1) }).labels.length, 32);
      throws(() => rendezvous({ shards: ["a"], hash: "x" as never }), /no hash "x"/);
      throws(() => rendezvous({ shards: ["a"] }).indexOfMany(keys, new Uint16Array(1)), RangeError);
    });
  });
}
