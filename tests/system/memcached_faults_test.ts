/** Faults between cairn and a real memcached: killed, cut off, held up, full, taken from the ring. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import process from "node:process";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { memcachedBackend, memcachedLocks } from "../../backends/memcached.ts";
import {
  type ConnectMemcached,
  type MemcachedServer,
  memcachedServer,
  type MemcachedServerOptions,
  type MemcachedSocket,
  nodeSocket,
} from "../../backends/memcached_client.ts";
import { memcachedLockKeys } from "../../backends/memcached_lock_keys.ts";
import { autoEject } from "../../src/compose/auto_eject.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { sharded } from "../../src/compose/sharded.ts";
import { shardedLocks } from "../../src/compose/sharded_locks.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { Lease } from "../../src/contracts/locks.ts";
import { ketama } from "../../src/hash/hashing.ts";
import { makeRegion } from "../../src/region/region.ts";
import { memcached } from "../services/memcached.ts";
import { flush, patient } from "../services/memcached_fixture.ts";
import type { Server } from "../services/server.ts";
import { TcpLink } from "../services/tcp_link.ts";
import { ManualClock, settled } from "../testing/manual_clock.ts";
import { until } from "../testing/until.ts";

const leaseMs = 1_000;
/** For servers that answer slowly, where that is not what is tried. */
const patience = { timeoutMs: 60_000, acquireMs: 60_000 };
const once = { leaseMs, waitMs: 0, enough: (): boolean => false };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const write = (key: string, text: string) => ({ key, value: bytes(text), expiresAt: NEVER });

describe("memcached that fails", { skip: memcached.missing }, () => {
  let running: Server;
  let link: TcpLink;
  const opened: MemcachedServer[] = [];
  const sockets: Set<MemcachedSocket> = new Set();
  before(async () => void (running = await memcached.start()));
  after(() => running.stop());
  beforeEach(async () => {
    await flush(running.port);
    link = await TcpLink.open(running.port);
  });
  afterEach(async () => {
    for (const server of opened.splice(0)) server.close();
    await link.close();
  });

  const connect: ConnectMemcached = async (address, signal) => {
    const socket = await nodeSocket()(address, signal);
    const close = (): void => {
      sockets.delete(noted);
      socket.close();
    };
    const noted = {
      read: () => socket.read(),
      write: (bytes: Uint8Array) => socket.write(bytes),
      close,
    };
    sockets.add(noted);
    return noted;
  };
  /** Resolves when the client knows that all its connections are lost. */
  const noticed = (): Promise<void> => until("all are lost", () => sockets.size === 0);
  const reach = (options: Partial<MemcachedServerOptions> = {}): MemcachedServer => {
    const server = memcachedServer(`127.0.0.1:${link.port}`, { connect, ...patient, ...options });
    opened.push(server);
    return server;
  };

  describe("a reply that is cut off", () => {
    const large = bytes("v".repeat(40));
    const replyBytes = 90;

    it("is an error at every byte and never a value, and the next one is right", async () => {
      const backend = memcachedBackend(reach());
      await backend.set([{ key: "key", value: large, expiresAt: NEVER }]);
      for (let afterBytes = 0; afterBytes < replyBytes; afterBytes++) {
        link.fault = { kind: "cut", afterBytes };
        const answer = await backend.get(["key"]).catch((error) => error);
        if (!(answer instanceof BackendError)) {
          // All of the reply came through before the cut.
          deepEqual(answer, [large]);
          ok(afterBytes > large.length);
        }
        await noticed();
        link.fault = { kind: "none" };
        deepEqual(await backend.get(["key"]), [large], `after ${afterBytes} bytes`);
      }
    });

    for (const [kind, make] of [["locks", memcachedLocks], ["keys", memcachedLockKeys]] as const) {
      it(`leaves no lease that outlives its time, whichever of its bytes is the last (${kind})`, async () => {
        const clock = new ManualClock();
        const locks = make(reach(), { clock });
        for (let afterBytes = 0; afterBytes < 40; afterBytes++) {
          const key = `key-${afterBytes}`;
          link.fault = { kind: "cut", afterBytes };
          const outcome = await locks.acquire(key, once).catch((error) => error);
          await noticed();
          link.fault = { kind: "none" };
          ok(outcome instanceof BackendError || outcome.lease);
          await clock.advance(leaseMs + 1);
          ok((await locks.acquire(key, once)).lease, `after ${afterBytes} bytes`);
        }
      });

      it(`of a commit stores the value or leaves it, and nothing in between (${kind})`, async () => {
        const clock = new ManualClock();
        const server = reach();
        const backend = memcachedBackend(server, { clock, bare: make === memcachedLockKeys });
        const locks = make(server, { clock });
        for (let afterBytes = 0; afterBytes < 20; afterBytes++) {
          const key = `key-${afterBytes}`;
          const { lease } = await locks.acquire(key, once);
          link.fault = { kind: "cut", afterBytes };
          const outcome = await lease!.commit(write(key, "made")).catch((error) => error);
          await noticed();
          link.fault = { kind: "none" };
          ok(outcome instanceof BackendError || outcome === true);
          const [value] = await backend.get([key]);
          ok(value === undefined || String(value) === String(bytes("made")));
          await clock.advance(leaseMs + 1);
          const next = await locks.acquire(key, once);
          ok(next.lease);
          deepEqual(next.value, value);
          equal(await next.lease.commit(write(key, "made again")), true);
          equal(await lease!.commit(write(key, "too late")), false);
          deepEqual(await backend.get([key]), [bytes("made again")]);
        }
      });
    }
  });

  it("whose reply is late holds nobody up beyond the deadline, and never gives it to another", async () => {
    const clock = new ManualClock();
    const backend = memcachedBackend(reach({ clock, timeoutMs: 250, connections: 1 }));
    await backend.set([write("one", "first"), write("other", "second")]);
    link.fault = { kind: "hold" };
    const late = rejects(backend.get(["one"]), /no reply within 250 ms/);
    await settled();
    await clock.advance(250);
    await late;
    link.fault = { kind: "none" };
    deepEqual(await backend.get(["other"]), [bytes("second")]);
    deepEqual(await backend.get(["one"]), [bytes("first")]);
  });

  it("whose reply trickles in byte by byte is read all the same", async () => {
    const backend = memcachedBackend(reach());
    await backend.set([write("a", "one"), write("b", "two\r\nMN\r\n")]);
    link.fault = { kind: "trickle" };
    deepEqual(await backend.get(["b", "none", "a"]), [
      bytes("two\r\nMN\r\n"),
      undefined,
      bytes("one"),
    ]);
  });

  it("many callers share few connections, and dead ones are opened again", async () => {
    const backend = memcachedBackend(reach({ connections: 3, ...patience }));
    const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
    equal(link.connections, 0);
    await Promise.all(keys.map((key) => backend.set([write(key, key)])));
    const opened = link.connections;
    ok(opened >= 1 && opened <= 3, `${opened} connections`);
    link.cut();
    await noticed();
    const found = await Promise.all(keys.map((key) => backend.get([key])));
    deepEqual(found, keys.map((key) => [bytes(key)]));
    ok(link.connections > opened && link.connections <= opened + 3);
  });

  it("cut off at any byte with many callers on it, gives each their own value or an error by name", async () => {
    const backend = memcachedBackend(reach({ connections: 1, ...patience }));
    const keys = Array.from({ length: 6 }, (_, index) => `key-${index}`);
    await backend.set(keys.map((key) => write(key, `value of ${key}`)));
    let values = 0;
    // Until all replies come through before the cut.
    for (let afterBytes = 0; values < keys.length; afterBytes++) {
      ok(afterBytes < 1_000);
      link.fault = { kind: "cut", afterBytes };
      const asked = keys.map((key) => backend.get([key]));
      const outcomes = await Promise.allSettled(asked);
      values = 0;
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === "fulfilled") {
          deepEqual(outcome.value, [bytes(`value of ${keys[index]}`)]);
          equal(values++, index, "whoever asked first has the first reply");
        } else match(outcome.reason.message, /^Cannot get on memcached 127\.0\.0\.1:\d+: /);
      }
      await noticed();
      link.fault = { kind: "none" };
    }
    deepEqual(await backend.get(keys), keys.map((key) => bytes(`value of ${key}`)));
  });

  it("whose one reply is late fails everybody behind it by name, and gives nobody another's value", async () => {
    const clock = new ManualClock();
    const backend = memcachedBackend(reach({ clock, timeoutMs: 250, connections: 1 }));
    const keys = Array.from({ length: 6 }, (_, index) => `key-${index}`);
    await backend.set(keys.map((key) => write(key, `value of ${key}`)));
    link.fault = { kind: "hold" };
    const late = keys.map((key) => {
      return rejects(
        backend.get([key]),
        /^BackendError: Cannot get on .*: no reply within 250 ms$/,
      );
    });
    await settled();
    await clock.advance(250);
    await Promise.all(late);
    link.fault = { kind: "none" };
    const again = await Promise.all(keys.toReversed().map((key) => backend.get([key])));
    deepEqual(again.flat(), keys.toReversed().map((key) => bytes(`value of ${key}`)));
  });

  it("refuses a value it cannot hold, by name, and serves on", async () => {
    const backend = memcachedBackend(reach({ connections: 1 }), { itemBytes: 4 << 20 });
    const value = new Uint8Array(2 << 20);
    await rejects(
      () => backend.set([write("small", "fits"), { key: "large", value, expiresAt: NEVER }]),
      /Cannot set on memcached .*: the server refuses: SERVER_ERROR object too large for cache/,
    );
    deepEqual(await backend.get(["small", "large"]), [bytes("fits"), undefined]);
    equal(link.connections, 1);
  });

  describe("killed and started anew during a creation", () => {
    let first: Server;
    let second: Server | undefined;
    beforeEach(async () => {
      first = await memcached.start();
      link.target = first.port;
    });
    afterEach(async () => {
      await first.stop();
      await second?.stop();
      second = undefined;
    });

    const restart = async (): Promise<void> => {
      process.kill(first.pid, "SIGKILL");
      second = await memcached.start();
      link.target = second.port;
      await noticed();
    };

    for (const [kind, make] of [["locks", memcachedLocks], ["keys", memcachedLockKeys]] as const) {
      it(`DX-06: refuses the creator from before, also where its cas is another's now (${kind})`, async () => {
        const server = reach();
        const backend = memcachedBackend(server, { bare: make === memcachedLockKeys });
        const locks = make(server);
        const patient = { ...once, leaseMs: 60_000 };
        const old = (await locks.acquire("key", patient)).lease!;
        await restart();
        const successor = (await locks.acquire("key", patient)).lease!;
        equal(successor.fence, old.fence, "the server counts from 1 again");
        equal(await old.commit(write("key", "old")), false);
        equal(await old.renew(60_000), false);
        await old.release();
        deepEqual(await backend.get(["key"]), [undefined]);
        equal(await successor.commit(write("key", "new")), true);
        deepEqual(await backend.get(["key"]), [bytes("new")]);
      });

      it(`lets a creator go on whose connection alone was lost (${kind})`, async () => {
        const server = reach();
        const backend = memcachedBackend(server, { bare: make === memcachedLockKeys });
        const { lease } = await make(server).acquire("key", { ...once, leaseMs: 60_000 });
        link.cut();
        await noticed();
        equal(await lease!.renew(60_000), true);
        link.cut();
        await noticed();
        equal(await lease!.commit(write("key", "made")), true);
        deepEqual(await backend.get(["key"]), [bytes("made")]);
      });
    }

    it("takes no lock of another's by what it read before", async () => {
      const server = reach();
      const [backend, locks] = [memcachedBackend(server), memcachedLocks(server)];
      await backend.set([write("key", "old")]);
      deepEqual(await backend.get(["key"]), [bytes("old")]);
      await restart();
      const { lease } = await memcachedLocks(reach()).acquire("key", once);
      equal(lease!.fence, 1, "the server counts from 1 again: it is the cas that was read");
      equal((await locks.acquire("key", once)).lease, undefined);
    });

    it("gives the caller of a region its value, and the next creation is not held up", async () => {
      const server = reach();
      const region = makeRegion({
        backend: serialized(json, memcachedBackend(server)),
        locks: serializedLocks(json, memcachedLocks(server)),
        softTtlMs: NEVER,
      });
      let created = 0;
      const create = async (): Promise<number> => {
        if (++created === 1) await restart();
        return created;
      };
      equal(await region.getOrCreate("key", create), 1);
      const second = await region.getOrCreate("key", create);
      equal(await region.getOrCreate("key", create), second);
      ok(created <= 2);
    });

    it("is an error while it is down, for entries and locks, and serves when it is back", async () => {
      const server = reach();
      const [backend, locks] = [memcachedBackend(server), memcachedLocks(server)];
      await backend.set([write("key", "value")]);
      process.kill(first.pid, "SIGKILL");
      await noticed();
      await rejects(() => backend.get(["key"]), BackendError);
      await rejects(() => locks.acquire("key", { ...once, waitMs: 60_000 }), BackendError);
      second = await memcached.start();
      link.target = second.port;
      deepEqual(await backend.get(["key"]), [undefined]);
    });
  });

  describe("as one of several", () => {
    it("loses its keys to the others after two failures, and has them back in time", async () => {
      const other = await memcached.start();
      const clock = new ManualClock();
      const ring = ketama({ shards: [`127.0.0.1:${link.port}`, `127.0.0.1:${other.port}`] });
      const servers = ring.labels.map((label) => memcachedServer(label, { connect: nodeSocket() }));
      opened.push(...servers);
      const ejecting = autoEject(ring, { failures: 2, retryMs: 30_000, clock });
      const store = sharded(ring, servers.map((server) => memcachedBackend(server)), {
        autoEject: ejecting,
      });
      const locks = shardedLocks(ring, servers.map((server) => memcachedLocks(server)), {
        autoEject: ejecting,
      });
      const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
      const moved = keys.filter((key) => ring.indexOf(key) === 0);
      const key = moved[0]!;
      await store.set(keys.map((key) => write(key, key)));
      const { port, target } = link;
      await link.close();
      await rejects(() => store.get([key]), BackendError);
      await rejects(() => locks.acquire(key, once), BackendError);
      const found = await store.get(keys);
      deepEqual(found, keys.map((key) => moved.includes(key) ? undefined : bytes(key)));
      const lease: Lease<Uint8Array> = (await locks.acquire(key, once)).lease!;
      equal(await lease.commit(write(key, "elsewhere")), true);
      deepEqual(await store.get([key]), [bytes("elsewhere")]);
      link = await TcpLink.open(target, port);
      await clock.advance(30_000);
      deepEqual(await store.get(keys), keys.map(bytes));
      await other.stop();
    });
  });
});
