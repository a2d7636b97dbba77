/**
 * Installs the npm packages unless they are there already.
 *
 * npm writes what it installed into `node_modules/.package-lock.json`, as the last thing it does.
 * Where that record agrees with `package-lock.json` there is nothing to install. This program runs
 * before anything is installed, so it imports nothing.
 */

interface Package {
  readonly version?: string;
  readonly optional?: boolean;
}

/** The packages of a lock file by their folder, as npm writes them. */
export type Packages = Readonly<Record<string, Package>>;

const ATTEMPTS = 3;
const INSTALLED = "node_modules/.package-lock.json";

/** Whether `installed` is what `locked` asks for; optional packages may be missing. */
export function isInstalled(locked: Packages, installed: Packages): boolean {
  const wanted = Object.entries(locked).filter(([folder]) => folder !== "");
  const complete = wanted.every(([folder, { version, optional }]) =>
    installed[folder] ? installed[folder].version === version : optional === true
  );
  return complete && Object.keys(installed).every((folder) => folder in locked);
}

async function packagesOf(lockFile: string): Promise<Packages> {
  try {
    return JSON.parse(await Deno.readTextFile(lockFile)).packages ?? {};
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return {};
    throw error;
  }
}

async function install(): Promise<boolean> {
  const npm = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  const { success } = await new Deno.Command(npm, {
    args: ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    stdin: "null",
  }).spawn().status;
  return success;
}

async function main(): Promise<void> {
  const [locked, installed] = [await packagesOf("package-lock.json"), await packagesOf(INSTALLED)];
  if (isInstalled(locked, installed)) return;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    console.log(`Installing the npm packages, attempt ${attempt} of ${ATTEMPTS}`);
    if (await install()) return;
  }
  console.error("Could not install the npm packages: npm ci failed every time");
  Deno.exit(1);
}

if (import.meta.main) await main();
