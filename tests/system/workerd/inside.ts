/** Runs a test file inside workerd, with bindings, and tells its outcomes to `node:test` here. */

import { fail, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { Miniflare } from "miniflare";
import { bundle } from "../../runtimes/bundle.ts";
import type { Outcome } from "../../runtimes/test_shim.ts";

/** What the Worker is given, by the names of its bindings. */
export interface Bindings {
  /** Buckets of R2. */
  readonly r2Buckets?: string[];
  /** Databases of D1. */
  readonly d1Databases?: string[];
  /** Durable Objects, by the names of their classes; `classes` exports them. */
  readonly durableObjects?: Record<string, { className: string; useSQLite: boolean }>;
  /** The file that exports the classes. */
  readonly classes?: string;
  /** Namespaces of Workers KV. */
  readonly kvNamespaces?: string[];
  /** Plain values. */
  readonly bindings?: Record<string, string>;
  /** What of workerd is switched on. */
  readonly compatibilityFlags?: string[];
}

/** Node's modules that workerd has with `nodejs_compat`. */
const SOCKETS = ["node:net", "node:tls"];

/** Bundles `file`, runs its tests in one request, and registers their outcomes. */
export async function testInside(file: string, bindings: Bindings): Promise<void> {
  const outcomes = await runInside(file, bindings);
  describe("in workerd", () => {
    it("has tests", () => void ok(outcomes.length > 0));
    for (const { name, status, reason } of outcomes) {
      it(name, () => {
        if (status !== "passed") fail(reason ?? status);
      });
    }
  });
}

async function runInside(file: string, bindings: Bindings): Promise<Outcome[]> {
  const { script, broken } = await bundle([file], {
    conditions: ["workerd", "worker"],
    epilogue: epilogueOf(file) + exportsOf(bindings),
    external: [
      "cloudflare:workers",
      ...bindings.compatibilityFlags?.includes("nodejs_compat") ? SOCKETS : [],
    ],
  });
  if (broken.length > 0) return [...broken];
  const { classes: _, ...options } = bindings;
  const worker = new Miniflare({
    modules: [{ type: "ESModule", path: "tests.mjs", contents: script }],
    compatibilityDate: "2026-06-01",
    ...options,
  });
  try {
    const response = await worker.dispatchFetch("http://tests.example/");
    const text = await response.text();
    return response.ok ? JSON.parse(text) : [{ name: file, file, status: "failed", reason: text }];
  } finally {
    await worker.dispose();
  }
}

// Bindings come with a request, and the tests run within it; they find them on the global object.
function epilogueOf(file: string): string {
  return `export default {
    async fetch(request, env) {
      globalThis.bindings = env;
      return Response.json(await runFile(${JSON.stringify(file)}));
    },
  };`;
}

function exportsOf({ durableObjects = {}, classes }: Bindings): string {
  const names = Object.values(durableObjects).map(({ className }) => className);
  return classes ? `export { ${names.join(", ")} } from "./${classes}";` : "";
}
