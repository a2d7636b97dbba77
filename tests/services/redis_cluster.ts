/** A cluster of three Redis servers on loopback. */

import { setTimeout as sleep } from "node:timers/promises";
import { redis } from "./redis.ts";
import { freePort, type Server } from "./server.ts";
import { connectRedis, type RedisAdmin } from "./redis_admin.ts";

/** A running cluster. */
export interface RedisCluster {
  readonly ports: readonly number[];
  /** A connection to each server. */
  readonly admins: readonly RedisAdmin[];
  stop(): Promise<void>;
}

const ranges = [[0, 5_460], [5_461, 10_922], [10_923, 16_383]] as const;
const attempts = 400;
const pauseMs = 25;

/** Starts one; it serves all slots when this resolves. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const servers: Server[] = [];
  const buses: number[] = [];
  for (let node = 0; node < ranges.length; node++) {
    const bus = await freePort();
    buses.push(bus);
    servers.push(await redis.start(["--cluster-enabled", "yes", "--cluster-port", String(bus)]));
  }
  const admins = await Promise.all(servers.map(({ port }) => connectRedis(port)));
  const [first] = servers;
  for (const [node, admin] of admins.entries()) {
    await admin.call("CLUSTER", "ADDSLOTSRANGE", ...ranges[node]!.map(String));
    if (node === 0) continue;
    await admin.call("CLUSTER", "MEET", "127.0.0.1", String(first!.port), String(buses[0]));
  }
  for (const admin of admins) await isServing(admin);
  return {
    ports: servers.map(({ port }) => port),
    admins,
    async stop() {
      for (const admin of admins) admin.close();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function isServing(admin: RedisAdmin): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const info = String(await admin.call("CLUSTER", "INFO"));
    if (info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3")) return;
    await sleep(pauseMs);
  }
  throw new Error(`The cluster did not come up within ${attempts * pauseMs} ms`);
}
