// runs on: deno
/** What one request to the Worker asks of the platform, whose free plan allows 50 things. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { bundleWorker } from "../clients/cairn_worker.ts";
import { run } from "../clients/command.ts";
import { Shop } from "../clients/shop.ts";
import { House, JSON_TYPE, packagePath, postOf, uploadForm } from "../core/wheels_http/house.ts";
import { nodeProgram } from "../run/toolchain.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";

const MOST = 50;
const ORIGIN = "http://cairn.test";

interface Metered extends AsyncDisposable {
  /** Asks, reads the whole answer, and tells how much the Worker asked for that. */
  ask(path: string, init?: RequestInit): Promise<{ status: number; asked: number }>;
}

async function startMetered(variables: Readonly<Record<string, string>>): Promise<Metered> {
  const { outputFiles } = await build({
    entryPoints: ["tests/system/workerd/metered_worker.ts"],
    ...{ bundle: true, write: false, format: "esm", target: "esnext", platform: "browser" },
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    logLevel: "silent",
  });
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.mjs", contents: outputFiles[0]!.text }],
    compatibilityDate: "2026-07-01",
    compatibilityFlags: ["nodejs_als"],
    r2Buckets: ["FILES"],
    d1Databases: ["INDEX"],
    kvNamespaces: ["PAGES"],
    bindings: { ...variables },
  });
  const worker = await miniflare.getWorker() as unknown as {
    fetch(url: string, init?: RequestInit): Promise<Response>;
  };
  const asked = async (): Promise<number> =>
    Number(await (await worker.fetch(`${ORIGIN}/asked`)).text());
  return {
    async ask(path, init) {
      await asked();
      const response = await worker.fetch(ORIGIN + path, init);
      await response.arrayBuffer();
      return { status: response.status, asked: await asked() };
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

it("I-216: no request to the Worker asks more than 50 things of the platform, and a hit next to nothing", async () => {
  await using shop = await Shop.open(new House());
  const theirs = await shop.house.publish({
    name: "theirs",
    version: "1.0",
    paddingBytes: 300_000,
  });
  await using worker = await startMetered({
    OPEN: "list,download,update",
    UPSTREAM: shop.index,
  });
  const counts: Record<string, number> = {};
  const ask = async (what: string, path: string, init: RequestInit = {}): Promise<void> => {
    const { status, asked } = await worker.ask(path, init);
    equal(status, 200, what);
    counts[what] = asked;
  };
  const wheel = makeWheel({ name: "ours", version: "1.0", paddingBytes: 300_000 });
  const ours = packagePath(await sha256Of(wheel.bytes), wheel.filename);
  const json = { headers: { accept: JSON_TYPE, "accept-encoding": "gzip" } };
  await ask("an upload", "/legacy/", await postOf(await uploadForm(wheel)));
  await ask("a cold page", "/simple/ours/", json);
  await ask("a page", "/simple/ours/", json);
  await ask("a file", ours);
  await ask("its metadata", `${ours}.metadata`);
  await ask("the list", "/simple/");
  await ask("a cold page of the upstream", "/simple/theirs/", json);
  await ask("a page of the upstream", "/simple/theirs/", json);
  await ask("cold metadata of the upstream", `${theirs.path}.metadata`);
  await ask("a cold file of the upstream", theirs.path);
  await ask("a file of the upstream", theirs.path);
  for (const [what, count] of Object.entries(counts)) ok(count <= MOST, `${what}: ${count}`);
  const hits = ["a page", "a file", "a page of the upstream", "a file of the upstream"];
  for (const what of hits) ok(counts[what]! <= 3, `${what}: ${counts[what]}`);
});

/** The processor time, in milliseconds, that a module script says it took, on the platform's engine. */
async function cpuMsOf(script: string, ...args: string[]): Promise<number> {
  const measured = `
    let before;
    const begin = () => before = process.cpuUsage();
    const end = (times = 1) => {
      const { user, system } = process.cpuUsage(before);
      console.log("cpu", (user + system) / 1000 / times);
    };
    ${script}`;
  const env = process.env as Record<string, string>;
  const node = await nodeProgram(24);
  const { code, output } = await run(node, ["--input-type=module", "-e", measured, ...args], {
    env,
  });
  equal(code, 0, output);
  return Number(/cpu ([0-9.]+)/.exec(output)![1]);
}

it("I-216: a page of 5,000 files takes less than 10 ms of processor time once it is rendered", async () => {
  const hit = `
    const [{ House, JSON_TYPE }, { memoryIndex }] = await Promise.all([
      import(process.argv[1]),
      import(process.argv[2]),
    ]);
    const index = memoryIndex();
    await index.claim("demo", true);
    await index.saveMany(Array.from({ length: 5000 }, (_, at) => {
      const filename = "demo-1." + at + "-py3-none-any.whl";
      return {
        filename, project: "demo", version: "1." + at, uploadedAt: 1700000000000 + at, sizeBytes: 1,
        sha256: at.toString(16).padStart(64, "0"), path: "demo/" + filename,
      };
    }));
    const house = new House({ index });
    const headers = { accept: JSON_TYPE, "accept-encoding": "gzip" };
    const ask = async () => (await house.fetch("/simple/demo/", { headers })).arrayBuffer();
    for (let round = 0; round < 20; round++) await ask();
    begin();
    for (let round = 0; round < 100; round++) await ask();
    end(100);`;
  const modules = ["tests/core/wheels_http/house.ts", "backends/index_memory.ts"];
  const cpuMs = await cpuMsOf(hit, ...modules.map((path) => pathToFileURL(path).href));
  ok(cpuMs < 10, `${cpuMs} ms`);
});

it("I-215: the Worker takes nothing of Node's but AsyncLocalStorage, weighs less than a megabyte, and starts within 400 ms of processor time", async () => {
  const { script, gzipBytes } = await bundleWorker();
  const imports = [...script.matchAll(/\b(?:from|import|require)\s*\(?\s*["']([\w@:/-]+)["']/g)];
  deepEqual([...new Set(imports.map(([, name]) => name))], ["node:async_hooks"]);
  ok(gzipBytes < 1_000_000, `${gzipBytes}`);
  const folder = mkdtempSync(join(tmpdir(), "cairn-"));
  try {
    const path = join(folder, "worker.mjs");
    writeFileSync(path, script);
    const cpuMs = await cpuMsOf("begin(); await import(process.argv[1]); end();", path);
    ok(cpuMs < 400, `${cpuMs} ms`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
