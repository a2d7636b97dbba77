/** A plain connection to one Redis server, for looking behind the stores under test. */

import { Buffer } from "node:buffer";
import { Redis } from "ioredis";

/** A connection. */
export interface RedisAdmin {
  /** Sends a command; texts of the reply come as text. */
  call(...command: string[]): Promise<unknown>;
  /** As {@linkcode call}, with bytes. */
  callBytes(...command: (string | Uint8Array)[]): Promise<unknown>;
  /** Hands every command that the server does to `tell`, without those of scripts; resolves to an end. */
  monitor(tell: (command: readonly string[]) => void): Promise<() => void>;
  /** Ends it. */
  close(): void;
}

/** Connects to the server at a port of 127.0.0.1. */
export async function connectRedis(port: number): Promise<RedisAdmin> {
  const client = new Redis(port, "127.0.0.1", { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  await client.connect();
  return {
    call: (name = "", ...args) => client.call(name, args),
    callBytes: (name = "", ...args) =>
      client.callBuffer(String(name), args.map((arg) => Buffer.from(arg as Uint8Array))),
    async monitor(tell) {
      const watching = await client.monitor();
      watching.on("monitor", (_time: string, command: string[], source: string) => {
        if (source !== "lua") tell(command);
      });
      return () => watching.disconnect();
    },
    close: () => client.disconnect(),
  };
}
