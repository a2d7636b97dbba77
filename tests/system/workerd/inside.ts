/** Runs a test file inside workerd, with bindings, and tells its outcomes to `node:test` here. */

import { fail, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { Miniflare } from "miniflare";
import { systemClock } from "../../../src/contracts/clock.ts";
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

/** Longer than a single test may take in there. */
const LINE_MS = 300_000;
/** Within this it must be over: before the runner ends the whole file, and nobody hears of a name. */
const FILE_MS = 720_000;

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
    const response = await within(worker.dispatchFetch("http://tests.example/"), "no request");
    const outcomes = await lastOf(linesOf(response));
    return typeof outcomes === "string" ? [broke(file, outcomes)] : outcomes;
  } catch (error) {
    return [broke(file, String(error))];
  } finally {
    await within(worker.dispose(), "everything is told, and the Worker is to end");
  }
}

function broke(file: string, reason: string): Outcome {
  return { name: file, file, status: "failed", reason };
}

/** What of a response is read. */
interface Answer {
  readonly ok: boolean;
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/** A line of what the Worker says: the name of a test that begins, or at last the outcomes of all. */
type Line = string | Outcome[];

/** The last line, or what went wrong before it. */
async function lastOf(lines: AsyncIterator<Line>): Promise<Line> {
  let begun = "nothing was begun";
  const endsAt = systemClock.now() + FILE_MS;
  for (;;) {
    if (systemClock.now() > endsAt) return `Stopped after ${FILE_MS / 1_000} s: ${begun}`;
    const next = await within(lines.next(), begun);
    if (next.done) return `The Worker ended early: ${begun}`;
    if (typeof next.value !== "string") return next.value;
    begun = `"${next.value}" was begun`;
  }
}

/** Waits for a line, but not for ever: a test that hangs is named, and nobody waits for the others. */
async function within<T>(line: Promise<T>, begun: string): Promise<T> {
  const controller = new AbortController();
  const late = systemClock.sleep(LINE_MS, controller.signal).then(() => {
    throw new Error(`Stopped after ${LINE_MS / 1_000} s without a word: ${begun}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([line, late]);
  } finally {
    controller.abort();
  }
}

async function* linesOf(response: Answer): AsyncGenerator<Line, void> {
  if (!response.ok) yield [broke("the Worker", await response.text())];
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of response.body!) {
    const lines = (text + decoder.decode(piece, { stream: true })).split("\n");
    text = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

// Bindings come with a request, and the tests run within it; they find them on the global object.
function epilogueOf(file: string): string {
  return `export default {
    async fetch(request, env) {
      globalThis.bindings = env;
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      const say = (line) => writer.write(new TextEncoder().encode(JSON.stringify(line) + "\\n"));
      runFile(${JSON.stringify(file)}, say).then(say, (error) => say([{
        name: "runFile", file: "", status: "failed", reason: String(error),
      }])).then(() => writer.close());
      return new Response(readable);
    },
  };`;
}

function exportsOf({ durableObjects = {}, classes }: Bindings): string {
  const names = Object.values(durableObjects).map(({ className }) => className);
  return classes ? `export { ${names.join(", ")} } from "./${classes}";` : "";
}
