/** Sockets of `node:net` and `node:tls`, on Deno, Node, Bun and, with `nodejs_compat`, Workers. */

import { connect, type Socket } from "node:net";
import { connect as connectSecurely, type ConnectionOptions } from "node:tls";
import type { ConnectMemcached, MemcachedAddress } from "./address.ts";
import type { MemcachedSocket } from "./connection.ts";

/** How to connect. */
export interface NodeSocketOptions {
  /** Speaks TLS: `true`, or what `node:tls` takes, e.g. `{ ca }`. Default: `false`. */
  readonly tls?: boolean | ConnectionOptions;
}

/**
 * Makes what opens sockets to a server, over TCP without delay or over a unix socket.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memcachedServer, nodeSocket } from "@cairn/cache/memcached-client";
 *
 * const server = memcachedServer("/run/memcached/memcached.sock", { connect: nodeSocket() });
 * equal(server.label, "/run/memcached/memcached.sock");
 * ```
 */
export function nodeSocket(options: NodeSocketOptions = {}): ConnectMemcached {
  const { tls = false } = options;
  return async (address, signal) => {
    const socket = tls === false
      ? connect(placeOf(address))
      : connectSecurely({ ...placeOf(address), ...nameOf(address), ...tls === true ? {} : tls });
    await opened(socket, tls === false ? "connect" : "secureConnect", signal);
    return new NodeSocket(socket);
  };
}

class NodeSocket implements MemcachedSocket {
  readonly #socket: Socket;
  /** What nobody has read yet: no more than arrives in one turn, for whoever has a socket reads on. */
  readonly #pieces: Uint8Array[] = [];
  #isOver = false;
  #error: unknown;
  #wake: () => void = () => {};
  #drained: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    // Many small packets that wait for each other cost 40 ms each (Nagle and delayed ACKs).
    socket.setNoDelay(true);
    socket.on("data", (piece) => {
      this.#pieces.push(piece as Uint8Array);
      this.#wake();
    });
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) => this.#end(error));
    socket.on("end", () => this.#end(undefined));
    socket.on("close", () => this.#end(undefined));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) throw this.#error ?? new Error("the connection has ended");
    if (!this.#socket.write(bytes)) await new Promise<void>((resolve) => this.#drained = resolve);
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#pieces.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const piece = this.#pieces.shift();
    if (!piece && this.#error) throw this.#error;
    return piece;
  }

  close(): void {
    this.#socket.destroy();
    this.#end(undefined);
  }

  #end(error: unknown): void {
    this.#error ??= error;
    this.#isOver = true;
    this.#wake();
    this.#drained();
  }
}

function placeOf(
  { host, port }: MemcachedAddress,
): { path: string } | { host: string; port: number } {
  return host.startsWith("/") ? { path: host } : { host, port };
}

/** The name in the certificate; a number has none (RFC 6066 §3). */
function nameOf({ host }: MemcachedAddress): { servername?: string } {
  return /^[\d.]+$|:|^\//.test(host) ? {} : { servername: host };
}

/** Once it is open, nothing of this has any effect. */
function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    socket.once("error", reject);
    socket.once(event, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
  });
}
