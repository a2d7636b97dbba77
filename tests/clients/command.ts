/** Running a program to its end and reading what it wrote. */

import { spawn } from "node:child_process";
import process from "node:process";

/** How a program ended. */
export interface Ran {
  /** Its exit code; −1 where it was stopped by a signal or its time ran out. */
  readonly code: number;
  /** What it wrote to standard output and standard error, interleaved. */
  readonly output: string;
}

/** How to run it. */
export interface RunOptions {
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its working folder. */
  readonly cwd?: string;
  /** After so many milliseconds it is stopped; 300,000 by default. */
  readonly limitMs?: number;
}

const LIMIT_MS = 300_000;

/** Runs `program` with `args`. Rejects only when it cannot be started. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.limitMs ?? LIMIT_MS,
      ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

/** Runs `program`, interrupts it as Ctrl+C does once it has written something, and waits for its end. */
export async function interrupted(
  program: string,
  args: readonly string[],
  { env, once }: Pick<RunOptions, "env"> & { readonly once: RegExp },
): Promise<Ran> {
  const child = spawn(program, args, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let isInterrupted = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (isInterrupted || !once.test(output)) return;
      isInterrupted = true;
      // Of a child that it has killed itself Deno tells no exit code.
      process.kill(child.pid!, "SIGINT");
    });
  }
  const timer = setTimeout(() => {
    output += `\nIt was stopped after ${LIMIT_MS / 1_000} s`;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { code: code ?? -1, output };
}
