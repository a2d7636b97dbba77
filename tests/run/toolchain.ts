import { run } from "./child.ts";

/**
 * Other runtimes, taken from npm.
 *
 * The packages `node` and `bun` fetch their programs in an install script, which npm may be told
 * not to run; `npx node` then quietly gives whichever Node is on the PATH. So the packages that hold
 * the programs themselves are asked for.
 */

const ATTEMPTS = 3;
const LIMIT_MS = 180_000;
const WINDOWS = Deno.build.os === "windows";

const found = new Map<string, Promise<string>>();

/** The path of Node's program in a major version. */
export function nodeProgram(major: number): Promise<string> {
  const system = { darwin: "darwin", windows: "win" }[Deno.build.os as string] ?? "linux";
  const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = system === "darwin" && cpu === "arm64" ? "node-bin" : "node";
  const program = WINDOWS ? "bin/node.exe" : "bin/node";
  return programOf(`${name}-${system}-${cpu}`, String(major), program);
}

/** The path of Bun's program in a version. */
export function bunProgram(version: string): Promise<string> {
  const system = { darwin: "darwin", windows: "windows" }[Deno.build.os as string] ?? "linux";
  // The baseline build also runs on processors and emulators without AVX2.
  const cpu = Deno.build.arch === "aarch64" ? "aarch64" : "x64-baseline";
  return programOf(`@oven/bun-${system}-${cpu}`, version, WINDOWS ? "bin/bun.exe" : "bin/bun");
}

function programOf(name: string, version: string, program: string): Promise<string> {
  const wanted = `${name}@${version}`;
  const pending = found.get(wanted) ?? fetched(wanted).then((modules) => {
    return `${modules}/${name}/${program}`;
  });
  found.set(wanted, pending);
  return pending;
}

/** Has npx fetch a package and gives the `node_modules` it lies in. */
async function fetched(wanted: string): Promise<string> {
  const npx = WINDOWS ? "npx.cmd" : "npx";
  const print = "node -p process.env.PATH";
  for (let attempt = 1;; attempt++) {
    const command = [npx, "-y", "--package", wanted, "--call", print];
    const { code, output } = await run(command, { limitMs: LIMIT_MS });
    const [, modules] = /^([^\n:;]*_npx[^\n:;]*node_modules)[\\/]\.bin/m.exec(output) ?? [];
    if (code === 0 && modules) return modules;
    if (attempt === ATTEMPTS) throw new Error(`Could not fetch ${wanted}: ${output.slice(-2_000)}`);
  }
}
