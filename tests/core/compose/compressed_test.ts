import { deepEqual, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bytes } from "../../../src/compose/bytes_codec.ts";
import { compressed } from "../../../src/compose/compressed.ts";
import { json } from "../../../src/compose/json_codec.ts";

const codec = compressed(bytes, { fromBytes: 100 });

describe("compressed", () => {
  it("brings back payloads of any size", async () => {
    const payloads = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 5_000 })).map(([byte, size]) =>
        new Uint8Array(size).fill(byte)
      ),
    );
    await fc.assert(fc.asyncProperty(payloads, async (payload) => {
      deepEqual(await codec.decode(await codec.encode(payload, "key"), "key"), payload);
    }));
  });

  it("leaves alone what is small, and what would not become smaller", async () => {
    const small = new Uint8Array(99);
    deepEqual(await codec.encode(small, "key"), Uint8Array.of(0, 99, ...small));
    const noise = noiseOf(1_000);
    deepEqual(await codec.encode(noise, "key"), Uint8Array.of(0, ...varintOf(1_000), ...noise));
  });

  it("compresses what is large and becomes smaller", async () => {
    ok((await codec.encode(new Uint8Array(100), "key")).length < 20);
  });

  it("refuses a record cut short at any byte", async () => {
    const halfNoise = Uint8Array.of(...noiseOf(80), ...new Uint8Array(80));
    const records = [await codec.encode(halfNoise, "key"), await codec.encode(noiseOf(50), "key")];
    deepEqual(records.map(([kind]) => kind), [1, 0]);
    for (const record of records) {
      for (let end = 0; end < record.length; end++) {
        await rejects(
          async () => await codec.decode(record.subarray(0, end), "key"),
          `cut: ${end}`,
        );
      }
    }
  });

  it("refuses a record with bytes before or after it", async () => {
    const record = await codec.encode(new Uint8Array(200), "key");
    await rejects(async () => await codec.decode(Uint8Array.of(...record, 0), "key"));
    await rejects(async () => await codec.decode(Uint8Array.of(7, ...record), "key"), SyntaxError);
  });

  it("refuses a record that says it grows beyond the bound", async () => {
    const bomb = await compressed(bytes).encode(new Uint8Array(1 << 20), "key");
    ok(bomb.length < 2_000);
    const careful = compressed(bytes, { maxBytes: 1_000 });
    await rejects(async () => await careful.decode(bomb, "key"), TypeError);
  });

  it("stops a record that grows beyond what it says", async () => {
    const record = await codec.encode(new Uint8Array(1 << 20), "key");
    const length = varintOf(1 << 20);
    deepEqual([...record.subarray(1, 1 + length.length)], length);
    for (const claimed of [0, 500, (1 << 20) - 1, (1 << 20) + 1]) {
      const lying = Uint8Array.of(1, ...varintOf(claimed), ...record.subarray(1 + length.length));
      await rejects(async () => await codec.decode(lying, "key"), SyntaxError);
    }
  });

  it("refuses to encode what it would not decode", async () => {
    const careful = compressed(bytes, { maxBytes: 1_000 });
    await rejects(async () => await careful.encode(new Uint8Array(1_001), "key"), RangeError);
  });

  it("names the wrong option and its value", () => {
    throws(() => compressed(json, { fromBytes: -1 }), /"fromBytes" is -1/);
    throws(() => compressed(json, { maxBytes: NaN }), /"maxBytes" is NaN/);
  });
});

function noiseOf(size: number): Uint8Array {
  // A linear congruential generator: the same bytes in every run, and none that deflate shortens.
  let state = 1;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

function varintOf(value: number): number[] {
  return value < 128 ? [value] : [value % 128 | 128, ...varintOf(Math.floor(value / 128))];
}
