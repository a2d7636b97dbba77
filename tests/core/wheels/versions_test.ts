import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as pep440 from "@renovatebot/pep440";
import fc from "fast-check";
import {
  compareVersions,
  isPrerelease,
  normalizeVersion,
  parseVersion,
  sortedByVersion,
  versionKey,
} from "../../../src/contracts/versions.ts";
import vectors from "../../vectors/packaging.json" with { type: "json" };

/** Text, normal form and rank; equal versions share a rank. */
const VALID = vectors.versions as unknown as [string, string, number][];
const INVALID = vectors.invalidVersions as string[];

const LEGACY = ["2004d", "2004e", "2003x", "1.0-final-2", "unknown", "", "1.0.x", "é1"];

describe("versions", () => {
  it("I-089: validity and normal form are packaging's on its own cases", () => {
    ok(VALID.length > 1000);
    for (const [text, normal] of VALID) {
      ok(parseVersion(text), text);
      equal(normalizeVersion(text), normal, text);
      equal(normalizeVersion(normal), normal);
    }
    for (const text of INVALID) equal(parseVersion(text), undefined, text);
  });

  it("I-089: every pair of packaging's versions is ordered as it orders them", () => {
    const keyed = VALID.map(([text, , rank]) => ({ key: versionKey(text), rank }));
    for (const a of keyed) {
      for (const b of keyed) {
        const found = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
        if (found !== Math.sign(a.rank - b.rank)) {
          equal(found, Math.sign(a.rank - b.rank), `${a.key} and ${b.key}`);
        }
      }
    }
  });

  it("I-091: keys compare as bytes like as text, and have printable ASCII only", () => {
    const keys = [...VALID.map(([text]) => text), ...LEGACY].map(versionKey);
    ok(keys.every((key) => /^[ -~]+$/.test(key)));
  });

  it("I-091: epoch, development, pre-, post-release and local label come in this order", () => {
    const ascending = [
      ...["0.0.1.dev0", "1.dev0", "1.dev1", "1a0.dev1", "1a0", "1a0.post0", "1a1", "1b0", "1rc0"],
      ...["1", "1+abc", "1+abc.5", "1+abd", "1+5", "1+5.a", "1+10", "1.post0.dev3", "1.post0"],
      ...["1.post0+a", "1.post1", "1.0.1", "1.9", "1.10", "2.99999999", "2.100000000"],
      ...["2.99999999999999999999999", "2.100000000000000000000000", "1!0.1", "10!0"],
    ];
    deepEqual([...ascending].reverse().sort(compareVersions), ascending);
    for (const [index, version] of ascending.slice(1).entries()) {
      equal(compareVersions(ascending[index]!, version), -1, version);
    }
  });

  it("I-091: the order is total and sorting is stable", () => {
    const version = fc.constantFrom(...VALID.map(([text]) => text), ...LEGACY);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        equal(compareVersions(a, b) + compareVersions(b, a), 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          ok(compareVersions(a, c) <= 0);
        }
      }),
      { numRuns: 2000 },
    );
    deepEqual(sortedByVersion(["1.0.0", "2", "1.0", "v1"], (one) => one), [
      "1.0.0",
      "1.0",
      "v1",
      "2",
    ]);
  });

  it("I-097: legacy versions sort below all others, naturally among themselves", () => {
    for (const legacy of LEGACY) {
      equal(parseVersion(legacy), undefined);
      equal(normalizeVersion(legacy), legacy);
      equal(isPrerelease(legacy), false);
      ok(VALID.every(([text]) => compareVersions(legacy, text) < 0), legacy);
    }
    deepEqual(["2004d", "2004aa", "2003x", "2012h", "0.dev0"].sort(compareVersions), [
      ...["2003x", "2004aa", "2004d", "2012h", "0.dev0"],
    ]);
    equal(normalizeVersion("2013b"), "2013b0");
  });

  it("agrees with a second library on the order", () => {
    const both = VALID.map(([text]) => text.trim()).filter((text) => pep440.valid(text) !== null);
    ok(both.length > 1000);
    const sample = both.filter((_, index) => index % 7 === 0);
    for (const a of sample) {
      for (const b of sample) {
        const found = compareVersions(a, b);
        if (found !== Math.sign(pep440.compare(a, b))) {
          equal(found, pep440.compare(a, b), `${a} ${b}`);
        }
      }
    }
  });

  it("tells pre-releases", () => {
    for (const text of ["1.0a1", "1.0rc1", "1.0.dev1", "1.0.post1.dev1", "1.0-c.1"]) {
      equal(isPrerelease(text), true, text);
    }
    for (const text of ["1.0", "1.0.post1", "1.0+dev1", "2013b".slice(0, 4)]) {
      equal(isPrerelease(text), false, text);
    }
  });

  it("takes no longer for text made to be slow", () => {
    for (
      const text of [
        "1".repeat(5000),
        "1.".repeat(499) + "x",
        "1.0+" + "a.".repeat(498),
        "0".repeat(999),
      ]
    ) {
      ok(versionKey(text).length > 0);
    }
    equal(versionKey("0".repeat(999)), versionKey("0"));
  });
});
