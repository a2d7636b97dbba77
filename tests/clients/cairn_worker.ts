/** The Worker in its own runtime, with the bindings that `src/apps/wrangler.jsonc` names. */

import type { Readable } from "node:stream";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import type { CairnServer } from "./cairn_server.ts";

/** The size of a Worker as it is deployed, and its text. */
export interface BundledWorker {
  /** The module. */
  readonly script: string;
  /** Its length in bytes, compressed with gzip as the platform counts it. */
  readonly gzipBytes: number;
}

/** Bundles the Worker as wrangler does: minified, for workerd, Node's modules left to it. */
export async function bundleWorker(): Promise<BundledWorker> {
  const { outputFiles } = await build({
    entryPoints: ["src/apps/worker.ts"],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "esnext",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    logLevel: "silent",
  });
  const script = outputFiles[0]!.text;
  const packed = new Blob([script]).stream().pipeThrough(new CompressionStream("gzip"));
  return { script, gzipBytes: (await new Response(packed).arrayBuffer()).byteLength };
}

/** Starts the Worker with empty stores on a free loopback port. */
export async function startWorker(variables: Readonly<Record<string, string>>): Promise<
  CairnServer
> {
  const { script } = await bundleWorker();
  let output = "";
  const worker = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.mjs", contents: script }],
    compatibilityDate: "2026-07-01",
    compatibilityFlags: ["nodejs_als"],
    host: "127.0.0.1",
    port: 0,
    r2Buckets: ["FILES"],
    d1Databases: ["INDEX"],
    kvNamespaces: ["PAGES"],
    bindings: { ...variables },
    handleRuntimeStdio(stdout: Readable, stderr: Readable) {
      for (const stream of [stdout, stderr]) {
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => output += text);
      }
    },
  });
  let isRunning = true;
  async function stop(): Promise<number> {
    if (isRunning) await worker.dispose();
    isRunning = false;
    return 0;
  }
  try {
    const { origin } = await worker.ready;
    return {
      url: origin,
      output: () => output,
      stop,
      [Symbol.asyncDispose]: async () => void await stop(),
    };
  } catch (error) {
    // A Miniflare that is not disposed of keeps the process alive, also after a failed start.
    await worker.dispose();
    throw error;
  }
}
