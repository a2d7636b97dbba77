/** A cairn server of its own process, as people start it. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { CairnServer } from "./cairn_server.ts";

/** A server whose process a test may end in other ways than its operator would. */
export interface CairnProcess extends CairnServer {
  /** Its process. */
  readonly pid: number;
  /** Resolves with its exit code when it has ended; `null` where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Sends it a signal. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
}

const START_MS = 180_000;
const STOP_MS = 120_000;

/**
 * Starts `cairn serve`, or another command, by the runtime's command on a free loopback port. Rejects with what it wrote
 * when it ends, or gives no address within three minutes.
 */
export async function startCairn(
  runtime: readonly string[],
  args: readonly string[],
  { command = "serve" }: { readonly command?: string } = {},
): Promise<CairnProcess> {
  const [program, ...rest] = [...runtime, "src/apps/cli.ts", command, "--port", "0", ...args];
  const child = spawn(program!, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
  let hasEnded = false;
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  ended.then(() => hasEnded = true);
  const stop = () => hasEnded ? ended : stopped(child, ended);
  const url = await Promise.race([
    addressIn(child, () => output),
    ended.then((code) => {
      throw new Error(`Cairn ended with code ${code}: ${output}`);
    }),
  ]);
  return {
    url,
    output: () => output,
    pid: child.pid!,
    ended,
    signal: (name) => void process.kill(child.pid!, name),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

function addressIn(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`Cairn gave no address in time: ${output()}`));
    }, START_MS);
    child.stdout!.on("data", () => {
      const [address] = /http:\/\/127\.0\.0\.1:\d+(?=\/|\s)/.exec(output()) ?? [];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.once("close", () => clearTimeout(timer));
  });
}

async function stopped(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  // Of a child that it has killed itself Deno tells no exit code.
  if (child.exitCode === null) process.kill(child.pid!, "SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  const code = await ended;
  clearTimeout(timer);
  return code;
}
