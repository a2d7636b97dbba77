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
 * import { memcachedServer, nodeSocket } from "@cairn/cache/memcached";
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

/** What may lie unread before the server is held up. */
const mostUnread = 1 << 20;

class NodeSocket implements MemcachedSocket {
  readonly #socket: Socket;
  readonly #pieces: Uint8Array[] = [];
  #unread = 0;
  #isOver = false;
  #error: unknown;
  #wake: () => void = () => {};
  #drained: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    // Many small packets that wait for each other cost 40 ms each (Nagle and delayed ACKs).
    socket.setNoDelay(true);
    socket.on("data", (piece) => this.#take(piece as Uint8Array));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) => this.#end(error));
    socket.on("end", () => this.#end(undefined));
    socket.on("close", () => this.#end(undefined));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) throw this.#error ?? new Error("the connection has ended");
    if (this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => this.#drained = resolve);
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#pieces.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const piece = this.#pieces.shift();
    if (!piece && this.#error) throw this.#error;
    this.#unread -= piece?.length ?? 0;
    if (this.#socket.isPaused() && this.#unread === 0) this.#socket.resume();
    return piece;
  }

  close(): void {
    this.#socket.destroy();
    this.#end(undefined);
  }

  #take(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#unread += piece.length;
    if (this.#unread > mostUnread) this.#socket.pause();
    this.#wake();
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

function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      act();
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onAbort = (): void => {
      socket.destroy();
      settle(() => reject(signal.reason));
    };
    socket.once("error", onError);
    socket.once(event, () => settle(resolve));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
