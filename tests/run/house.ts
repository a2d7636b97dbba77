import type { Job } from "./job.ts";

/** The checks of the house itself. Each is one command, and counts as one test by its name. */
export async function houseJobs(): Promise<Job[]> {
  const entries = await exportedFiles();
  const checks: Record<string, readonly string[]> = {
    "deno check": ["check", "--quiet", "."],
    "deno fmt --check": ["fmt", "--check"],
    "deno lint": ["lint"],
    "deno doc --lint": ["doc", "--lint", ...entries],
    "doc examples": [
      "test",
      "--quiet",
      "-A",
      "--doc",
      "--permit-no-files",
      ...await existing(DOCUMENTED),
    ],
    "deno publish --dry-run": ["publish", "--dry-run", "--allow-dirty"],
  };
  if (await exists("mod.ts")) {
    checks["the library loads with no permission"] = ["run", "--no-prompt", "mod.ts"];
  }
  if (await exists(KERNEL)) {
    checks["the kernel is what assembly/ gives"] = ["run", "-A", KERNEL, "--check"];
  }
  return Object.entries(checks).map(([name, args]) => toJob(name, args));
}

const KERNEL = "assembly/build.ts";
const DOCUMENTED = ["mod.ts", "src", "backends", "README.md", "src/README.md"];
const LIMIT_MS = 240_000;

function toJob(name: string, args: readonly string[]): Job {
  return {
    suite: "house",
    runtime: "deno",
    name,
    files: [],
    limitMs: LIMIT_MS,
    command: () => Promise.resolve([Deno.execPath(), ...args]),
  };
}

/** The files that deno.json's `exports` name. */
async function exportedFiles(): Promise<string[]> {
  const { exports } = JSON.parse(await Deno.readTextFile("deno.json"));
  const files = typeof exports === "string" ? [exports] : Object.values<string>(exports ?? {});
  return await existing([...new Set(files)]);
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => found[index]);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
