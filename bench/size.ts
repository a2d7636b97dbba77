/**
 * How much the parts of the package weigh in a program that uses them: bundled and minified by
 * esbuild, compressed with gzip. A part over its budget makes the run fail.
 */

import process from "node:process";
import { build, stop } from "esbuild";
import { bundleWorker } from "../tests/clients/cairn_worker.ts";

/** A part, the program that uses it, and what it may weigh. */
interface Part {
  readonly name: string;
  readonly program: string;
  readonly mostBytes: number;
}

const STORES: readonly string[] = [
  ...["cache_api", "d1", "deno_kv", "durable_object", "dynamodb", "folder"],
  ...["memcached", "memcached_client", "memcached_lock_keys", "null"],
  ...["r2", "redis", "redis_http", "sqlite", "workers_kv"],
];

const PARTS: readonly Part[] = [
  part("near shelf alone", 'export { MemoryCache } from "./mod.ts"', 6_000),
  part("region with a near shelf", 'export { makeRegion } from "./mod.ts"', 10_000),
  part("rings and digests", 'export * from "./src/hash/mod.ts"', 10_000),
  ...STORES.map((store) =>
    part(`backends/${store}.ts`, `export * from "./backends/${store}.ts"`, 4_000)
  ),
];

/** What others weigh in a program that creates values by key, with their memory. */
const PEERS: Readonly<Record<string, string>> = {
  "bentocache":
    'export { BentoCache, bentostore } from "bentocache"; export { memoryDriver } from "bentocache/drivers/memory"',
  "cacheable": 'export { Cacheable } from "cacheable"',
  "async-cache-dedupe": 'export { createCache } from "async-cache-dedupe"',
  "ocache": 'export * from "ocache"',
  "lru-cache": 'export { LRUCache } from "lru-cache"',
  "cache-manager": 'export { createCache } from "cache-manager"',
};

let isOver = false;
for (const { name, program, mostBytes } of PARTS) show(name, await weigh(program), mostBytes);
show("the Worker", (await bundleWorker()).gzipBytes, 150_000);
for (const [name, program] of Object.entries(PEERS)) show(name, await weigh(program));
await stop();
process.exitCode = isOver ? 1 : 0;

function part(name: string, program: string, mostBytes: number): Part {
  return { name, program, mostBytes };
}

async function weigh(program: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "esnext",
    platform: "node",
    external: ["node:*"],
    logLevel: "silent",
  });
  const packed = new Blob([outputFiles[0]!.contents as Uint8Array<ArrayBuffer>]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).arrayBuffer()).byteLength;
}

function show(name: string, bytes: number, mostBytes = Infinity): void {
  const verdict = bytes <= mostBytes ? "" : "  over";
  isOver ||= bytes > mostBytes;
  const most = mostBytes === Infinity ? "" : ` of ${String(mostBytes).padStart(7)}`;
  const figures = `${String(bytes).padStart(8)}${most} bytes`;
  console.log(`${name.padEnd(28)}${figures}${verdict}`);
}
