// runs on: deno
/**
 * The three ways in which the kernel is loaded, each where it must be: compiled from text, given
 * as a module by workerd, or replaced by plain TypeScript. All must give the same answers.
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, stop } from "esbuild";
import { Miniflare } from "miniflare";
import { chromium } from "playwright-core";
import * as hashing from "../../src/hash/mod.ts";
import { run } from "../clients/command.ts";
import { nodeProgram } from "../run/toolchain.ts";
import { chromiumProgram } from "../services/chromium.ts";
import { type Answers, answers } from "./hash_answers.ts";

/** A date before Workers allowed a module to compile WebAssembly while it starts, and one after. */
const OLD = "2024-01-01";
const NEW = "2026-06-01";

const INLINE = "src/hash/mod.ts";
const WORKERD = "src/hash/hashing_workerd.ts";
const KERNEL = "src/hash/kernel.wasm";

after(stop);

/** The answers as a module that calls `hand` with them. */
async function bundled(entry: string, epilogue: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as hashing from "./${entry}";
        import { answers } from "./tests/system/hash_answers.ts";
        ${epilogue}`,
      resolveDir: process.cwd(),
      loader: "ts",
    },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    external: ["*.wasm"],
  });
  return outputFiles[0]!.text;
}

const WORKER = "export default { fetch: () => Response.json(answers(hashing)) };";

async function inWorkerd(entry: string, compatibilityDate: string): Promise<Answers> {
  const contents = await bundled(entry, WORKER);
  const worker = new Miniflare({
    modules: [
      { type: "ESModule", path: "worker.mjs", contents },
      { type: "CompiledWasm", path: "kernel.wasm", contents: readFileSync(KERNEL) },
    ],
    compatibilityDate,
  });
  try {
    return await (await worker.dispatchFetch("http://tests.example/")).json() as Answers;
  } finally {
    await worker.dispose();
  }
}

async function inChromium(policy: string): Promise<Answers> {
  const script = await bundled(INLINE, "globalThis.answers = answers(hashing);");
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    const isScript = new URL(url).pathname === "/script.js";
    const headers = {
      "content-type": isScript ? "text/javascript" : "text/html",
      "content-security-policy": policy,
    };
    const page = '<!doctype html><script type="module" src="/script.js"></script>';
    return new Response(isScript ? script : page, { headers });
  });
  // Chromium's own sandbox does not work for root, as which CI runs.
  const executablePath = chromiumProgram.path!;
  const browser = await chromium.launch({ executablePath, chromiumSandbox: false });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`, { waitUntil: "load" });
    return await page.evaluate(() => Reflect.get(globalThis, "answers")) as Answers;
  } finally {
    await browser.close();
    await server.shutdown();
  }
}

describe("the kernel is loaded", () => {
  const expected = answers(hashing);

  it("from text on Deno", () => equal(expected.kind, "wasm"));

  it("from text in workerd, by its date; before it the plain one serves", async () => {
    deepEqual(await inWorkerd(INLINE, NEW), expected);
    deepEqual(await inWorkerd(INLINE, OLD), { ...expected, kind: "script" });
  });

  it("as a module in workerd, on every date", async () => {
    deepEqual(await inWorkerd(WORKERD, NEW), expected);
    deepEqual(await inWorkerd(WORKERD, OLD), expected);
  });

  it("from text in Chromium, unless a policy forbids it", {
    skip: chromiumProgram.missing,
  }, async () => {
    deepEqual(await inChromium("default-src 'self'"), { ...expected, kind: "script" });
    const allowing = "script-src 'self' 'wasm-unsafe-eval'";
    deepEqual(await inChromium(allowing), expected);
  });

  it("by wrangler from inside a package, through its workerd condition", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cairn-hash-"));
    try {
      deepEqual(await throughWrangler(folder), expected);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("small, and importing nothing", () => {
    const wasm = readFileSync(KERNEL);
    ok(wasm.length <= 64 * 1024, `${wasm.length} bytes`);
    ok(brotliCompressSync(wasm).length <= 5 * 1024);
    deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(wasm)), []);
    const script = readFileSync("src/hash/kernel_bytes.ts");
    ok(gzipSync(script).length <= 10 * 1024);
  });
});

/** Puts the hash room into a package, has wrangler bundle a Worker over it, and asks the Worker. */
async function throughWrangler(folder: string): Promise<Answers> {
  const home = join(folder, "node_modules/@cairn/cache");
  mkdirSync(home, { recursive: true });
  for (const room of ["src/hash", "src/contracts"]) {
    cpSync(room, join(home, room), { recursive: true });
  }
  const conditions = { workerd: `./${WORKERD}`, default: `./${INLINE}` };
  const manifest = { name: "@cairn/cache", type: "module", exports: { "./hash": conditions } };
  writeFileSync(join(home, "package.json"), JSON.stringify(manifest));
  cpSync("tests/system/hash_answers.ts", join(folder, "answers.ts"));
  writeFileSync(
    join(folder, "worker.ts"),
    `import * as hashing from "@cairn/cache/hash"; import { answers } from "./answers.ts"; ${WORKER}`,
  );
  writeFileSync(
    join(folder, "wrangler.json"),
    JSON.stringify({ name: "hash", main: "worker.ts", compatibility_date: OLD }),
  );
  const node = await nodeProgram(24);
  const wrangler = join(process.cwd(), "node_modules/wrangler/bin/wrangler.js");
  const { code, output } = await run(node, [wrangler, "deploy", "--dry-run", "--outdir", "out"], {
    cwd: folder,
    env: {
      PATH: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
      HOME: folder,
      CI: "1",
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
    },
  });
  equal(code, 0, output);
  const out = join(folder, "out");
  const wasm = [...Deno.readDirSync(out)].find(({ name }) => name.endsWith(".wasm"))!.name;
  const worker = new Miniflare({
    modules: [
      { type: "ESModule", path: "worker.js", contents: readFileSync(join(out, "worker.js")) },
      { type: "CompiledWasm", path: wasm, contents: readFileSync(join(out, wasm)) },
    ],
    compatibilityDate: OLD,
  });
  try {
    return await (await worker.dispatchFetch("http://tests.example/")).json() as Answers;
  } finally {
    await worker.dispose();
  }
}
