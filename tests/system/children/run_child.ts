/** Starts test programs of this folder in processes of their own, on the runtime that runs us. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { execPath } from "node:process";
import { promisify } from "node:util";

/** Runs a program to its end; rejects with what it printed unless it ends well. */
export async function runChild(program: string, parameters: readonly string[]): Promise<void> {
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check"] : ["--no-warnings"];
  const path = fileURLToPath(new URL(program, import.meta.url));
  await promisify(execFile)(execPath, [...flags, path, ...parameters]);
}
