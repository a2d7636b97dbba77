/**
 * The rules of the house, held by the machine.
 *
 * Each rule lies in `tests/tidy/` with samples that break it, so that a rule which catches nothing
 * is found out.
 */

import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { effects, runtimes } from "./tidy/effects.ts";
import { extensions, importTable, packages, portability } from "./tidy/imports.ts";
import { fileLength, functionLength, functionLengths } from "./tidy/lengths.ts";
import { messages } from "./tidy/messages.ts";
import { fileNames } from "./tidy/names.ts";
import { complaints, type Rule } from "./tidy/rule.ts";
import * as shape from "./tidy/shape.ts";
import { parseSource, readSources } from "./tidy/source.ts";
import { narrowed, sleeping } from "./tidy/tests.ts";
import * as words from "./tidy/words.ts";

const rules: readonly Rule[] = [
  ...[importTable, packages, extensions, portability],
  ...[fileLength, functionLength, fileNames],
  ...[effects, runtimes, messages],
  ...Object.values(shape),
  ...Object.values(words),
  ...[narrowed, sleeping],
];

const sources = readSources();

describe("tidy", () => {
  for (const rule of rules) {
    it(rule.name, () => deepEqual(complaints(rule, sources), []));
  }

  it("half of all functions have at most 10 lines, nine in ten at most 30", () => {
    const lengths = functionLengths(sources);
    const share = (part: number): number => lengths[Math.floor(lengths.length * part)] ?? 0;
    ok(share(0.5) <= 10, `the median is ${share(0.5)} lines`);
    ok(share(0.9) <= 30, `the ninth decile is ${share(0.9)} lines`);
  });

  it("every contract that stores implement has its conformance suite", () => {
    const missing = ["backend", "atomics", "locks", "listing", "index_cache", "file_store"]
      .filter((contract) => existsSync(`src/contracts/${contract}.ts`))
      .filter((contract) => !existsSync(`tests/conformance/${contract}_suite.ts`));
    deepEqual(missing, []);
  });
});

describe("the rules", () => {
  for (const rule of rules) {
    it(`${rule.name}: samples`, () => {
      ok(rule.bad.length > 0);
      for (const sample of rule.bad) notDeepEqual(judged(rule, sample), [], sample.join("\n"));
      for (const sample of rule.good) deepEqual(judged(rule, sample), [], sample.join("\n"));
    });
  }

  it("measure every function, the nested ones too", () => {
    const text = "function a() {\n  const b = () => 1;\n  return b;\n}\nclass C { #d() {\n  } }";
    deepEqual(functionLengths([parseSource("src/hash/a.ts", text)]), [1, 2, 4]);
  });

  it("find this file and the contracts", () => {
    const paths = new Set(sources.map(({ path }) => path));
    for (const path of ["tests/tidy_test.ts", "src/contracts/backend.ts", ".ci/run", "deno.json"]) {
      equal(paths.has(path), path !== "deno.json", path);
    }
  });
});

function judged(rule: Rule, [path, text]: readonly [string, string]): string[] {
  return complaints(rule, [parseSource(path, text)]);
}
