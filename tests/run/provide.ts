import { installPackages, missingPackages } from "../services/debian.ts";
import { hasVenv, makeVenv } from "../services/venv.ts";
import { run } from "./child.ts";
import type { Screen } from "./screen.ts";

const LIMIT_MS = 300_000;

/**
 * Gets the programs that system tests need and this machine lacks.
 *
 * It never fails the run: a test whose program is still missing says so and is skipped.
 */
export async function providePrograms(screen: Screen): Promise<void> {
  const packages = await missingPackages();
  if (packages.length > 0) {
    screen.line(screen.dim(`  installing ${packages.join(", ")}`));
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const isInstalled = await installPackages(
      packages,
      (command) => succeeds(command, env, screen),
    );
    if (!isInstalled) screen.line("  Could not install Debian packages: apt-get failed every time");
  }
  if (await hasVenv()) return;
  screen.line(screen.dim("  installing Python tools"));
  const isMade = await makeVenv((command) => succeeds(command, {}, screen));
  if (!isMade) screen.line("  Could not install Python tools: python3 or pip failed every time");
}

async function succeeds(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  screen: Screen,
): Promise<boolean> {
  try {
    const { code, output } = await run(command, { limitMs: LIMIT_MS, env });
    if (code !== 0) screen.line(`  ${command.join(" ")} failed:\n${output.slice(-2_000)}`);
    return code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
