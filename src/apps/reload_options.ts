/** The command line of `cairn reload`. */

import { parseArgs } from "node:util";

/** What `cairn reload` was asked for. */
export interface ReloadCommand {
  /** The folder with the wheels. Default `wheels`. */
  readonly directory: string;
  /** Whether every file is read again. Default: as the reload that goes on, or else no. */
  readonly isThorough: boolean | undefined;
  /** Whether files that had to be skipped are a failure. */
  readonly isStrict: boolean;
  /** Whether every file that is taken in or let go is logged. */
  readonly isVerbose: boolean;
  /** Whether nothing but warnings and errors is written. */
  readonly isQuiet: boolean;
}

/** How `cairn reload` is used. */
export const RELOAD_USAGE = `Usage: cairn reload [DIR] [options]

Brings the index of DIR (default: wheels) into agreement with the files in it:
takes in what was put there or replaced by hand, lets go what was removed. A
cairn serve of DIR may be running. What was stopped goes on the next time.

  -t, --thorough  read every file, not only those of another length or time
      --strict    end with 1 where files were skipped
  -v, --verbose   log every file that is taken in or let go
  -q, --quiet     log only what went wrong
  -h, --help      show this

It ends with 0 when all is done, with 130 when it was stopped, with 2 when it
could not be done.`;

/** Reads the arguments after `cairn reload`; `undefined` asks for help. */
export function parseReloadOptions(args: readonly string[]): ReloadCommand | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      thorough: { type: "boolean", short: "t" },
      strict: { type: "boolean", default: false },
      verbose: { type: "boolean", short: "v", default: false },
      quiet: { type: "boolean", short: "q", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  if (positionals.length > 1) {
    throw new TypeError(`Cannot reload ${positionals.length} folders: give one`);
  }
  if (values.quiet && values.verbose) {
    throw new TypeError('Cannot reload: "--quiet" and "--verbose" exclude each other');
  }
  return Object.freeze({
    directory: positionals[0] ?? "wheels",
    isThorough: values.thorough,
    isStrict: values.strict,
    isVerbose: values.verbose,
    isQuiet: values.quiet,
  });
}
