/** The command line of `cairn redis-rest`. */

import { parseArgs } from "node:util";

/** What `cairn redis-rest` was asked for. */
export interface RedisRestCommand {
  /** The server to stand before. Default `redis://127.0.0.1:6379`. */
  readonly redis: string;
  /** The interface to listen on. Default `127.0.0.1`. */
  readonly hostname: string;
  /** The port; 0 takes a free one. Default 8079. */
  readonly port: number;
  /** What clients must name. Default: made up and printed. */
  readonly token: string | undefined;
}

/** How `cairn redis-rest` is used. */
export const REDIS_REST_USAGE = `Usage: cairn redis-rest [URL] [options]

Serves the Redis at URL (default: redis://127.0.0.1:6379) over HTTP, as Upstash
does: single commands, pipelines and transactions.

  -H, --host HOST    the interface to listen on      (default 127.0.0.1)
  -p, --port PORT    the port; 0 takes a free one    (default 8079)
  -t, --token TOKEN  what clients must name          (default: a new one, printed)
  -h, --help         show this`;

/** Reads the arguments after `cairn redis-rest`; `undefined` asks for help. */
export function parseRedisRestOptions(args: readonly string[]): RedisRestCommand | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      host: { type: "string", short: "H", default: "127.0.0.1" },
      port: { type: "string", short: "p", default: "8079" },
      token: { type: "string", short: "t" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  if (positionals.length > 1) {
    throw new TypeError(`Cannot serve ${positionals.length} servers: give one`);
  }
  if (values.token === "") throw new RangeError('Cannot serve Redis: "--token" is empty');
  return Object.freeze({
    redis: positionals[0] ?? "redis://127.0.0.1:6379",
    hostname: values.host,
    port: portOf(values.port),
    token: values.token,
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new RangeError(`Cannot listen on port "${text}": it is no number from 0 to 65535`);
}
