import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSpecifiers } from "../../../src/wheels/packages/specifiers.ts";
import vectors from "../../vectors/packaging.json" with { type: "json" };

type Prereleases = "" | "+" | "-";

const STATED = vectors.specifiers as unknown as [string, boolean][];
const JUDGED = vectors.judged as unknown as [string, Prereleases, string[], string[]][];
const FILTERED = vectors.filtered as unknown as {
  lists: string[][];
  cases: [string, boolean | null, number, string][];
};

const MEANING = { "": undefined, "+": true, "-": false };

/**
 * `packaging` 26.2 cuts the last number off the text of a `~=` specifier before it has read that
 * text, and so takes `rev3` and `r3`, other spellings of `post3`, for a number. PEP 440 does not.
 */
function isMisreadByPackaging(specifier: string): boolean {
  return /^~=.*[._-](?:rev|r)[0-9]*$/i.test(specifier);
}

describe("specifiers", () => {
  it("I-090: what packaging takes for specifiers is taken, and nothing else", () => {
    ok(STATED.length > 1000);
    for (const [text, isValid] of STATED) {
      equal(parseSpecifiers(text) !== undefined, isValid, JSON.stringify(text));
    }
  });

  it("I-090: packaging's verdicts on its own cases and on all operators are ours", () => {
    let count = 0;
    for (const [text, prereleases, allowed, refused] of JUDGED) {
      if (isMisreadByPackaging(text)) continue;
      const specifiers = parseSpecifiers(text);
      const options = { prereleases: MEANING[prereleases] };
      count += allowed.length + refused.length;
      for (const one of allowed) equal(specifiers?.allows(one, options), true, `${text} ${one}`);
      for (const one of refused) equal(specifiers?.allows(one, options), false, `${text} ${one}`);
    }
    ok(count > 2033, String(count));
  });

  it("I-090: of many versions those are picked that packaging picks", () => {
    ok(FILTERED.cases.length > 100);
    for (const [text, prereleases, list, bits] of FILTERED.cases) {
      const versions = FILTERED.lists[list]!;
      const expected = versions.filter((_, index) => bits[index] === "1");
      const options = { prereleases: prereleases ?? undefined };
      deepEqual(
        parseSpecifiers(text)?.filter(versions, options),
        expected,
        `${text} ${prereleases}`,
      );
    }
  });

  it("shows its clauses in normal form", () => {
    deepEqual(parseSpecifiers(" >= 1.0-RC1, !=1.5.*,===x ")?.clauses, [
      ">=1.0rc1",
      "!=1.5.*",
      "===x",
    ]);
    deepEqual(parseSpecifiers("")?.clauses, []);
  });

  it("reads a compatible release with a post-release in any spelling", () => {
    for (const text of ["~=1.4.post3", "~=1.4.rev3", "~=1.4-3"]) {
      const specifiers = parseSpecifiers(text);
      equal(specifiers?.allows("1.5"), true, text);
      equal(specifiers?.allows("1.4"), false, text);
      equal(specifiers?.allows("2.0"), false, text);
    }
  });
});
