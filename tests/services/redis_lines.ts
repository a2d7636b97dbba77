/** Every client's line to a Redis, with a link in it that a test can cut, hold up and lead elsewhere. */

import { Redis } from "ioredis";
import { createClient } from "redis";
import type { RedisCommands } from "../../backends/redis.ts";
import { upstashCommands } from "../../backends/redis_http.ts";
import { ioredisCommands } from "../../backends/redis_ioredis.ts";
import { nodeRedisCommands } from "../../backends/redis_node_redis.ts";
import { listen } from "../../src/apps/listen.ts";
import { redisRest } from "../../src/apps/redis_rest.ts";
import { redisServer } from "../../src/apps/redis_socket.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import { TcpLink } from "./tcp_link.ts";

/** A line to a Redis. */
export interface RedisLine {
  readonly commands: RedisCommands;
  /** What the client is connected to. */
  readonly link: TcpLink;
  /** Leads to the Redis at another port of 127.0.0.1 from now on. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** Opens a line to the Redis at a port of 127.0.0.1. */
export type OpenRedisLine = (port: number, clock: Clock) => Promise<RedisLine>;

const at = { hostname: "127.0.0.1", port: 0 };
const retryMs = 5;

async function overIoredis(port: number): Promise<RedisLine> {
  const link = await TcpLink.open(port);
  const client = new Redis(link.port, "127.0.0.1", {
    retryStrategy: () => retryMs,
    maxRetriesPerRequest: 0,
  });
  client.on("error", () => {});
  await client.ping();
  return {
    commands: ioredisCommands(client),
    ...ends(link, link),
    close: async () => {
      client.disconnect();
      await link.close();
    },
  };
}

async function overNodeRedis(port: number): Promise<RedisLine> {
  const link = await TcpLink.open(port);
  const client = createClient({
    socket: { host: "127.0.0.1", port: link.port, reconnectStrategy: () => retryMs },
    disableOfflineQueue: true,
  });
  client.on("error", () => {});
  await client.connect();
  return {
    commands: nodeRedisCommands(client),
    ...ends(link, link),
    close: async () => {
      client.destroy();
      await link.close();
    },
  };
}

async function overHttp(port: number, clock: Clock): Promise<RedisLine> {
  const far = await TcpLink.open(port);
  const origin = redisServer(`redis://127.0.0.1:${far.port}`);
  const front = await listen(redisRest({ redis: origin, token: "t" }), at);
  const near = await TcpLink.open(Number(new URL(front.url).port));
  const url = `http://127.0.0.1:${near.port}`;
  return {
    commands: upstashCommands({ url, token: "t", clock }),
    ...ends(near, far),
    close: async () => {
      await near.close();
      await front.stop();
      origin.close();
      await far.close();
    },
  };
}

function ends(near: TcpLink, far: TcpLink): Pick<RedisLine, "link" | "leadTo"> {
  return {
    link: near,
    leadTo: (port) => {
      far.target = port;
      far.cut();
    },
  };
}

/** The lines by the name of the client. */
export const redisLines: Readonly<Record<string, OpenRedisLine>> = {
  "ioredis": overIoredis,
  "node-redis": overNodeRedis,
  "the HTTP transport": overHttp,
};
