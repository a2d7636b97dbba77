/** The meta protocol as bytes: what is sent, and replies put together from any pieces. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  flagOf,
  formatCommands,
  longestEncodedKey,
  longestKey,
  type MetaCommand,
  type MetaReply,
  ReplyReader,
} from "../../../backends/memcached/protocol.ts";
import { blankOrControl } from "../../../src/compose/limits.ts";

const encoder = new TextEncoder();

describe("formatCommands", () => {
  const format = (...commands: MetaCommand[]): string => {
    return String.fromCharCode(...formatCommands(commands, 7));
  };

  it("writes each verb as protocol.txt has it, with a mark", () => {
    equal(format({ verb: "mg", key: "foo", flags: ["v", "c", "N30"] }), "mg foo v c N30 O7\r\n");
    const value = encoder.encode("hi");
    equal(format({ verb: "ms", key: "foo", value, flags: ["T90"] }), "ms foo 2 T90 O7\r\nhi\r\n");
    equal(format({ verb: "ms", key: "foo" }), "ms foo 0 O7\r\n\r\n");
    equal(format({ verb: "md", key: "foo", flags: ["C5"] }), "md foo C5 O7\r\n");
    equal(format({ verb: "ma", key: "foo", flags: ["D2", "MI"] }), "ma foo D2 MI O7\r\n");
    equal(format(), "");
  });

  it("puts many commands into one piece, and numbers them", () => {
    const value = encoder.encode("hi");
    equal(
      format({ verb: "mg", key: "a" }, { verb: "ms", key: "b", value }, { verb: "mg", key: "c" }),
      "mg a O7\r\nms b 2 O8\r\nhi\r\nmg c O9\r\n",
    );
  });

  it("leaves out what would keep a reply back", () => {
    equal(format({ verb: "mg", key: "a", flags: ["v", "q"] }), "mg a v O7\r\n");
  });

  it("writes any UTF-8 as it is, and blanks and control characters as base64", () => {
    deepEqual(formatCommands([{ verb: "mg", key: "é" }], 0), encoder.encode("mg é O0\r\n"));
    const long = "é".repeat(120);
    const both = [{ verb: "mg", key: long }, { verb: "mg", key: long }] as const;
    deepEqual(formatCommands(both, 0), encoder.encode(`mg ${long} O0\r\nmg ${long} O1\r\n`));
    equal(format({ verb: "mg", key: "a b", flags: ["v"] }), "mg YSBi b v O7\r\n");
    equal(format({ verb: "ms", key: "\0" }), "ms AA== 0 b O7\r\n\r\n");
  });

  it("never writes a line that a key could break, or longer than a server takes", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (key) => {
      const encoded = blankOrControl.test(key);
      const bytes = encoder.encode(key).length;
      fc.pre(key !== "" && bytes <= (encoded ? longestEncodedKey : longestKey));
      const line = formatCommands([{ verb: "mg", key }], 7);
      const written = line.subarray(3, encoded ? -7 : -5);
      ok(written.length <= longestKey);
      ok(written.every((byte) => byte > 0x20 && byte !== 0x7f));
      equal(line.indexOf(0x0d), line.length - 2);
    }));
  });
});

describe("ReplyReader", () => {
  it("reads the replies of each verb", () => {
    const text = "VA 2 c7 W O1\r\nhi\r\nHD c8\r\nEN\r\nNS\r\nME foo exp=-1 la=0\r\nMN\r\n";
    const replies = readWhole(encoder.encode(text));
    deepEqual(replies.map(({ code }) => code), ["VA", "HD", "EN", "NS", "ME", "MN"]);
    deepEqual(replies[0]!.value, encoder.encode("hi"));
    deepEqual([flagOf(replies[0]!, "c"), flagOf(replies[0]!, "W")], ["7", ""]);
    deepEqual([flagOf(replies[0]!, "Z"), flagOf(replies[1]!, "c")], [undefined, "8"]);
    deepEqual(replies[4]!.words, ["foo", "exp=-1", "la=0"]);
  });

  it("reads an error with its message in one piece", () => {
    const [error] = readWhole(encoder.encode("SERVER_ERROR out of memory\r\n"));
    deepEqual([error!.code, error!.words], ["SERVER_ERROR", ["out of memory"]]);
  });

  it("does not look into data, whatever they hold", () => {
    const data = "MN\r\nVA 5\r\n";
    const replies = readWhole(encoder.encode(`VA ${data.length}\r\n${data}\r\nMN\r\n`));
    deepEqual(replies.map(({ value }) => value), [encoder.encode(data), undefined]);
  });

  it("reads the same replies, wherever what arrives is split in two", () => {
    const bytes = formatReplies(samples);
    for (let at = 0; at <= bytes.length; at++) {
      deepEqual(readPieces([bytes.subarray(0, at), bytes.subarray(at)]), samples, `split at ${at}`);
    }
  });

  it("reads the same replies from single bytes", () => {
    const bytes = formatReplies(samples);
    deepEqual(readPieces(Array.from(bytes, (byte) => Uint8Array.of(byte))), samples);
  });

  it("answers whole replies only, wherever what arrives is cut short", () => {
    const ends = samples.map((_, index) => formatReplies(samples.slice(0, index + 1)).length);
    const bytes = formatReplies(samples);
    for (let at = 0; at <= bytes.length; at++) {
      const whole = ends.filter((end) => end <= at).length;
      deepEqual(readPieces([bytes.slice(0, at)]), samples.slice(0, whole), `cut at ${at}`);
    }
  });

  it("reads any replies from any pieces", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1 });
    fc.assert(fc.property(fc.array(anyReply, { maxLength: 8 }), pieces, (replies, lengths) => {
      const bytes = formatReplies(replies);
      const parts: Uint8Array[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const length = lengths[i % lengths.length]!;
        parts.push(bytes.subarray(at, at += length));
      }
      deepEqual(readPieces(parts), replies);
    }));
  });

  it("gives values that do not change with what arrives later", () => {
    const reader = new ReplyReader();
    reader.push(encoder.encode("VA 3\r\nabc\r\n"));
    const { value } = reader.next()!;
    reader.push(encoder.encode("VA 9000\r\n"));
    reader.push(new Uint8Array(9_002).fill(0x78));
    deepEqual(value, encoder.encode("abc"));
  });

  it("refuses what is no reply", () => {
    const refused = [
      "VA\r\n",
      "VA x\r\n",
      "VA -1\r\n",
      "VA 99999999999\r\n",
      "VA 1\r\nabc\r\n",
      "HD\n",
      "\n",
      "x".repeat(9_000),
      `${"x".repeat(9_000)}\r\n`,
    ];
    for (const text of refused) {
      throws(() => readWhole(encoder.encode(text)), SyntaxError, text.slice(0, 20));
    }
  });

  it("answers or throws, whatever arrives", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readWhole(bytes);
      } catch (error) {
        ok(error instanceof SyntaxError);
      }
    }));
  });
});

const samples: readonly MetaReply[] = [
  { code: "VA", words: ["c12", "O0"], value: encoder.encode("a\r\nb\r\n") },
  { code: "HD", words: [], value: undefined },
  { code: "VA", words: [], value: new Uint8Array(0) },
  { code: "CLIENT_ERROR", words: ["bad data chunk"], value: undefined },
  { code: "EX", words: ["O2"], value: undefined },
  { code: "VA", words: ["W", "kkey"], value: new Uint8Array(300).fill(0x0d) },
  { code: "MN", words: [], value: undefined },
];

const anyWord = fc.stringMatching(/^[a-zA-Z][!-~]{0,12}$/);
const anyReply: fc.Arbitrary<MetaReply> = fc.oneof(
  fc.record({
    code: fc.constantFrom("HD", "EN", "NF", "NS", "EX", "MN"),
    words: fc.array(anyWord, { maxLength: 4 }),
    value: fc.constant(undefined),
  }, { noNullPrototype: true }),
  fc.record({
    code: fc.constant("VA"),
    words: fc.array(anyWord, { maxLength: 4 }),
    value: fc.uint8Array({ maxLength: 12_000 }),
  }, { noNullPrototype: true }),
);

function formatReplies(replies: readonly MetaReply[]): Uint8Array {
  const bytes: number[] = [];
  for (const { code, words, value } of replies) {
    const size = value ? [String(value.length)] : [];
    bytes.push(...encoder.encode(`${[code, ...size, ...words].join(" ")}\r\n`));
    if (value) bytes.push(...value, 0x0d, 0x0a);
  }
  return Uint8Array.from(bytes);
}

function readWhole(bytes: Uint8Array): MetaReply[] {
  return readPieces([bytes]);
}

function readPieces(pieces: readonly Uint8Array[]): MetaReply[] {
  const reader = new ReplyReader();
  const replies: MetaReply[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let reply = reader.next(); reply; reply = reader.next()) replies.push(reply);
  }
  return replies;
}
