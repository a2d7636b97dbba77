/** A cairn server of its own process, as people start it. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { CairnServer } from "./cairn_server.ts";

const START_MS = 60_000;
const STOP_MS = 15_000;

/**
 * Starts `cairn serve`, or another command, by the runtime's command on a free loopback port. Rejects with what it wrote
 * when it ends, or gives no address within a minute.
 */
export async function startCairn(
  runtime: readonly string[],
  args: readonly string[],
  { command = "serve" }: { readonly command?: string } = {},
): Promise<CairnServer> {
  const [program, ...rest] = [...runtime, "src/apps/cli.ts", command, "--port", "0", ...args];
  const child = spawn(program!, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const stop = () => stopped(child, ended);
  const url = await Promise.race([
    addressIn(child, () => output),
    ended.then((code) => {
      throw new Error(`Cairn ended with code ${code}: ${output}`);
    }),
  ]);
  return {
    url,
    output: () => output,
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
