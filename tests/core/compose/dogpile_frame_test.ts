import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { dogpileFraming } from "../../../src/compose/dogpile_frame.ts";
import type { Frame } from "../../../src/compose/frame.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { entrySamples } from "../../conformance/cases.ts";
import { ModelStore } from "../../testing/model_store.ts";
import vectors from "../../vectors/dogpile_records.json" with { type: "json" };

const framing = dogpileFraming();
const utf8 = new TextEncoder();

backendSuite("serialized(json) in dogpile's framing", (clock) => {
  const limits = { ...new ModelStore(clock).limits, keyBytes: 250, valueBytes: 1 << 16 };
  const store = new ModelStore<Uint8Array>(clock, { limits });
  return {
    backend: serialized(json, store, { framing }),
    trips: () => store.trips,
    breakStore: () => void (store.isBroken = true),
  };
}, { samples: entrySamples });

describe("dogpileFraming", () => {
  for (const { name, record, createdAt, payload } of vectors.writtenByDogpile) {
    it(`reads a record that dogpile.cache wrote: ${name}`, async () => {
      const frame = dogpileFraming({ softTtlMs: 1_000, hardTtlMs: 5_000 }).parse(fromHex(record));
      deepEqual(await json.decode(frame.payload, name), payload);
      ok(Math.abs(frame.createdAt - createdAt) < 0.002, `${frame.createdAt}, not ${createdAt}`);
      equal(frame.softExpiresAt, frame.createdAt + 1_000);
      equal(frame.hardExpiresAt, frame.createdAt + 5_000);
      deepEqual([frame.tags, frame.marks, frame.codec], [[], [], undefined]);
    });
  }

  for (const { name, record, createdAt, payload } of vectors.readByDogpile) {
    it(`writes what dogpile.cache reads: ${name}`, async () => {
      const frame = framing.parse(fromHex(record));
      equal(frame.createdAt, createdAt);
      deepEqual(await json.decode(frame.payload, name), payload);
      equal(toHex(framing.format(frame)), record);
    });
  }

  it("D-027: the record is bytes whose part after the first bar is what the codec made", async () => {
    await fc.assert(fc.asyncProperty(frames, fc.jsonValue(), async (frame, value) => {
      const payload = await json.encode(value, "key");
      const record = framing.format({ ...frame, payload });
      ok(record instanceof Uint8Array);
      const text = String.fromCharCode(...record);
      const head = text.slice(0, text.indexOf("|"));
      deepEqual(record.subarray(head.length + 1), payload);
      deepEqual(await json.decode(framing.parse(record).payload, "key"), value);
      ok(/^[ -~]*$/.test(head), "the metadata are ASCII");
      const metadata = JSON.parse(head);
      deepEqual([metadata.v, metadata.ct], [2, frame.createdAt / 1_000]);
    }));
  });

  it("keeps every field of every entry", () => {
    fc.assert(fc.property(frames, (frame) => {
      deepEqual(framing.parse(framing.format(frame)), frame);
    }));
  });

  it("DX-18: refuses what is no record, with another version, or with broken details", () => {
    const bad = [
      "",
      "no bar",
      "|payload",
      "[]|1",
      "null|1",
      '{"v": 2}|1',
      '{"ct": "1", "v": 2}|1',
      '{"ct": 1, "v": 1}|1',
      '{"ct": 1, "v": 2, "cairn": 1}|1',
      '{"ct": 1, "v": 2, "cairn": {}}|1',
      '{"ct": 1, "v": 2, "cairn": {"codec":null,"ms":1,"soft":null,"hard":null,"tags":[1],"marks":[]}}|1',
      '{"ct": 1, "v": 2, "cairn": {"codec":null,"ms":1,"soft":null,"hard":null,"tags":[],"marks":[["a"]]}}|1',
    ];
    for (const record of bad) throws(() => framing.parse(utf8.encode(record)), SyntaxError, record);
    throws(() => framing.parse(Uint8Array.of(0x80, 4, 0x7c)), TypeError);
  });

  it("refuses a record whose metadata are cut short anywhere", () => {
    const record = framing.format(plain);
    const head = record.indexOf(0x7c);
    for (let end = 0; end <= head; end++) throws(() => framing.parse(record.subarray(0, end)));
  });

  it("names the wrong option and its value", () => {
    throws(() => dogpileFraming({ softTtlMs: -1 }), /"softTtlMs" is -1/);
    throws(
      () => dogpileFraming({ softTtlMs: 2, hardTtlMs: 1 }),
      /"softTtlMs" is 2.*"hardTtlMs", 1/,
    );
  });
});

const plain: Frame = {
  codec: "json",
  payload: utf8.encode("[1]"),
  createdAt: 1_700_000_000_000,
  creationMs: 25,
  softExpiresAt: 1_700_000_060_000,
  hardExpiresAt: NEVER,
  tags: ["a|b"],
  marks: [],
};

const texts = fc.string({ unit: "binary", maxLength: 20 });
const instants = fc.oneof(fc.nat({ max: 2_000_000_000_000 }), fc.constant(NEVER));
const frames: fc.Arbitrary<Frame> = fc.record({
  codec: fc.constantFrom("json", undefined),
  payload: fc.uint8Array({ maxLength: 100 }),
  createdAt: fc.nat({ max: 2_000_000_000_000 }),
  creationMs: fc.nat(),
  softExpiresAt: instants,
  hardExpiresAt: instants,
  tags: fc.array(texts, { maxLength: 3 }),
  marks: fc.array(fc.record({ hard: texts, soft: texts }, { noNullPrototype: true }), {
    maxLength: 3,
  }),
}, { noNullPrototype: true });

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
