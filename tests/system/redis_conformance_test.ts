/** The contracts over a real Redis, through every client. */

import { after, before, describe, it } from "node:test";
import { deepEqual, equal } from "node:assert/strict";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { redisBackend, type RedisCommands, redisLocks } from "../../backends/redis.ts";
import { ioredisClusterCommands, ioredisCommands } from "../../backends/redis_ioredis.ts";
import { nodeRedisClusterCommands, nodeRedisCommands } from "../../backends/redis_node_redis.ts";
import { upstashCommands, webdisCommands } from "../../backends/redis_http.ts";
import { clusterSlots } from "../../backends/redis/slots.ts";
import { listen, type Listening } from "../../src/apps/listen.ts";
import { redisRest } from "../../src/apps/redis_rest.ts";
import { type RedisServer, redisServer } from "../../src/apps/redis_socket.ts";
import { type AtomicsFixture, atomicsSuite } from "../conformance/atomics_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples } from "../conformance/cases.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { type RedisCluster, startRedisCluster } from "../services/redis_cluster.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import { redisMarginMs, RedisTime, Traffic } from "../services/redis_time.ts";
import { webdis } from "../services/webdis.ts";
import type { ManualClock } from "../testing/manual_clock.ts";

type Fixture = AtomicsFixture<Uint8Array> & LocksFixture<Uint8Array>;

/** A connection of a client, and how to cut it. */
interface Connected {
  readonly commands: RedisCommands;
  close(): void | Promise<void>;
}

const samples = { samples: byteSamples };
const at = { hostname: "127.0.0.1", port: 0 };
const token = "a secret";

/** The network between a client and a server, which can be cut. */
class Line {
  #isCut = false;

  readonly fetch = (address: string, request: RequestInit): Promise<Response> => {
    const isCut = this.#isCut;
    return isCut ? Promise.reject(new TypeError("network unreachable")) : fetch(address, request);
  };

  cut(): void {
    this.#isCut = true;
  }
}

/** Registers the three suites for connections that `connect` makes to servers that `admins` clear. */
function suites(
  name: string,
  connect: () => Promise<Connected>,
  admins: () => readonly RedisAdmin[],
): void {
  for (const records of ["deadline", "bare"] as const) {
    const make = async (clock: ManualClock): Promise<Fixture> => {
      await Promise.all(admins().map((admin) => admin.call("FLUSHALL")));
      const [own, other] = [await connect(), await connect()];
      const traffic = new Traffic();
      const time = new RedisTime(clock, admins().map((admin) => admin.call), traffic);
      const commands = traffic.watch(time.frozen(own.commands));
      const options = { records, clock } as const;
      const backend = redisBackend(commands, options);
      const close = async (): Promise<void> => {
        await own.close();
        await other.close();
      };
      return {
        backend,
        atomics: backend,
        locks: redisLocks(commands, options),
        others: redisLocks(traffic.watch(time.frozen(other.commands)), options),
        time,
        marginMs: redisMarginMs,
        trips: () => traffic.trips,
        breakStore: close,
        close,
      };
    };
    const title = records === "deadline" ? `redis by ${name}` : `redis by ${name}, bare records`;
    backendSuite(title, make, samples);
    atomicsSuite(title, make, samples);
    locksSuite(title, make, samples);
  }
}

describe("one server", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
  });
  after(async () => {
    admin.close();
    await server.stop();
  });

  suites("ioredis", async () => {
    const client = new Redis(server.port, "127.0.0.1", { lazyConnect: true });
    await client.connect();
    return { commands: ioredisCommands(client), close: () => client.disconnect() };
  }, () => [admin]);

  describe("through the REST front", () => {
    let front: Listening;
    let origin: RedisServer;
    before(async () => {
      origin = redisServer(`redis://127.0.0.1:${server.port}`);
      front = await listen(redisRest({ redis: origin, token }), at);
    });
    after(async () => {
      await front.stop();
      origin.close();
    });

    suites("upstash", async () => {
      const line = new Line();
      const options = { url: front.url, token, fetch: line.fetch };
      return { commands: upstashCommands(options), close: () => line.cut() };
    }, () => [admin]);
  });

  describe("through Webdis", { skip: webdis.missing }, () => {
    let front: Server;
    before(async () => void (front = await webdis.start([String(server.port)])));
    after(() => front.stop());

    suites("webdis", async () => {
      const line = new Line();
      const options = { url: `http://127.0.0.1:${front.port}`, fetch: line.fetch };
      return { commands: webdisCommands(options), close: () => line.cut() };
    }, () => [admin]);
  });

  suites("node-redis", async () => {
    const client = createClient({ socket: { host: "127.0.0.1", port: server.port } });
    client.on("error", () => {});
    await client.connect();
    const close = (): void => {
      if (client.isOpen) client.destroy();
    };
    return { commands: nodeRedisCommands(client), close };
  }, () => [admin]);
});

describe("a cluster of three", { skip: redis.missing }, () => {
  let cluster: RedisCluster;
  before(async () => void (cluster = await startRedisCluster()));
  after(() => cluster.stop());

  suites("ioredis, cluster", async () => {
    const nodes = cluster.ports.map((port) => ({ host: "127.0.0.1", port }));
    const client = new Cluster(nodes, {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: () => null,
    });
    client.on("error", () => {});
    await client.connect();
    return { commands: ioredisClusterCommands(client), close: () => client.disconnect() };
  }, () => cluster.admins);

  suites("node-redis, cluster", async () => {
    const rootNodes = cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }));
    const client = createCluster({ rootNodes });
    client.on("error", () => {});
    await client.connect();
    const close = (): void => {
      if (client.isOpen) client.destroy();
    };
    return { commands: nodeRedisClusterCommands(client), close };
  }, () => cluster.admins);

  it("finds the slot of every key as the servers do", async () => {
    const [admin] = cluster.admins;
    const keys = [
      "",
      "foo",
      "{user}:1",
      "a{}b{c}",
      "a}b{",
      "{}",
      "{{x}}",
      "ключ",
      "{",
      "x{y",
      "\u0000",
    ];
    for (const key of keys) {
      equal(clusterSlots.slotOf(key), await admin!.call("CLUSTER", "KEYSLOT", key), key);
      for (
        const name of [
          clusterSlots.nameBeside(key, "_lock"),
          `{${clusterSlots.tagIn(clusterSlots.slotOf(key))}}`,
        ]
      ) {
        equal(clusterSlots.slotOf(name), clusterSlots.slotOf(key), name);
        equal(await admin!.call("CLUSTER", "KEYSLOT", name), clusterSlots.slotOf(key), name);
      }
    }
  });

  it("has a tag for every slot, and another lock for every key", () => {
    const slots = Array.from(
      { length: 16_384 },
      (_, slot) => clusterSlots.slotOf(clusterSlots.tagIn(slot)),
    );
    deepEqual(slots, slots.map((_, slot) => slot));
    const keys = ["", "foo", "{foo}", "foo}", "{foo", "{}foo", "0", "{0}", "a}b", "{foo}_lock"];
    equal(new Set(keys.map((key) => clusterSlots.nameBeside(key, "_lock"))).size, keys.length);
  });
});
