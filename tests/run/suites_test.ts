import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Job } from "./job.ts";
import { declaredRuntimes, narrowed } from "./suites.ts";

const core: Job = {
  suite: "core",
  runtime: "bun",
  files: ["tests/core/hash/md5_test.ts", "tests/core/memory/cache_test.ts"],
  limitMs: 1,
  command: () => Promise.resolve([]),
};
const check: Job = { ...core, suite: "house", runtime: "deno", name: "deno lint", files: [] };
const all = { only: [], runtimes: [] };

describe("narrowed", () => {
  it("leaves a job whole when nothing is asked for", () => {
    deepEqual(narrowed(core, all), [core]);
    deepEqual(narrowed(check, all), [check]);
  });

  it("drops a job without files", () => {
    deepEqual(narrowed({ ...core, files: [] }, all), []);
  });

  it("keeps the runtimes asked for", () => {
    deepEqual(narrowed(core, { ...all, runtimes: ["deno"] }), []);
    deepEqual(narrowed(core, { ...all, runtimes: ["deno", "bun"] }), [core]);
  });

  it("keeps whole suites and checks by name, and single files by path", () => {
    deepEqual(narrowed(core, { ...all, only: ["core"] }), [core]);
    deepEqual(narrowed(check, { ...all, only: ["lint"] }), [check]);
    deepEqual(narrowed(check, { ...all, only: ["hash"] }), []);
    deepEqual(narrowed(core, { ...all, only: ["hash", "none"] }).map(({ files }) => files), [
      ["tests/core/hash/md5_test.ts"],
    ]);
  });
});

describe("declaredRuntimes", () => {
  it("reads the marker in the first line only", () => {
    deepEqual(declaredRuntimes("// runs on: deno\nimport a;"), ["deno"]);
    deepEqual(declaredRuntimes("// runs on: deno, bun , node22\n"), ["deno", "bun", "node22"]);
    equal(declaredRuntimes("import a;\n// runs on: deno\n"), undefined);
  });

  it("refuses a runtime that does not exist", () => {
    throws(() => declaredRuntimes("// runs on: dino\n"), RangeError);
  });
});
