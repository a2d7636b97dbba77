// runs on: deno
/** The frozen answers of Python's `packaging` are those that the library gives today. */

import { equal, ok } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { configuredIndex } from "../clients/configured_index.ts";
import { run } from "../clients/command.ts";
import { pythonTool } from "../services/python.ts";

const VECTORS = fileURLToPath(new URL("../vectors", import.meta.url));
const RELEASE = "packaging-26.2";
const PINNED = ["packaging==26.2", "pytest==8.4.2", "pretend==1.0.9"];

const python = pythonTool("python");
const folder = mkdtempSync(join(tmpdir(), "cairn-packaging-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const reason = python.missing ||
  (await configuredIndex() === undefined && "no Python package registry answers");
if (reason && !python.missing) console.log(`skipped: ${reason}`);

describe("packaging", { skip: reason }, () => {
  it("gives the answers that are frozen, on the cases of its own tests", async () => {
    const libraries = join(folder, "libraries");
    await runPython("-m", "pip", "install", "-q", "--target", libraries, ...PINNED);
    const source = ["--no-deps", "--no-binary", "packaging", "-d", folder];
    await runPython("-m", "pip", "download", "-q", ...source, PINNED[0]!);
    await command("tar", ["-xzf", join(folder, `${RELEASE}.tar.gz`), "-C", folder]);
    const names = ["packaging.json", "packaging_requirements.json"];
    const made = names.map((name) => join(folder, name));
    await runPython(join(VECTORS, "make_packaging_vectors.py"), join(folder, RELEASE), ...made);
    for (const name of names) {
      const frozen = readFileSync(join(VECTORS, name), "utf8");
      ok(frozen.length > 100_000);
      equal(readFileSync(join(folder, name), "utf8") === frozen, true, `${name} is out of date`);
    }
  });
});

/** Runs Python with the machine's own configuration, as the library comes from its registry. */
async function runPython(...args: string[]): Promise<void> {
  await command(python.path, args);
}

async function command(program: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env as Record<string, string>, PYTHONPATH: join(folder, "libraries") };
  const { code, output } = await run(program, args, { env, cwd: folder });
  equal(code, 0, output.slice(-2000));
}
