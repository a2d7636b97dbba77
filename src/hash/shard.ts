/** How shards are told to a ring. */

import { utf8 } from "./key_stage.ts";

/** Where memcached listens unless told otherwise; left out of point names by most clients. */
export const DEFAULT_PORT = 11211;

/** As many shards as 16 bits can number. */
export const MOST_SHARDS = 65_535;

/** One shard of a ring: a host and port, the path of a socket, or any label. */
export interface Shard {
  /**
   * The host, used verbatim: it is neither lower-cased nor resolved, and `::1` is not `[::1]`.
   * With a leading slash, the path of a unix socket.
   */
  readonly host: string;
  /** The port. Default: 11211; of a unix socket, as `unixStyle` says. */
  readonly port?: number;
  /** Its share of the keys, relative to the others: a whole number; 0 counts as 1. Default: 1. */
  readonly weight?: number;
  /** What its points are named after instead of host and port, e.g. a twemproxy server name. */
  readonly name?: string;
}

/** A shard with everything filled in and checked. */
export interface FullShard {
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly name: string | undefined;
}

/** How a unix socket's point names are made; see {@linkcode KetamaOptions.unixStyle}. */
export type UnixStyle = "socket" | "tcp";

/** Fills in and checks shards; errors name the shard. */
export function fullShards(
  shards: readonly (string | Shard)[],
  unixStyle: UnixStyle,
): FullShard[] {
  if (shards.length === 0) throw new RangeError("Cannot make a ring: there are no shards");
  if (shards.length > MOST_SHARDS) {
    const beyond = labelOf(asShard(shards[MOST_SHARDS]!));
    throw new RangeError(`Cannot add shard "${beyond}": a ring holds at most ${MOST_SHARDS}`);
  }
  return shards.map((shard) => fullShard(asShard(shard), unixStyle));
}

/** The label of a shard: its name, or host and port as they were written. */
export function labelOf({ host, port, name }: Shard): string {
  return name ?? (port === undefined ? host : `${host}:${port}`);
}

/** Reads `host`, `host:port`, `[address]:port` or `/path`. */
export function asShard(shard: string | Shard): Shard {
  if (typeof shard !== "string") return shard;
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:/][^:]*))(?::(\d{1,5}))?$/.exec(shard) ??
    [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) return { host: host ?? shard };
  return { host, port: Number(port) };
}

function fullShard(shard: Shard, unixStyle: UnixStyle): FullShard {
  const label = labelOf(shard);
  const { host, port = defaultPort(host, unixStyle), weight = 1, name } = shard;
  if (label === "" || host === "") throw new RangeError(`Cannot add shard "${label}": it is empty`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`Cannot add shard "${label}": ${port} is no port`);
  }
  if (!Number.isInteger(weight) || weight < 0 || weight > 0xffffffff) {
    throw new RangeError(`Cannot add shard "${label}": ${weight} is no weight`);
  }
  return Object.freeze({ label, host, port, weight: weight || 1, name });
}

function defaultPort(host: string, unixStyle: UnixStyle): number {
  return host.startsWith("/") && unixStyle === "socket" ? 0 : DEFAULT_PORT;
}

/** Shards in libmemcached's order of hosts: byte by byte, then by port. */
export function inHostOrder(shards: readonly FullShard[]): FullShard[] {
  return shards.map((shard) => ({ shard, bytes: utf8(shard.host) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes) || a.shard.port - b.shard.port)
    .map(({ shard }) => shard);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
