/** The command line of `cairn serve`. */

import { parseArgs } from "node:util";
import type { Action } from "../wheels/http/access.ts";
import type { FallbackOptions } from "../wheels/http/fallback.ts";
import type { UpstreamOptions } from "../wheels/upstream/upstream.ts";
import { cooldownMsOf } from "./cooldown_days.ts";
import { openActionsOf } from "./open_actions.ts";

/** What `cairn serve` was asked for. */
export interface ServeOptions {
  /** The folder with the wheels; made if it is not there. Default `wheels`. */
  readonly directory: string;
  /** The interface to listen on. Default `127.0.0.1`. */
  readonly host: string;
  /** The port; 0 takes a free one. Default 8000. */
  readonly port: number;
  /** Who may do what. */
  readonly access: AccessSettings;
  /** The simple index that projects we do not have are read through from. Default: none. */
  readonly upstream: UpstreamOptions | undefined;
  /** What is said of the house itself. */
  readonly house: HouseSettings;
  /** Whether a reverse proxy stands in front, which tells clients' addresses. */
  readonly isProxied: boolean;
  /** Whether nothing but warnings and errors is logged. */
  readonly isQuiet: boolean;
}

/** What is said of the house itself. */
export interface HouseSettings {
  /** A file of rules for projects and files. Default: none. */
  readonly rulesFile: string | undefined;
  /** The address under which clients reach it, where it is known. */
  readonly publicUrl: string | undefined;
}

/** Who may do what, and where visitors are sent for what is not there. */
export interface AccessSettings {
  /** An htpasswd file. Default: none, and then nobody uploads. */
  readonly usersFile: string | undefined;
  /** A file of tokens. Default: none. */
  readonly tokensFile: string | undefined;
  /** A file of rights by project. Default: none. */
  readonly rightsFile: string | undefined;
  /** What needs no user. Default: `list` and `download`, or as the rights have it. */
  readonly open: readonly Action[] | undefined;
  /** The simple index that visitors are sent to for other projects. Default: none. */
  readonly fallback: FallbackOptions | undefined;
}

/** How `cairn serve` is used. */
export const SERVE_USAGE = `Usage: cairn serve [DIR] [options]

Serves the wheels and source distributions in DIR (default: wheels) to pip, uv
and twine. The index is kept in DIR/.cairn.

  -H, --host HOST            the interface to listen on      (default 127.0.0.1)
  -p, --port PORT            the port; 0 takes a free one    (default 8000)
  -u, --users FILE           htpasswd file of those who may upload
      --tokens FILE          tokens for programs, as JSON, with what each is good for
      --open ACTIONS         what needs no user: a comma-separated list of
                             list, download, update, or none (default list,download)
      --access FILE          rights by project, as JSON, instead of --open; with
                             them come PyPICloud's routes
      --rules FILE           what nobody gets, closed projects and limits, as JSON
      --public-url URL       the https address under which clients reach it, for
                             addresses that must be whole (provenance)
      --proxied              a reverse proxy in front tells where clients come from
                             (X-Forwarded-For), by which guesses of passwords are
                             counted, and to which address (-Host, -Proto, -Prefix)
      --upstream URL         simple index to read other projects through from
      --upstream-files HOST  a host its files may come from  (repeatable)
      --upstream-mb MB       how much of its files is kept   (default: all of them)
      --pin NAME             a project of it whose files stay, or acme-*
                                                             (repeatable)
      --fallback URL         simple index to send clients to for other projects
      --reserve NAME         a name of yours that neither is asked for, or acme-*
                             for all that begin so           (repeatable)
      --cooldown DAYS        how old its files must be       (default 0)
      --cooldown-exempt NAME a project of any age            (repeatable)
  -q, --quiet                log only what went wrong
  -h, --help                 show this`;

/**
 * Reads the arguments after `cairn serve`; `undefined` asks for help. Throws a `TypeError` or
 * `RangeError` that names what is wrong.
 */
export function parseServeOptions(args: readonly string[]): ServeOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      host: { type: "string", short: "H", default: "127.0.0.1" },
      port: { type: "string", short: "p", default: "8000" },
      users: { type: "string", short: "u" },
      tokens: { type: "string" },
      open: { type: "string" },
      access: { type: "string" },
      rules: { type: "string" },
      "public-url": { type: "string" },
      upstream: { type: "string" },
      fallback: { type: "string" },
      "upstream-files": { type: "string", multiple: true, default: [] },
      "upstream-mb": { type: "string" },
      pin: { type: "string", multiple: true, default: [] },
      reserve: { type: "string", multiple: true, default: [] },
      cooldown: { type: "string" },
      "cooldown-exempt": { type: "string", multiple: true, default: [] },
      proxied: { type: "boolean", default: false },
      quiet: { type: "boolean", short: "q", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  if (positionals.length > 1) {
    throw new TypeError(`Cannot serve ${positionals.length} folders: give one`);
  }
  return Object.freeze({
    directory: positionals[0] ?? "wheels",
    host: values.host,
    port: portOf(values.port),
    access: accessOf(values),
    upstream: upstreamOf(values),
    house: Object.freeze({ rulesFile: values.rules, publicUrl: values["public-url"] }),
    isProxied: values.proxied,
    isQuiet: values.quiet,
  });
}

/** The options that say who may do what. */
interface AccessValues extends Pick<UpstreamValues, "upstream" | "reserve"> {
  readonly users?: string | undefined;
  readonly tokens?: string | undefined;
  readonly open?: string | undefined;
  readonly access?: string | undefined;
  readonly fallback?: string | undefined;
}

function accessOf({ users, tokens, open, access, ...values }: AccessValues): AccessSettings {
  if (access !== undefined && (open !== undefined || users === undefined)) {
    throw new TypeError(
      'Cannot use "--access": it needs "--users", and takes the place of "--open"',
    );
  }
  const { fallback: url, upstream, reserve: reserved } = values;
  if (url !== undefined && upstream !== undefined) {
    throw new TypeError('Cannot use "--fallback": with "--upstream" nobody is sent elsewhere');
  }
  return Object.freeze({
    usersFile: users,
    tokensFile: tokens,
    rightsFile: access,
    open: open === undefined ? undefined : openActionsOf(open),
    fallback: url === undefined ? undefined : Object.freeze({ url, reserved: [...reserved] }),
  });
}

/** The options that only mean something with an upstream, or, as one does, with a fallback. */
interface UpstreamValues {
  readonly upstream?: string | undefined;
  readonly fallback?: string | undefined;
  readonly "upstream-files": readonly string[];
  readonly "upstream-mb"?: string | undefined;
  readonly pin: readonly string[];
  readonly reserve: readonly string[];
  readonly cooldown?: string | undefined;
  readonly "cooldown-exempt": readonly string[];
}

const UPSTREAM_OPTIONS = [
  "upstream-files",
  "upstream-mb",
  "pin",
  "reserve",
  "cooldown",
  "cooldown-exempt",
] as const;

function upstreamOf({ upstream: url, ...values }: UpstreamValues): UpstreamOptions | undefined {
  if (url === undefined) {
    const isVain = (name: (typeof UPSTREAM_OPTIONS)[number]): boolean =>
      (values[name]?.length ?? 0) > 0 && !(name === "reserve" && values.fallback !== undefined);
    const vain = UPSTREAM_OPTIONS.find(isVain);
    if (vain === undefined) return undefined;
    throw new TypeError(`Cannot use "--${vain}": it needs "--upstream"`);
  }
  return Object.freeze({
    url,
    fileHosts: Object.freeze([...values["upstream-files"]]),
    maxHeldBytes: bytesOf(values["upstream-mb"]),
    pinned: Object.freeze([...values.pin]),
    reserved: Object.freeze([...values.reserve]),
    cooldownMs: cooldownMsOf(values.cooldown ?? "0"),
    exempt: Object.freeze([...values["cooldown-exempt"]]),
  });
}

function bytesOf(megabytes: string | undefined): number {
  if (megabytes === undefined) return Infinity;
  if (/^\d{1,9}$/.test(megabytes) && Number(megabytes) > 0) return Number(megabytes) * 1_000_000;
  throw new RangeError(`Cannot keep "${megabytes}": it is no number of megabytes`);
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new RangeError(`Cannot listen on port "${text}": it is no number from 0 to 65535`);
}
