/** The command line of `cairn push`. */

import { parseArgs } from "node:util";

/** What `cairn push` was asked for. */
export interface PushCommand {
  /** Files, and folders with files. */
  readonly paths: readonly string[];
  /** The address that uploads go to. */
  readonly to: string;
  /** Who pushes, and where the password is. */
  readonly login: Login;
  /** The simple index that is asked what is there already; `undefined` for the one beside `to`. */
  readonly index: string | undefined;
  /** Whether it is asked at all. Default: yes. */
  readonly isAsked: boolean;
  /** How many files are on their way at once. Default 4. */
  readonly jobs: number;
  /** Whether everything is done but the uploads. */
  readonly isDryRun: boolean;
  /** How much is told. */
  readonly telling: "all" | "usual" | "problems";
}

/** Who pushes. */
export interface Login {
  /** The user; `undefined` for the one in the address, or nobody. */
  readonly user: string | undefined;
  /** The file with the password; `undefined` for the environment, or the address. */
  readonly passwordFile: string | undefined;
}

/** How `cairn push` is used. */
export const PUSH_USAGE = `Usage: cairn push FILE|DIR... --to URL [options]

Sends wheels and source distributions to a cairn, or to any index that takes
what twine sends. What the index has already is not sent again.

      --to URL           the address that uploads go to; of one without a path,
                         as in http://127.0.0.1:8000, it is /legacy/; below one
                         that ends in /p/ files are put as curdling does it
  -u, --user NAME        who pushes
      --password-file FILE
                         where the password is         (default CAIRN_PASSWORD)
      --index URL        the simple index that tells what is there
                         (default /simple/, beside or below the address;
                         with /p/ the list of versions, /api/)
      --no-check         do not ask it: the index judges what is sent
  -j, --jobs N           files on their way at once, up to 32       (default 4)
  -n, --dry-run          tell what would be sent, and send nothing
  -v, --verbose          name the files too that are there already
  -q, --quiet            name only what went wrong
  -h, --help             show this

What fails for the moment is tried again, five times in all. It ends with 0
when the index has all files, with 1 when it did not take some or has others by
their names, with 130 when it was stopped, with 2 when it could not be done.`;

/** Reads the arguments after `cairn push`; `undefined` asks for help. */
export function parsePushOptions(args: readonly string[]): PushCommand | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: "string" },
      user: { type: "string", short: "u" },
      "password-file": { type: "string" },
      index: { type: "string" },
      "no-check": { type: "boolean", default: false },
      jobs: { type: "string", short: "j", default: "4" },
      "dry-run": { type: "boolean", short: "n", default: false },
      verbose: { type: "boolean", short: "v", default: false },
      quiet: { type: "boolean", short: "q", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  if (positionals.length === 0) throw new TypeError("Cannot push: give files or folders");
  if (values.to === undefined) throw new TypeError('Cannot push: give the address with "--to"');
  return Object.freeze({
    paths: Object.freeze([...positionals]),
    to: values.to,
    login: Object.freeze({ user: values.user, passwordFile: values["password-file"] }),
    index: values.index,
    isAsked: !exclusive("no-check", values["no-check"], { index: values.index !== undefined }),
    jobs: jobsOf(values.jobs),
    isDryRun: values["dry-run"],
    telling: exclusive("quiet", values.quiet, { verbose: values.verbose })
      ? "problems"
      : values.verbose
      ? "all"
      : "usual",
  });
}

/** Whether a flag is set, which excludes others. */
function exclusive(name: string, isSet: boolean, others: Record<string, boolean>): boolean {
  const other = Object.keys(others).find((each) => others[each]);
  if (!isSet || other === undefined) return isSet;
  throw new TypeError(`Cannot push: "--${name}" and "--${other}" exclude each other`);
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (/^\d{1,2}$/.test(text) && jobs >= 1 && jobs <= 32) return jobs;
  throw new RangeError(`Cannot push with "${text}" jobs: it is no number from 1 to 32`);
}
