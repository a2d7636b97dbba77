/** The ways to a real memcached: unix sockets, TLS, with a password, a connection for each batch. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { memcachedBackend, memcachedLocks } from "../../backends/memcached.ts";
import {
  type MemcachedServer,
  memcachedServer,
  nodeSocket,
} from "../../backends/memcached_client.ts";
import { memcachedLockKeys } from "../../backends/memcached_lock_keys.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import {
  authorityOf,
  credentials,
  memcached,
  memcachedOnSocket,
  memcachedWithTls,
  memcachedWithUsers,
  socketOf,
} from "../services/memcached.ts";
import { patient } from "../services/memcached_fixture.ts";
import type { Server } from "../services/server.ts";

const value = Uint8Array.of(1, 0, 13, 10, 255);
const write = { key: "key", value, expiresAt: NEVER };
const once = { leaseMs: 1_000, waitMs: 0, enough: (): boolean => false };

/** Everything once: a miss, a value, a creation under a lock, a count. */
async function serves(server: MemcachedServer): Promise<void> {
  const backend = memcachedBackend(server);
  deepEqual(await backend.get(["key", "none"]), [undefined, undefined]);
  const { lease } = await memcachedLocks(server).acquire("key", once);
  equal(await lease!.commit(write), true);
  deepEqual(await backend.get(["key", "none"]), [value, undefined]);
  equal(await backend.increment("count", 2, NEVER), 2);
  server.close();
}

describe("memcached on a unix socket", { skip: memcachedOnSocket.missing }, () => {
  let running: Server;
  before(async () => void (running = await memcachedOnSocket.start()));
  after(() => running.stop());

  it("serves", async () => {
    const server = memcachedServer(socketOf(running.folder), { connect: nodeSocket(), ...patient });
    equal(server.label, socketOf(running.folder));
    await serves(server);
  });

  it("says which socket is not there", async () => {
    const path = `${running.folder}/nowhere`;
    const backend = memcachedBackend(memcachedServer(path, { connect: nodeSocket(), ...patient }));
    await rejects(() => backend.get(["key"]), /^BackendError: Cannot get on memcached \/.*nowhere/);
  });
});

describe("memcached that wants a password", { skip: memcachedWithUsers.missing }, () => {
  let running: Server;
  before(async () => void (running = await memcachedWithUsers.start()));
  after(() => running.stop());
  const reach = (given?: { user: string; password: string }): MemcachedServer =>
    memcachedServer(`127.0.0.1:${running.port}`, {
      connect: nodeSocket(),
      ...(given ? { credentials: given } : {}),
    });

  it("serves whoever signs in", () => serves(reach(credentials)));

  it("refuses a wrong password, and does not repeat it", async () => {
    const server = reach({ user: "name", password: "guessed" });
    const error = await memcachedBackend(server).get(["key"]).catch((error) => error);
    ok(/refuses to sign in "name": CLIENT_ERROR authentication failure/.test(error.message));
    ok(!String(error).includes("guessed"));
    server.close();
  });

  it("refuses whoever does not sign in", async () => {
    const server = reach();
    await rejects(
      () => memcachedBackend(server).get(["key"]),
      /the server wants a name and a password/,
    );
    server.close();
  });
});

describe("memcached over TLS", { skip: memcachedWithTls.missing }, () => {
  let running: Server;
  before(async () => void (running = await memcachedWithTls.start()));
  after(() => running.stop());

  it("D-184: serves whoever knows its authority", async () => {
    const ca = readFileSync(authorityOf(running.folder), "utf8");
    const connect = nodeSocket({ tls: { ca } });
    await serves(memcachedServer(`localhost:${running.port}`, { connect }));
  });

  it("is not believed by those who do not know its authority", async () => {
    const server = memcachedServer(`localhost:${running.port}`, {
      connect: nodeSocket({ tls: true }),
    });
    await rejects(() => memcachedBackend(server).get(["key"]), /certificate|issuer/i);
    server.close();
  });
});

describe("memcached over a connection for each batch", { skip: memcached.missing }, () => {
  let running: Server;
  before(async () => void (running = await memcached.start()));
  after(() => running.stop());
  const reach = (): MemcachedServer =>
    memcachedServer(`127.0.0.1:${running.port}`, {
      connect: nodeSocket(),
      keepsConnections: false,
    });

  it("serves", () => serves(reach()));

  it("DX-06: knows its leases by their marks, for nothing tells whether the server is the same", async () => {
    const server = reach();
    for (const make of [memcachedLocks, memcachedLockKeys]) {
      const locks = make(server);
      const key = `held by ${locks.name}`;
      const { lease } = await locks.acquire(key, once);
      equal(await lease!.renew(60_000), true);
      await locks.revoke([key]);
      const successor = await locks.acquire(key, { ...once, leaseMs: 60_000 });
      equal(await lease!.commit({ ...write, key }), false);
      equal(await successor.lease!.commit({ ...write, key }), true);
    }
  });
});
