import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { differences, markdownOf, rowsIn, tableOf } from "../matrix.ts";
import type { Status, SuiteResult } from "./result.ts";
import { type Matrix, matrixOf, STORES, SUITES } from "./store_matrix.ts";

function ran(
  runtime: string,
  results: Readonly<Record<string, Status>>,
  exceptions: readonly string[] = [],
): SuiteResult {
  const list = Object.entries(results).map(([name, status]) => ({ name, file: "", status }));
  return { suite: "system", runtime, seconds: 1, results: list, notices: [], exceptions };
}

function cellOf({ cells }: Matrix, store: string, suite: string): [string[], string[]] {
  const { passed = [], failed = [] } = cells.get(store)?.get(suite) ?? {};
  return [[...passed], [...failed]];
}

describe("matrixOf", () => {
  it("holds a suite for passed on a runtime where all ways to the store pass all cases", () => {
    const matrix = matrixOf([
      ran("deno", {
        "one server > Backend: redis by ioredis > D-001: a": "passed",
        "one server > Backend: redis by node-redis > a": "passed",
        "Atomics: sqlite > b": "passed",
      }),
      ran("node24", {
        "one server > Backend: redis by ioredis > D-001: a": "passed",
        "one server > Backend: redis by node-redis > a": "failed",
        "Atomics: sqlite > b": "skipped",
      }),
    ]);
    deepEqual(cellOf(matrix, "Redis, Valkey", "entries"), [["deno"], ["node24"]]);
    deepEqual(cellOf(matrix, "SQLite", "atomics"), [["deno"], ["node24"]]);
    deepEqual(cellOf(matrix, "SQLite", "entries"), [[], []]);
    deepEqual(matrix.mistakes, []);
  });

  it("knows what runs inside workerd, and the groups of the suite for regions", () => {
    const matrix = matrixOf([ran("deno", {
      "in workerd > Locks: d1 > a": "passed",
      "D-181 D-182: memcached with its locks: many keys > b": "passed",
    })]);
    deepEqual(cellOf(matrix, "D1", "locks"), [["workerd"], []]);
    deepEqual(cellOf(matrix, "memcached", "regions"), [["deno"], []]);
  });

  it("tells the ways to Redis apart", () => {
    const titles = {
      "redis by ioredis, bare records": "Redis, Valkey",
      "redis by Sentinel and ioredis": "Redis, Valkey",
      "redis by webdis": "Redis over HTTP",
      "redis by ioredis, cluster": "Redis Cluster",
      "redis hashes, fields only": "Redis hashes",
    };
    for (const [title, store] of Object.entries(titles)) {
      const matrix = matrixOf([ran("deno", { [`Backend: ${title} > a`]: "passed" })]);
      deepEqual(cellOf(matrix, store, "entries"), [["deno"], []], title);
      equal([...matrix.cells.values()].filter((row) => row.size > 0).length, 1, title);
    }
  });

  it("takes no composition for a store, and complains of what it does not know", () => {
    const matrix = matrixOf([ran("deno", {
      "Backend: serialized(json, sqlite) > a": "passed",
      "Backend: tiered of three, with a limited near life > a": "passed",
      "Locks: atomicLocks > a": "passed",
      "Backend: papyrus > a": "passed",
    })]);
    ok([...matrix.cells.values()].every((row) => row.size === 0));
    deepEqual(matrix.mistakes, ['Nobody knows the store "papyrus" (entries)']);
  });

  it("wants a reason for every case that a store was not tried with", () => {
    const results = {
      "Backend: sqlite > clause 1: all: of it": "passed",
      "Backend: sqlite > b": "passed",
      "Backend: memory, bytes > b": "passed",
    } as const;
    const line = "Backend: memory, bytes: clause 1: all: of it: it has: no such thing";
    deepEqual(matrixOf([ran("bun", results, [line])]).mistakes, []);
    deepEqual(matrixOf([ran("bun", results, [line])]).exceptions, [{
      title: "memory, bytes",
      suite: "entries",
      case: "clause 1: all: of it",
      reason: "it has: no such thing",
    }]);
    deepEqual(matrixOf([ran("bun", results)]).mistakes, [
      'Nobody tried memory, bytes on bun with "clause 1: all: of it" (entries)',
    ]);
  });
});

describe("the matrix as text", () => {
  const matrix = matrixOf([
    ran("deno", { "Backend: sqlite > a": "passed", "Backend: memory > b": "passed" }, [
      "Backend: memory: a: there is no file",
      "Backend: sqlite: b: there is one",
    ]),
    ran("node24", { "Backend: sqlite > a": "failed" }),
    ran("node22", { "Backend: memory > b": "passed" }),
  ]);

  it("names runtimes, failures and reasons", () => {
    match(tableOf(matrix), /^ {2}SQLite +Deno, not Node 24$/m);
    match(tableOf(matrix), /does not apply: memory \(entries\): a: there is no file/);
    match(markdownOf(matrix), /^\| memory \| Deno, Node 22 \|/m);
    match(markdownOf(matrix), /^- memory: there is no file \(entries, “a”\)$/m);
  });

  it("is found again in a page, however it is laid out, and compared", () => {
    const page = `# Title\n\n${markdownOf(matrix).replaceAll(" | ", "   |  ")}\n\nMore\n`;
    deepEqual(differences(matrix, page), []);
    const wrong = page.replace("Deno, Node 22", "Deno");
    match(differences(matrix, wrong).join("\n"), /it is not so: memory \| Deno \|/);
    match(differences(matrix, wrong).join("\n"), /does not say: memory \| Deno, Node 22 \|/);
    deepEqual(rowsIn("no table"), []);
  });

  it("is that of README.md in its rows and columns, once it stands there", async () => {
    const [head = [], ...rows] = rowsIn(await Deno.readTextFile("README.md"));
    const named = (own: readonly { name: string }[]): string[] => own.map(({ name }) => name);
    deepEqual(head.slice(1), head.length > 0 ? named(SUITES) : []);
    deepEqual(rows.map(([store]) => store), head.length > 0 ? named(STORES) : []);
  });

  it("has a column for every conformance suite", async () => {
    const files = await Array.fromAsync(Deno.readDir("tests/conformance"), ({ name }) => name);
    const suites = files.filter((name) => name.endsWith("_suite.ts")).sort();
    deepEqual(SUITES.map(({ file }) => file).sort(), suites);
  });
});
