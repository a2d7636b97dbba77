import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { idsIn, tableOf, weigh } from "../acceptance.ts";
import type { Status, SuiteResult } from "./result.ts";

const behaviours = { "D-001": "one", "DX-10": "two", "W-101": "three", "I-002": "four" };

const said = { notices: [], exceptions: [] };

function suiteOf(results: Readonly<Record<string, Status>>): SuiteResult {
  const list = Object.entries(results).map(([name, status]) => ({ name, file: "", status }));
  return { suite: "core", runtime: "deno", seconds: 1, results: list, ...said };
}

describe("idsIn", () => {
  it("reads the ids at the front, however they are parted", () => {
    deepEqual(idsIn("W-009 W-031: add on a free key"), ["W-009", "W-031"]);
    deepEqual(idsIn("DX-10, D-001; deletes win"), ["DX-10", "D-001"]);
  });

  it("reads the fronts of groups too", () => {
    deepEqual(idsIn("region > D-001: get > DX-10: stale"), ["D-001", "DX-10"]);
  });

  it("does not read ids elsewhere, nor what only looks like one", () => {
    deepEqual(idsIn("unlike D-001 it waits"), []);
    deepEqual(idsIn("MD-500: x"), []);
    deepEqual(idsIn("D-1: x"), []);
    deepEqual(idsIn("D-0001: x"), []);
  });
});

describe("weigh", () => {
  it("holds a behaviour for proven if it passes wherever it runs", () => {
    const suites = [
      suiteOf({ "D-001: a": "passed", "DX-10: b": "passed", "W-101: c": "skipped" }),
      suiteOf({ "D-001: a": "passed", "DX-10: b": "failed" }),
    ];
    const { proven, open } = weigh({ behaviours, excuses: {}, suites });
    deepEqual(proven, ["D-001"]);
    deepEqual(open, ["DX-10", "W-101", "I-002"]);
  });

  it("tells excused from due and both from open", () => {
    const excuses = {
      "DX-10": { status: "repaired", reason: "r" },
      "W-101": { status: "excused", reason: "r" },
      "I-002": { status: "due", reason: "r" },
    } as const;
    const standing = weigh({ behaviours, excuses, suites: [] });
    deepEqual(standing.excused, ["DX-10", "W-101"]);
    deepEqual(standing.due, ["I-002"]);
    deepEqual(standing.open, ["D-001"]);
    deepEqual(standing.mistakes, []);
  });

  it("complains of unknown ids and of proofs that the excuses do not know of", () => {
    const excuses = {
      "D-001": { status: "due", reason: "r" },
      "D-999": { status: "excused", reason: "r" },
    } as const;
    const suites = [suiteOf({ "D-001: a": "passed", "P-777: b": "passed" })];
    const { mistakes } = weigh({ behaviours, excuses, suites });
    equal(mistakes.length, 3);
    match(mistakes[0]!, /"P-777"/);
    match(mistakes[1]!, /"D-999"/);
    match(mistakes[2]!, /"D-001" is proven/);
  });
});

describe("tableOf", () => {
  it("has a row for each list and one for all", () => {
    const table = tableOf(
      weigh({ behaviours, excuses: {}, suites: [suiteOf({ "D-001: a": "passed" })] }),
    );
    match(table, /^ {2}acceptance {5}proven {2}excused {6}due {5}open$/m);
    match(table, /^ {2}D {19}1 {8}· {8}· {8}·$/m);
    match(table, /^ {2}all {17}1 {8}· {8}· {8}3$/m);
  });
});
