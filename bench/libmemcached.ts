/** libmemcached's own lookup as a contender, where a compiler and its headers are to be had. */

import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Contender } from "./harness.ts";

/** The name of the contender. */
export const LIBMEMCACHED = "libmemcached in C";

let program: string | undefined;

/** The contender over so many servers, or none: then one line says why. */
export function libmemcached(servers: number, keys: readonly string[]): Contender[] {
  program ??= compiled();
  if (!program) return [];
  const child = spawn(program, [String(servers)], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.write(`${keys.join("\n")}\n\n`);
  const answers = createInterface({ input: child.stdout });
  return [{ name: LIBMEMCACHED, measure: () => asked(child, answers) }];
}

function asked(
  child: ChildProcessByStdio<Writable, Readable, null>,
  answers: ReturnType<typeof createInterface>,
): Promise<number> {
  return new Promise((resolve) => {
    answers.once("line", (line) => resolve(Number(line)));
    child.stdin.write("\n");
  });
}

function compiled(): string {
  const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const source = fileURLToPath(new URL("./libmemcached.c", import.meta.url));
  const target = join(folder, "libmemcached");
  const { status, error, stderr } = spawnSync("cc", ["-O2", source, "-lmemcached", "-o", target]);
  if (status === 0) return target;
  const reason = error?.message ?? String(stderr).trim().split("\n")[0];
  console.log(`skipped: ${LIBMEMCACHED}: ${reason} (Debian: apt-get install gcc libmemcached-dev)`);
  return "";
}
