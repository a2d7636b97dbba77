/** A cluster of three Redis servers on loopback. */

import { redis } from "./redis.ts";
import { freePort, type Server } from "./server.ts";
import { connectRedis, type RedisAdmin } from "./redis_admin.ts";
import { until } from "../testing/until.ts";

/** A running cluster. */
export interface RedisCluster {
  readonly ports: readonly number[];
  /** A connection to each server. */
  readonly admins: readonly RedisAdmin[];
  stop(): Promise<void>;
}

const ranges = [[0, 5_460], [5_461, 10_922], [10_923, 16_383]] as const;

/** Starts one; it serves all slots when this resolves. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const servers: Server[] = [];
  const buses: number[] = [];
  for (let node = 0; node < ranges.length; node++) {
    const { server, bus } = await startNode();
    servers.push(server);
    buses.push(bus);
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

/** The port of the bus may be taken before Redis takes it, too, so that each attempt has another one. */
async function startNode(): Promise<{ server: Server; bus: number }> {
  const attempts = 3;
  for (let attempt = 1;; attempt++) {
    const bus = await freePort();
    try {
      const args = ["--cluster-enabled", "yes", "--cluster-port", String(bus)];
      return { server: await redis.start(args), bus };
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}

function isServing(admin: RedisAdmin): Promise<void> {
  return until("the cluster has come up", async () => {
    const info = String(await admin.call("CLUSTER", "INFO"));
    return info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3");
  });
}
