/** Starts test programs of this folder in processes of their own, on the runtime that runs us. */

import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execPath } from "node:process";
import { promisify } from "node:util";

/** Runs a program to its end; rejects with what it printed unless it ends well. */
export async function runChild(program: string, parameters: readonly string[]): Promise<void> {
  await promisify(execFile)(execPath, commandOf(program, parameters));
}

/** A program that runs. */
export interface Child {
  /** The next line that it prints; `undefined` when it has ended. */
  line(): Promise<string | undefined>;
  /** Writes a line to it. */
  say(line: string): void;
  /** Kills it as a crash would, and waits for its end. */
  kill(): Promise<void>;
  /** Resolves when it has ended, with the name of the signal that ended it. */
  readonly ended: Promise<string | null>;
}

/** Starts a program. What it writes to standard error is written to ours. */
export function startChild(program: string, parameters: readonly string[]): Child {
  const child = spawn(execPath, commandOf(program, parameters), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<string | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (_code, signal) => resolve(signal));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ended,
    line: async () => (await lines.next()).value,
    say: (line) => void child.stdin.write(`${line}\n`),
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function commandOf(program: string, parameters: readonly string[]): string[] {
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check"] : ["--no-warnings"];
  const path = fileURLToPath(new URL(program, import.meta.url));
  return [...flags, path, ...parameters];
}
