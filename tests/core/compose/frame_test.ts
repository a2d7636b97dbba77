import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Frame, frameV1 } from "../../../src/compose/frame.ts";
import { rawFraming } from "../../../src/compose/raw_frame.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import vectors from "../../vectors/frame_v1.json" with { type: "json" };

describe("frameV1", () => {
  for (const { name, record, frame } of vectors.frames) {
    it(`reads and still writes the committed record: ${name}`, () => {
      const expected = frameOf(frame);
      deepEqual(frameV1.parse(fromHex(record)), expected);
      equal(toHex(frameV1.format(expected)), record);
    });
  }

  it("keeps every field of every entry", () => {
    fc.assert(fc.property(frames, (frame) => {
      deepEqual(frameV1.parse(frameV1.format(frame)), frame);
    }));
  });

  it("refuses a record cut short at any byte", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const record = frameV1.format(frame);
        for (let end = 0; end < record.length; end++) {
          throws(() => frameV1.parse(record.subarray(0, end)), `cut at ${end}`);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("refuses a record with bytes before or after it", () => {
    fc.assert(fc.property(frames, fc.uint8Array({ minLength: 1, maxLength: 20 }), (frame, more) => {
      const record = frameV1.format(frame);
      throws(() => frameV1.parse(Uint8Array.of(...record, ...more)), SyntaxError);
      if (more[0] !== 0xc1) {
        throws(() => frameV1.parse(Uint8Array.of(...more, ...record)), SyntaxError);
      }
    }));
  });

  it("answers bytes of any kind with a frame or a SyntaxError or TypeError", () => {
    const tails = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(tails, fc.boolean(), (tail, isNearly) => {
        const record = isNearly ? Uint8Array.of(0xc1, 1, ...tail) : tail;
        try {
          const frame = frameV1.parse(record);
          ok(frame.payload instanceof Uint8Array && Array.isArray(frame.tags));
        } catch (error) {
          ok(error instanceof SyntaxError || error instanceof TypeError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("says which version it cannot read", () => {
    throws(() => frameV1.parse(Uint8Array.of(0xc1, 9)), /version is 9/);
  });

  it("refuses text that UTF-8 cannot hold, rather than alter it", () => {
    throws(() => frameV1.format({ ...plain, tags: ["\ud800"] }), RangeError);
  });

  it("takes 25 bytes besides the payload of an entry with both deadlines and no tags", () => {
    const frame = { ...plain, codec: "json", payload: new Uint8Array(100) };
    equal(frameV1.format(frame).length - 100, 25);
  });
});

describe("rawFraming", () => {
  it("stores the payload alone and invents the rest", () => {
    const clock = new ManualClock(5_000);
    const raw = rawFraming({ clock });
    const payload = Uint8Array.of(1, 2, 3);
    deepEqual(raw.format({ ...plain, payload, tags: ["lost"] }), payload);
    deepEqual(raw.parse(payload), {
      codec: undefined,
      payload,
      createdAt: 5_000,
      creationMs: 0,
      softExpiresAt: NEVER,
      hardExpiresAt: NEVER,
      tags: [],
      marks: [],
    });
  });
});

const plain: Frame = {
  codec: "json",
  payload: new Uint8Array(0),
  createdAt: 1_700_000_000_000,
  creationMs: 25,
  softExpiresAt: 1_700_000_060_000,
  hardExpiresAt: 1_700_003_600_000,
  tags: [],
  marks: [],
};

const texts = fc.string({ unit: "binary", maxLength: 40 });
const identities = fc.oneof(
  texts,
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex),
);
const instants = fc.oneof(
  fc.nat({ max: 2_000_000_000_000 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(NEVER, 0, -0, 1.5, -Infinity, NaN),
);
const frames: fc.Arbitrary<Frame> = fc.record({
  codec: fc.constantFrom("json", "a", "z-devalu", undefined),
  payload: fc.uint8Array({ maxLength: 300 }),
  createdAt: instants,
  creationMs: instants,
  softExpiresAt: instants,
  hardExpiresAt: instants,
  tags: fc.array(texts, { maxLength: 5 }),
  marks: fc.array(fc.record({ hard: identities, soft: identities }, { noNullPrototype: true }), {
    maxLength: 5,
  }),
}, { noNullPrototype: true });

type VectorFrame = (typeof vectors.frames)[number]["frame"];

function frameOf(vector: VectorFrame): Frame {
  const instantOf = (value: number | string): number => Number(value);
  return {
    codec: vector.codec,
    payload: fromHex(vector.payload),
    createdAt: instantOf(vector.createdAt),
    creationMs: instantOf(vector.creationMs),
    softExpiresAt: instantOf(vector.softExpiresAt),
    hardExpiresAt: instantOf(vector.hardExpiresAt),
    tags: vector.tags,
    marks: vector.marks,
  };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
