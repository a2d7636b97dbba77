import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { type CoreMetadata, parseMetadata } from "../../../src/wheels/packages/metadata.ts";
import vectors from "../../vectors/packaging.json" with { type: "json" };

const ESSENTIALS = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n";

/** Whether it was given as bytes (here one character each), the text, and packaging's raw fields. */
const EMAILS = vectors.emails as unknown as [boolean, string, Record<string, string | string[]>][];

function parse(text: string): CoreMetadata {
  return parseMetadata(new TextEncoder().encode(text));
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** packaging keeps the carriage returns within a folded value; here all line ends are one. */
function withoutReturns<T>(value: T): T | string {
  return typeof value === "string" ? value.replaceAll("\r\n", "\n") : value;
}

describe("core metadata", () => {
  it("I-084: fields are those that packaging reads in its own cases", () => {
    let count = 0;
    for (const [isBytes, text, raw] of EMAILS) {
      const bytes = isBytes ? fromLatin1(text) : new TextEncoder().encode(text);
      const needed = ["metadata_version", "name", "version"].every((name) => name in raw);
      if (!needed) {
        throws(() => parseMetadata(bytes), { name: "InvalidDistributionError" }, text);
        continue;
      }
      count++;
      const found = parseMetadata(bytes);
      equal(found.metadataVersion, raw["metadata_version"], text);
      equal(found.name, raw["name"], text);
      equal(found.version, raw["version"], text);
      equal(found.summary, withoutReturns(raw["summary"]), text);
      equal(found.requiresPython, raw["requires_python"], text);
      deepEqual(found.requiresDist, [...raw["requires_dist"] ?? []].map(withoutReturns), text);
      deepEqual(found.providesExtra, raw["provides_extra"] ?? [], text);
      equal(found.description, raw["description"], text);
    }
    ok(count > 100);
  });

  it("I-084: every metadata version from 2.1 to 2.5, with and without Requires-Python", () => {
    for (const version of ["1.0", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"]) {
      const text = `Metadata-Version: ${version}\nName: foo\nVersion: 1.0\n`;
      equal(parse(text).metadataVersion, version);
      equal(parse(text).requiresPython, undefined);
      equal(parse(`${text}Requires-Python: >=3.9,<4\n`).requiresPython, ">=3.9,<4");
    }
  });

  it("I-084: UTF-8 in fields and body; bytes that are none do not matter", () => {
    const found = parse(`${ESSENTIALS}Author: Łukasz Lăngă\nSummary: 鍵\n\nbødy 🔑\n`);
    deepEqual(found.fields.get("author"), ["Łukasz Lăngă"]);
    equal(found.summary, "鍵");
    equal(found.description, "bødy 🔑\n");
    const bytes = fromLatin1(`${ESSENTIALS}Author: Andr\xe9\nSummary: still read\n`);
    equal(parseMetadata(bytes).summary, "still read");
  });

  it("I-084: folded lines belong to the value before them", () => {
    const found = parse(
      `${ESSENTIALS}License: one\n        two\n\tthree\nRequires-Dist: a;\n  extra == "b"\nSummary: last\n`,
    );
    deepEqual(found.fields.get("license"), ["one\n        two\n\tthree"]);
    deepEqual(found.requiresDist, ['a;\n  extra == "b"']);
    equal(found.summary, "last");
  });

  it("I-084: names of fields in any case, repeated fields in order, any kind of line end", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text =
        `metadata-version: 2.1\nNAME: foo\nversion: 1.0\nClassifier: b\nClassifier: a\n\nbody`;
      const found = parse(text.replaceAll("\n", end));
      equal(found.name, "foo", JSON.stringify(end));
      deepEqual(found.fields.get("classifier"), ["b", "a"]);
      equal(found.description, "body");
    }
  });

  it("reads a description in the header, indented in either way", () => {
    const text = `${ESSENTIALS}Description: one\n        two\n       |three\n`;
    equal(parse(text).description, "one\ntwo\nthree");
  });

  it("takes the separators of Unicode for text, and a long line for no more work than its length", () => {
    equal(
      parse(`${ESSENTIALS}Summary: one\u2028two\u2029three\n`).summary,
      "one\u2028two\u2029three",
    );
    equal(parse(`${ESSENTIALS}Summary:${" ".repeat(1_000_000)}\u2028x\n`).summary, "x");
  });

  it("keeps blank lines and headers in the body", () => {
    equal(parse(`${ESSENTIALS}\n\nName: bar\n\nend`).description, "\nName: bar\n\nend");
    equal(parse(ESSENTIALS).description, undefined);
  });

  it("takes UNKNOWN and empty values for absent", () => {
    const found = parse(`${ESSENTIALS}Summary: UNKNOWN\nRequires-Python:\n`);
    equal(found.summary, undefined);
    equal(found.requiresPython, undefined);
  });

  it("refuses what states no name or version, or two", () => {
    for (
      const [text, reason] of [
        ["Metadata-Version: 2.1\nVersion: 1\n", "metadata states no Name"],
        ["Metadata-Version: 2.1\nName: foo\nVersion: \n", "metadata states no Version"],
        ["Name: foo\nVersion: 1\n", "metadata states no Metadata-Version"],
        [`${ESSENTIALS}Name: bar\n`, "metadata states Name twice"],
        [`${ESSENTIALS}no field\n`, 'metadata has the line "no field"'],
        [ESSENTIALS + "Classifier: x\n".repeat(10_001), "metadata has too many fields"],
      ]
    ) {
      throws(() => parse(text!), {
        name: "InvalidDistributionError",
        message: `Invalid distribution file: ${reason}`,
      });
    }
  });
});
