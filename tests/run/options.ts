import { parseArgs } from "node:util";
import { launchers } from "./launchers.ts";

/** What the person at the terminal asked for. */
export interface Options {
  /** Only suites and files whose name holds one of these; empty for all. */
  readonly only: readonly string[];
  /** Only these runtimes; empty for all. */
  readonly runtimes: readonly string[];
  /** How many jobs run at the same time. */
  readonly lanes: number;
  /** Whether to fetch missing Debian packages and Python tools. */
  readonly install: boolean;
  /** Whether to print the plan and run nothing. */
  readonly list: boolean;
  /** Whether a skipped test fails the run. */
  readonly strict: boolean;
}

/** What `deno task test --help` prints. */
export const HELP: string = `Runs the tests: deno task test [options]

  --only TEXT       only suites and files whose name holds TEXT; may be given again
  --runtime NAME    only on deno, node22, node24, bun, workerd or chromium; may be given again
  --lanes N         how many jobs run at the same time (default: the processors, at most 4)
  --no-install      fetch no Debian packages and no Python tools
  --list            print what would run

With CI=true in the environment a skipped test fails the run.
A run with --only or --runtime leaves the results that "deno task acceptance" reads alone.`;

const LANES = 4;

/** Reads the command line; a TypeError or RangeError says what is wrong with it. */
export function parseOptions(args: readonly string[], env: { CI?: string | undefined }): Options {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== "--"),
    options: {
      only: { type: "string", multiple: true, default: [] },
      runtime: { type: "string", multiple: true, default: [] },
      lanes: { type: "string", default: String(Math.min(LANES, navigator.hardwareConcurrency)) },
      "no-install": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
    },
  });
  return Object.freeze({
    only: values.only,
    runtimes: values.runtime.flatMap((name) => name.split(",")).map(known),
    lanes: positive(values.lanes),
    install: !values["no-install"],
    list: values.list,
    strict: env.CI === "true",
  });
}

/** Whether the whole of the tests is to run. */
export function isWhole({ only, runtimes }: Options): boolean {
  return only.length === 0 && runtimes.length === 0;
}

function known(runtime: string): string {
  if (Object.hasOwn(launchers, runtime)) return runtime;
  throw new RangeError(
    `Cannot run on "${runtime}": choose among ${Object.keys(launchers).join(", ")}`,
  );
}

function positive(text: string): number {
  const lanes = Number(text);
  if (Number.isInteger(lanes) && lanes > 0) return lanes;
  throw new RangeError(`Cannot run in "${text}" lanes: give a positive integer`);
}
