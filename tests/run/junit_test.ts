import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseJunit } from "./junit.ts";
import type { TestResult } from "./result.ts";

/** Reports that Deno 2.9.6, Node 24.22.0 and Bun 1.4.5 wrote about one and the same test file. */
function sample(name: string): TestResult[] {
  const url = new URL(`./samples/${name}.xml`, import.meta.url);
  return parseJunit(readFileSync(url, "utf8"), "/repo");
}

const IN_GROUP = 'outer > inner <x> & "q" > ';

const COMMON: Readonly<Record<string, string>> = {
  [`${IN_GROUP}W-001 W-002: adds`]: "passed",
  [`${IN_GROUP}fails`]: "failed",
  [`${IN_GROUP}skips`]: "skipped",
  [`${IN_GROUP}skips two`]: "skipped",
  "top level": "passed",
};

describe("parseJunit", () => {
  for (const runtime of ["deno", "node", "bun"]) {
    it(`finds the same leaves in the report of ${runtime}`, () => {
      const found = new Map(sample(runtime).map(({ name, status }) => [name, status]));
      for (const [name, status] of Object.entries(COMMON)) equal(found.get(name), status, name);
      equal(found.has("outer"), false);
      equal(found.has(IN_GROUP.slice(0, -3)), false);
    });

    it(`names the test file in the report of ${runtime}`, () => {
      deepEqual([...new Set(sample(runtime).map(({ file }) => file))], ["tests/a_test.ts"]);
    });

    it(`carries the failure of ${runtime} in full`, () => {
      const reason = sample(runtime).find(({ name }) => name === `${IN_GROUP}fails`)?.reason ?? "";
      ok(reason.includes("Expected values to be strictly deep-equal"));
      ok(reason.includes("a_test.ts:7:32"));
    });
  }

  it("carries the reason of a skip where the runner tells it", () => {
    const reasons = sample("node").flatMap(({ status, reason }) =>
      status === "skipped" ? [reason] : []
    );
    deepEqual(reasons, ["no redis", undefined, "late reason", "no server"]);
  });

  it("keeps a group of Deno's that failed on its own, in a hook", () => {
    const text = `<testsuites name="deno test"><testsuite name="./a_test.ts">
      <testcase name="a" classname="./a_test.ts"><failure message="x">Error: hook</failure></testcase>
      <testcase name="b" classname="./a_test.ts"><failure message="1 test step failed">1 test step failed.</failure></testcase>
      </testsuite><testsuite name="ext:deno_node/testing.ts">
      <testcase name="a &gt; one" classname="ext:deno_node/testing.ts"/>
      <testcase name="b &gt; two" classname="ext:deno_node/testing.ts"><failure>no</failure></testcase>
      </testsuite></testsuites>`;
    deepEqual(parseJunit(text, "/repo"), [
      { name: "a", file: "a_test.ts", status: "failed", reason: "Error: hook" },
      { name: "a > one", file: "a_test.ts", status: "passed" },
      { name: "b > two", file: "a_test.ts", status: "failed", reason: "no" },
    ]);
  });
});
