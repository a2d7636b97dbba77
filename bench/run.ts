/**
 * Runs benchmarks on Deno and on Node 24, one after the other: `deno task bench` for all of them,
 * `deno task bench ring memory` for some. Their figures are comparable within one table only.
 */

import process from "node:process";
import { nodeProgram } from "../tests/run/toolchain.ts";

/** A benchmark and the runtimes it runs on. */
interface Bench {
  readonly name: string;
  readonly runtimes: readonly ("deno" | "node")[];
}

const BENCHES: readonly Bench[] = [
  { name: "ring", runtimes: ["deno", "node"] },
  { name: "memory", runtimes: ["deno", "node"] },
  { name: "region", runtimes: ["deno", "node"] },
  { name: "stores", runtimes: ["deno", "node"] },
  { name: "index_caches", runtimes: ["deno", "node"] },
  { name: "hit_ratio", runtimes: ["deno"] },
  { name: "size", runtimes: ["deno"] },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
  const names = BENCHES.map(({ name }) => name).join(", ");
  throw new RangeError(`Cannot run benchmark "${unknown[0]}": there are ${names}`);
}
for (const { name, runtimes } of BENCHES) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const runtime of runtimes) await measure(name, runtime);
}

async function measure(name: string, runtime: "deno" | "node"): Promise<void> {
  console.log(`\n== ${name} on ${runtime} ==`);
  const file = `bench/${name}.ts`;
  const [program, args] = runtime === "deno"
    ? [Deno.execPath(), ["run", "-A", "--v8-flags=--expose-gc", file]]
    : [await nodeProgram(24), ["--expose-gc", file]];
  const { code } = await new Deno.Command(program, { args }).spawn().status;
  if (code !== 0) process.exitCode = 1;
}
