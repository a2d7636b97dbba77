/** Where a memcached server is. */

import type { MemcachedSocket } from "./connection.ts";

/** A server's address: a host, or the path of a unix socket. */
export interface MemcachedAddress {
  /** A name or a number, IPv6 without brackets; or a path that begins with a slash. */
  readonly host: string;
  /** The port; a unix socket has none, and 0 here. */
  readonly port: number;
}

/** Opens a socket to a server; `signal` is aborted when it takes too long. */
export type ConnectMemcached = (
  address: MemcachedAddress,
  signal: AbortSignal,
) => Promise<MemcachedSocket>;

const defaultPort = 11_211;

/**
 * Reads `host`, `host:port`, `[ipv6]:port` or `/path/to/socket`; the port is 11211 unless given.
 * Anything else is a `RangeError`.
 */
export function memcachedAddress(text: string): MemcachedAddress {
  if (text.startsWith("/")) return Object.freeze({ host: text, port: 0 });
  const [, bracketed, plain, digits] = /^(?:\[([\da-f:.%]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/i
    .exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host !== undefined && port > 0 && port < 65_536) return Object.freeze({ host, port });
  throw new RangeError(`Cannot find a memcached server: "${text}" is no address`);
}

/** The label by which libmemcached's rings know a server. */
export function labelOf({ host, port }: MemcachedAddress): string {
  if (host.startsWith("/")) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
