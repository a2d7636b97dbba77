/**
 * Runs portable tests inside workerd: `deno run -A tests/runtimes/workerd.ts REPORT FILE...`
 *
 * The Worker is a plain one, without Node's modules: the core must not need them.
 */

import { Miniflare } from "miniflare";
import { bundle } from "./bundle.ts";
import type { Outcome } from "./test_shim.ts";

const COMPATIBILITY_DATE = "2026-06-01";

const EPILOGUE = `
export default {
  async fetch(request) {
    const file = new URL(request.url).searchParams.get("file");
    return Response.json(await runFile(file));
  },
};`;

const [report, ...wanted] = Deno.args;
const { script, files, broken } = await bundle(wanted, {
  conditions: ["workerd", "worker"],
  epilogue: EPILOGUE,
});
const worker = new Miniflare({
  modules: [{ type: "ESModule", path: "tests.mjs", contents: script }],
  compatibilityDate: COMPATIBILITY_DATE,
});
try {
  const outcomes: Outcome[] = [...broken];
  // A request for each file: what one leaves behind cannot trouble the next.
  for (const file of files) outcomes.push(...await runInside(worker, file));
  await Deno.writeTextFile(report!, JSON.stringify(outcomes));
} finally {
  // A Miniflare that is not disposed of keeps the process alive, also after a failed start.
  await worker.dispose();
}

async function runInside(worker: Miniflare, file: string): Promise<Outcome[]> {
  const address = `http://tests.example/?file=${encodeURIComponent(file)}`;
  const response = await worker.dispatchFetch(address);
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  return [{ name: file, file, status: "failed", reason: text }];
}
