/** Random rings, keys and batches: both kernels against the simplest possible ketama. */

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ketamaOver } from "../../../src/hash/ketama.ts";
import { kernels } from "./kernels.ts";
import { md5Words, oracleIndex, oraclePoints } from "./oracle.ts";

const host = fc.oneof(
  fc.ipV4(),
  fc.domain(),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 70 }).filter((text) => text !== ""),
);
const shard = fc.record({
  host,
  port: fc.oneof(fc.constant(11211), fc.integer({ min: 0, max: 65_535 })),
  weight: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 9 }), fc.nat(100_000)),
});
const shards = fc.array(shard, { minLength: 1, maxLength: 12 });
const key = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.integer({ min: 0, max: 300 }).map((length) => "k".repeat(length)),
);
const keys = fc.array(key, { minLength: 1, maxLength: 40 });

const runs = { numRuns: 60 };

describe("ketama against the simplest ketama", () => {
  for (const kernel of kernels) {
    it(`gives the same points and indexes from the ${kernel.kind} kernel`, () => {
      fc.assert(
        fc.property(shards, keys, fc.nat(), (shards, keys, out) => {
          const ring = ketamaOver(kernel, { shards });
          const live: (typeof shards[number] | undefined)[] = [...shards];
          for (const ejects of [false, true]) {
            if (ejects && ring.eject(out % shards.length)) live[out % shards.length] = undefined;
            const points = oraclePoints(live);
            const { values, owners } = ring.points();
            deepEqual(Array.from(values, (value, i) => [value, owners[i]]), points);
            const expected = keys.map((key) => oracleIndex(points, key));
            deepEqual(keys.map((key) => ring.indexOf(key)), expected);
            deepEqual(Array.from(ring.indexOfMany(keys)), expected);
          }
        }),
        runs,
      );
    });

    it(`hashes every split of a key into prefix and rest alike, ${kernel.kind} kernel`, () => {
      fc.assert(
        fc.property(key, key, (prefix, rest) => {
          const whole = md5Words(prefix + rest)[0];
          equal(kernel.hash(prefix, rest), whole);
          equal(kernel.hashMany([rest, "other", rest], 0, prefix), 3);
          deepEqual([kernel.hashes[0], kernel.hashes[2]], [whole, whole]);
          equal(kernel.hash("", prefix + rest), whole);
        }),
        runs,
      );
    });

    it(`digests batches of any mix of lengths, ${kernel.kind} kernel`, () => {
      fc.assert(
        fc.property(fc.array(key, { maxLength: 60 }), (keys) => {
          const encoded = keys.map((key) => new TextEncoder().encode(key));
          const ends = Uint32Array.from(encoded, () => 0);
          encoded.reduce((end, { length }, i) => ends[i] = end + length, 0);
          const bytes = new Uint8Array(ends.at(-1) ?? 0);
          encoded.forEach((part, i) => bytes.set(part, ends[i]! - part.length));
          const ring = ketamaOver(kernel, { shards: ["a", "b", "c", "d", "e"] });
          const expected = keys.map((key) => ring.indexOf(key));
          deepEqual(Array.from(ring.indexOfMany(keys)), expected);
          deepEqual(Array.from(ring.indexOfManyBytes({ bytes, ends })), expected);
        }),
        runs,
      );
    });
  }
});
