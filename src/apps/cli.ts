/** The command line: `cairn serve`, `cairn push`, `cairn reload`, `cairn redis-rest`. */

import process from "node:process";
import { type Log, reasonOf } from "../wheels/log.ts";
import { INTERRUPTED } from "./interruption.ts";
import { stopOnSignal } from "./listen.ts";
import { runPush } from "./push.ts";
import { PUSH_USAGE } from "./push_options.ts";
import { runRedisRest } from "./redis_rest_command.ts";
import { REDIS_REST_USAGE } from "./redis_rest_options.ts";
import { runReload } from "./reload_command.ts";
import { RELOAD_USAGE } from "./reload_options.ts";
import { serve, type Served } from "./serve.ts";
import { parseServeOptions, SERVE_USAGE, type ServeOptions } from "./serve_options.ts";
import { complain, painted, say, terminalLog } from "./terminal.ts";

/** Answers the exit code, where it is not 0. */
type Command = (args: readonly string[]) => Promise<number | void>;

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["serve", runServe],
  ["push", runPush],
  ["reload", runReload],
  ["redis-rest", runRedisRest],
]);

const [command, ...args] = process.argv.slice(2);
process.exitCode = await main(command, args);
// On Deno a request that was broken off may hold the process up.
if (process.exitCode === INTERRUPTED) process.exit();

async function main(name: string | undefined, args: readonly string[]): Promise<number> {
  const run = commands.get(name ?? "");
  if (run === undefined) {
    const isHelp = name === undefined || name === "--help" || name === "-h";
    if (!isHelp) complain(`cairn: there is no command "${name}"\n`);
    (isHelp ? say : complain)(
      [SERVE_USAGE, PUSH_USAGE, RELOAD_USAGE, REDIS_REST_USAGE].join("\n\n\n"),
    );
    return isHelp ? 0 : 2;
  }
  try {
    return await run(args) ?? 0;
  } catch (error) {
    complain(`cairn: ${reasonOf(error)}`);
    return 2;
  }
}

async function runServe(args: readonly string[]): Promise<void> {
  const options = parseServeOptions(args);
  if (options === undefined) say(SERVE_USAGE);
  else await serveUntilStopped(options);
}

async function serveUntilStopped(options: ServeOptions): Promise<void> {
  const log: Log = (level, message, facts) => {
    if (!options.isQuiet || level !== "info") terminalLog(level, message, facts);
  };
  const served = await serve(options, log);
  stopOnSignal(() => {
    say("  Lets what is running end; once more ends it at once");
    return served.stop();
  });
  for (const line of welcome(options, served)) say(line);
}

function welcome(options: ServeOptions, { url, scan }: Served): string[] {
  const count = scan.unchanged + scan.taken;
  const index = `${url}/simple/`;
  const { usersFile, tokensFile, open } = options.access;
  const canUpload = usersFile !== undefined || tokensFile !== undefined ||
    open?.includes("update") === true;
  return [
    "",
    `  ${painted("cairn", "bold")} serves ${count} ${count === 1 ? "file" : "files"} from ` +
    `${options.directory}${options.upstream ? ", and an upstream for what it lacks" : ""}`,
    "",
    `  ${painted("pip install --index-url", "dim")} ${index} ${painted("NAME", "dim")}`,
    `  ${painted("uv pip install --index-url", "dim")} ${index} ${painted("NAME", "dim")}`,
    canUpload
      ? `  ${painted("twine upload --repository-url", "dim")} ${url}/legacy/ ${
        painted("dist/*", "dim")
      }`
      : `  ${painted("uploads are closed: give --users or --tokens FILE to open them", "dim")}`,
    "",
    `  ${painted("Ctrl+C ends it", "dim")}`,
    "",
  ];
}
