/** Who may import whom: the table of the house. */

import { posix } from "node:path";
import type { Rule } from "./rule.ts";
import { importsOf, isTypeScript, lineOf, type Source } from "./source.ts";

const MECHANISMS = ["contracts", "hash", "memory", "compose", "patterns"];

/** The rooms that each room may import, besides itself. Arrows point down only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  hash: ["contracts"],
  memory: ["contracts"],
  compose: ["contracts"],
  patterns: ["contracts"],
  backends: ["contracts", "compose", "patterns"],
  // What opens stores by their addresses puts rings before them; it is the only one that may.
  "openers.ts": ["contracts", "hash", "backends"],
  region: MECHANISMS,
  wheels: [...MECHANISMS, "region"],
  "mod.ts": [...MECHANISMS, "region"],
  apps: [...MECHANISMS, "region", "wheels", "backends", "openers.ts", "mod.ts"],
  assembly: [],
};

/** The rooms that import no package at all. */
const BARE_FREE = [...MECHANISMS, "region", "mod.ts"];

/** Packages that a sub-path of the library may import: whoever imports the sub-path installs them. */
const OPTIONAL = ["devalue", "@opentelemetry/api"];

/** Rooms outside the house: they import everything, and nothing imports them. */
const OUTSIDE = ["tests", "bench"];

/** A file of a room that is a room of its own. */
const OPENERS = "backends/openers.ts";

/** The room that a file belongs to. */
export function roomOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  if (path === OPENERS) return second;
  return first === "src" ? second : first;
}

/** Imports follow the table. */
export const importTable: Rule = {
  name: "rooms import only what lies below them",
  appliesTo: (path) => isTypeScript(path) && !OUTSIDE.includes(roomOf(path)),
  check: (source) =>
    localImports(source).flatMap(({ line, target }) => {
      const [from, to] = [roomOf(source.path), roomOf(target)];
      const isAllowed = from === to || MAY_IMPORT[from]?.includes(to);
      return isAllowed ? [] : [`${line}: "${from}" imports "${to}" (${target})`];
    }),
  bad: [
    ["src/contracts/a.ts", `import { b } from "../hash/b.ts";`],
    ["src/memory/a.ts", `export { b } from "../compose/b.ts";`],
    ["src/wheels/http/a.ts", `const b = await import("../../../backends/b.ts");`],
    ["backends/a.ts", `import type { Region } from "../src/region/region.ts";`],
    ["backends/a.ts", `import { b } from "../src/hash/b.ts";`],
    ["backends/openers.ts", `import { b } from "../src/region/b.ts";`],
    ["backends/a/openers.ts", `import { b } from "../../src/hash/b.ts";`],
    ["backends/a.ts", `import { b } from "./openers.ts";`],
    ["src/region/a.ts", `type B = import("../apps/b.ts").B;`],
    ["src/hash/a.ts", `import { b } from "../../tests/testing/b.ts";`],
    ["mod.ts", `export { b } from "./backends/b.ts";`],
  ],
  good: [
    ["src/wheels/http/a.ts", `import { b } from "../../region/b.ts";`],
    ["backends/a.ts", `import { b } from "../src/patterns/b.ts"; import "./c.ts";`],
    ["backends/openers.ts", `const { b } = await import("../src/hash/b.ts"); import "./c.ts";`],
    ["src/apps/a.ts", `import { b } from "../../backends/b.ts";`],
  ],
};

/** The library has no dependencies; no source comes from a registry that npm does not serve. */
export const packages: Rule = {
  name: "the library imports no package and no runtime's own modules",
  appliesTo: (path) => isTypeScript(path) && !OUTSIDE.includes(roomOf(path)),
  check: (source) =>
    importsOf(source).flatMap(({ node, specifier }) => {
      const room = roomOf(source.path);
      return isRefused(room, specifier) ? [`${lineOf(source, node)}: "${specifier}"`] : [];
    }),
  bad: [
    ["src/region/a.ts", `import { LRUCache } from "lru-cache";`],
    ["src/wheels/a.ts", `import { readFile } from "node:fs/promises";`],
    ["src/apps/a.ts", `import { serve } from "jsr:@std/http";`],
    ["backends/a.ts", `import x from "https://example.org/x.ts";`],
  ],
  good: [
    ["src/wheels/a.ts", `import { Hono } from "hono";`],
    ["src/compose/devalue_codec.ts", `import { stringify } from "devalue";`],
    ["backends/a.ts", `import { DatabaseSync } from "node:sqlite";`],
  ],
};

function isRefused(room: string, specifier: string): boolean {
  if (specifier.startsWith(".") || OPTIONAL.includes(specifier)) return false;
  if (/^(jsr|https?|data):/.test(specifier)) return true;
  if (specifier.startsWith("node:")) return BARE_FREE.includes(room) || room === "wheels";
  return BARE_FREE.includes(room);
}

/** Relative imports name the file, with its extension. */
export const extensions: Rule = {
  name: "relative imports name the file with its extension",
  appliesTo: isTypeScript,
  check: (source) =>
    importsOf(source)
      .filter(({ specifier }) =>
        /^\.{1,2}\//.test(specifier) && !/\.(ts|js|mjs|json|wasm)$/.test(specifier)
      )
      .map(({ node, specifier }) => `${lineOf(source, node)}: "${specifier}"`),
  bad: [["src/hash/a.ts", `import { b } from "./b";`]],
  good: [["src/hash/a.ts", `import { b } from "./b.ts";`]],
};

const PORTABLE = /^node:(test|assert\/strict)$/;
const NATIVE = ["esbuild", "miniflare", "playwright-core", "typescript", "wrangler"];

/** A portable test runs in browsers too, so it imports nothing that they lack. */
export const portability: Rule = {
  name: "portable tests import nothing that a browser lacks",
  appliesTo: (path) => /^tests\/(core|conformance)\/.*\.ts$/.test(path),
  check: (source) =>
    importsOf(source)
      .filter(({ specifier }) => isNative(specifier))
      .map(({ node, specifier }) => `${lineOf(source, node)}: "${specifier}"`),
  bad: [
    ["tests/core/hash/a_test.ts", `import { readFileSync } from "node:fs";`],
    ["tests/conformance/a_suite.ts", `import { Miniflare } from "miniflare";`],
  ],
  good: [[
    "tests/core/hash/a_test.ts",
    `import fc from "fast-check"; import { it } from "node:test";`,
  ]],
};

function isNative(specifier: string): boolean {
  if (specifier.startsWith("node:")) return !PORTABLE.test(specifier);
  return NATIVE.includes(specifier);
}

function localImports(source: Source): { line: number; target: string }[] {
  return importsOf(source)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ node, specifier }) => ({
      line: lineOf(source, node),
      target: posix.join(posix.dirname(source.path), specifier),
    }));
}
