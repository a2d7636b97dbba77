/** What is read of an address of memcached, or of dogpile.cache's arguments. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { memcachedAddress } from "../../../backends/memcached/address.ts";
import { memcachedSettings } from "../../../backends/memcached/settings.ts";

const server = (host: string, port: number = 11_211, weight: number = 1) => ({
  host,
  port,
  weight,
});

describe("memcachedAddress", () => {
  it("reads names, numbers, brackets and paths", () => {
    deepEqual(memcachedAddress("cache"), { host: "cache", port: 11_211 });
    deepEqual(memcachedAddress("10.0.0.1:7"), { host: "10.0.0.1", port: 7 });
    deepEqual(memcachedAddress("[::1]:7"), { host: "::1", port: 7 });
    deepEqual(memcachedAddress("/run/m.sock"), { host: "/run/m.sock", port: 0 });
  });

  it("refuses everything else", () => {
    for (const text of ["", ":1", "a:", "a:0", "a:65536", "::1", "a b", "a:1:2", "[::1", "a/b"]) {
      throws(() => memcachedAddress(text), RangeError, text);
    }
  });
});

describe("memcachedSettings", () => {
  it("reads servers, a ring, weights, a user and options of an address", () => {
    const address = "memcached://me:p%40ss@a:1,b,[::1]:3?ketama=weighted&weights=5,1,2" +
      "&tls=true&timeoutMs=250&connections=2&retryMs=0";
    deepEqual(memcachedSettings({ address }), {
      servers: [server("a", 1, 5), server("b"), server("::1", 3, 2)],
      mode: "libmemcached-weighted",
      tls: true,
      credentials: { user: "me", password: "p@ss" },
      timeoutMs: 250,
      connections: 2,
      retryMs: 0,
    });
  });

  it("reads the path of a socket", () => {
    const { servers } = memcachedSettings({ address: "memcached:///run/m.sock" });
    deepEqual(servers, [server("/run/m.sock", 0)]);
  });

  it("D-197: a list of servers is taken as it is", () => {
    const { servers } = memcachedSettings({ url: ["one", "other:2"] } as never);
    deepEqual(servers, [server("one"), server("other", 2)]);
  });

  it("D-198: a single server becomes a list of one", () => {
    deepEqual(memcachedSettings({ url: "one:5" } as never).servers, [server("one", 5)]);
  });

  it("D-194: dead_retry is how long a server that fails is left out", () => {
    equal(memcachedSettings({ dead_retry: 4 }).retryMs, 4_000);
    equal(memcachedSettings({}).retryMs, 30_000);
  });

  it("D-195: socket_timeout is how long a reply may take", () => {
    equal(memcachedSettings({ socket_timeout: 6 }).timeoutMs, 6_000);
    equal(memcachedSettings({}).timeoutMs, undefined);
  });

  it("knows the rings by their short names and by their own", () => {
    const modeOf = (ketama: string) => memcachedSettings({ ketama }).mode;
    deepEqual(["weighted", "plain", "none", "libmemcached-spy", "exact160"].map(modeOf), [
      "libmemcached-weighted",
      "libmemcached",
      "modula",
      "libmemcached-spy",
      "exact160",
    ]);
    throws(() => modeOf("heavy"), /"ketama" is "heavy", none of weighted, plain/);
  });

  it("refuses what it cannot read, and repeats no password", () => {
    throws(() => memcachedSettings({ address: "memcached://a,b?weights=1" }), /1 weights for 2/);
    throws(() => memcachedSettings({ address: "memcached://a?weights=x" }), /"weights" is "x"/);
    throws(() => memcachedSettings({ address: "memcached://a?timeoutMs=-1" }), RangeError);
    for (const address of ["memcached://u:secret@", "memcached:", "memcached://u:secret@a:x"]) {
      try {
        memcachedSettings({ address });
        ok(false, address);
      } catch (error) {
        ok(error instanceof RangeError && !error.message.includes("secret"), String(error));
      }
    }
  });
});
