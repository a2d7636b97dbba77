/** Serving a fetch handler on a port, on Deno and on Node. */

import { type Http2Bindings, type HttpBindings, serve } from "@hono/node-server";
import process from "node:process";
import { reasonOf } from "../wheels/log.ts";

/**
 * Answers requests, which come from an address where that is known; what every app of cairn comes down
 * to.
 */
export type Handler = (
  request: Request,
  address: string | undefined,
) => Response | Promise<Response>;

/** Where to listen. */
export interface Address {
  /** The interface, e.g. `127.0.0.1`. */
  readonly hostname: string;
  /** The port; 0 takes a free one. */
  readonly port: number;
}

/** A server at work. */
export interface Listening {
  /** Its address, with the port it really has, e.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Takes no new connection and resolves when the running responses have ended. */
  stop(): Promise<void>;
}

/** Serves `handler`. Rejects, naming the address, when it cannot be had. */
export async function listen(handler: Handler, at: Address): Promise<Listening> {
  try {
    return await ("Deno" in globalThis ? listenOnDeno(handler, at) : listenOnNode(handler, at));
  } catch (cause) {
    const address = urlOf(at.hostname, at.port);
    throw new Error(`Cannot listen on ${address}: ${reasonOf(cause)}`, { cause });
  }
}

function listenOnDeno(handler: Handler, at: Address): Listening {
  const server = Deno.serve(
    { ...at, onListen: () => {} },
    (request, { remoteAddr }) => handler(request, remoteAddr.hostname),
  );
  return { url: urlOf(at.hostname, server.addr.port), stop: () => server.shutdown() };
}

function listenOnNode(handler: Handler, at: Address): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: withReason(handler), ...at }, (info) => {
      server.off("error", reject);
      resolve({ url: urlOf(at.hostname, info.port), stop });
    });
    server.once("error", reject);
    function stop(): Promise<void> {
      return new Promise((done) => {
        server.close(() => done());
        if ("closeIdleConnections" in server) server.closeIdleConnections();
      });
    }
  });
}

/** Sends reason phrases, which are all that some upload clients show of a refusal. */
function withReason(handler: Handler) {
  return async (request: Request, { incoming, outgoing }: HttpBindings | Http2Bindings) => {
    const response = await handler(request, incoming.socket.remoteAddress);
    if (response.status >= 400) Object.assign(outgoing, { statusMessage: response.statusText });
    return response;
  };
}

function urlOf(hostname: string, port: number): string {
  return `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Calls `stop` once when the process is asked to end, then ends it. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, async () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      await stop();
      process.exit(0);
    });
  }
}
