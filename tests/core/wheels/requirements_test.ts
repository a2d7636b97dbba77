import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRequirement } from "../../../src/wheels/packages/requirements.ts";
import { parseSpecifiers } from "../../../src/wheels/packages/specifiers.ts";
import vectors from "../../vectors/packaging_requirements.json" with { type: "json" };

/** Name, extras, specifiers, URL, and whether there is a marker; `null` for what is refused. */
type Answer = [string, string[], string[], string | null, boolean] | null;

const ANSWERS = vectors.answers as unknown as Answer[];
const CASES = vectors.cases as unknown as [number, string, number][];

/** The texts, which share their fronts with those before them. */
function unfolded(): [string, Answer][] {
  let text = "";
  return CASES.map(([shared, rest, answer]) => {
    text = text.slice(0, shared) + rest;
    return [text, ANSWERS[answer]!];
  });
}

describe("requirements", () => {
  it("I-098: packaging's requirement cases parse or fail alike", () => {
    const cases = unfolded();
    ok(cases.length > 5000);
    for (const [text, answer] of cases) {
      const found = parseRequirement(text);
      if (answer === null || found === undefined) {
        equal(found === undefined, answer === null, JSON.stringify(text));
        continue;
      }
      const [name, extras, specifiers, url, hasMarker] = answer;
      equal(found.name, name, text);
      deepEqual([...new Set(found.extras)].sort(), extras, text);
      equal(found.url ?? null, url, text);
      equal(found.marker !== undefined, hasMarker, text);
      const expected = specifiers.flatMap((one) => parseSpecifiers(one)!.clauses);
      deepEqual([...found.specifiers.clauses].sort(), expected.sort(), text);
    }
  });

  it("reads curdling's two forms", () => {
    for (const text of ["gherkin==0.1.0", "gherkin (== 0.1.0)", "gherkin (>= 0.1, < 0.2)"]) {
      equal(parseRequirement(text)?.specifiers.allows("0.1.0"), true, text);
    }
  });

  it("refuses markers nested too deep and text too long", () => {
    const nested = (depth: number) => `a; ${"(".repeat(depth)}os_name == "x"${")".repeat(depth)}`;
    equal(parseRequirement(nested(50))?.name, "a");
    equal(parseRequirement(nested(51)), undefined);
    equal(parseRequirement("a".repeat(10_001)), undefined);
  });
});
