/** Many callers of one memcached, over sockets that are played by hand. */

import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { MetaCommand } from "../../../backends/memcached/protocol.ts";
import {
  memcachedServer,
  type MemcachedServerOptions,
} from "../../../backends/memcached/server.ts";
import { BackendError, PoolExhaustedError } from "../../../src/contracts/errors.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { PlayedSocket } from "./played_socket.ts";

const reading: readonly MetaCommand[] = [{ verb: "mg", key: "a", flags: ["v"] }];
/** So much that a connection with it takes on nothing else if another one can. */
const much = Array.from({ length: 64 }, () => reading[0]!);

function served(options: Partial<MemcachedServerOptions> = {}) {
  const clock = new ManualClock();
  const sockets: PlayedSocket[] = [];
  const connect = async (): Promise<PlayedSocket> => {
    const socket = new PlayedSocket();
    sockets.push(socket);
    return socket;
  };
  const times = { timeoutMs: 1_000, acquireMs: 500, clock };
  return { clock, sockets, server: memcachedServer("here", { ...times, connect, ...options }) };
}

const misses = (count: number): string => "EN\r\n".repeat(count);

async function answered(run: Promise<unknown>, sockets: readonly PlayedSocket[]): Promise<void> {
  await settled();
  sockets.at(-1)!.play(misses(1));
  await run;
}

const isExhausted = (error: unknown): boolean =>
  error instanceof BackendError && error.cause instanceof PoolExhaustedError;

describe("memcachedServer", () => {
  it("refuses numbers that are not above 0", () => {
    for (const name of ["connections", "timeoutMs", "acquireMs"]) {
      throws(() => served({ [name]: 0 }), new RegExp(`"${name}" is 0`));
    }
  });

  it("sends what is wanted in one turn in one write, in the order in which it came", async () => {
    const { sockets, server } = served();
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    const runs = keys.map((key) => server.run("get", [{ verb: "mg", key, flags: ["v"] }]));
    await settled();
    deepEqual(sockets.map(({ sent }) => sent), [[
      keys.map((key, index) => `mg ${key} v O${index}\r\n`).join(""),
    ]]);
    sockets[0]!.play(keys.map((key, index) => `VA ${key.length} O${index}\r\n${key}\r\n`).join(""));
    const found = (await Promise.all(runs)).map(([reply]) =>
      new TextDecoder().decode(reply!.value)
    );
    deepEqual(found, keys);
  });

  it("sends what is wanted later without waiting for the replies before", async () => {
    const { sockets, server } = served();
    const first = server.run("get", reading);
    await settled();
    const second = server.run("get", reading);
    await settled();
    deepEqual(sockets.map(({ sent }) => sent), [["mg a v O0\r\n", "mg a v O1\r\n"]]);
    sockets[0]!.play("VA 1 O0\r\nx\r\nVA 1 O1\r\ny\r\n");
    const values = (await Promise.all([first, second])).map(([reply]) => reply!.value);
    deepEqual(values, [Uint8Array.of(0x78), Uint8Array.of(0x79)]);
  });

  it("gathers what comes while a write is not taken", async () => {
    const { sockets, server } = served();
    await answered(server.run("get", reading), sockets);
    const [socket] = sockets;
    socket!.takesMore = false;
    const runs = [server.run("get", reading)];
    await settled();
    for (let turn = 0; turn < 3; turn++) {
      runs.push(server.run("get", reading));
      await settled();
    }
    equal(socket!.sent.length, 2);
    socket!.takesMore = true;
    await settled();
    equal(socket!.sent[2], "mg a v O2\r\nmg a v O3\r\nmg a v O4\r\n");
    socket!.play(misses(4));
    await Promise.all(runs);
    equal(sockets.length, 1);
  });

  it("opens another connection when one has much to do, and asks the one with less", async () => {
    const { sockets, server } = served({ connections: 2 });
    const runs = [server.run("get", much)];
    await settled();
    // Nobody has to wait for a connection to be opened where there is one.
    runs.push(server.run("get", reading));
    await settled();
    deepEqual(sockets.map(({ sent }) => sent.length), [2, 0]);
    runs.push(server.run("get", [...much, ...reading]));
    await settled();
    runs.push(server.run("get", reading));
    await settled();
    deepEqual(sockets.map(({ sent }) => sent.length), [3, 1]);
    sockets[0]!.play(misses(66));
    sockets[1]!.play(misses(65));
    await Promise.all(runs);
    await answered(server.run("get", reading), [sockets[0]!]);
    deepEqual(sockets.map(({ sent }) => sent.length), [4, 1]);
  });

  it("keeps a connection, and opens another one when that has ended", async () => {
    const { sockets, server } = served();
    await answered(server.run("get", reading), sockets);
    await answered(server.run("get", reading), sockets);
    deepEqual([sockets.length, server.era], [1, 0]);
    sockets[0]!.play(undefined);
    await settled();
    await answered(server.run("get", reading), sockets);
    deepEqual([sockets.length, server.era], [2, 1]);
  });

  it("opens a connection for each batch where they cannot be kept, and not more at once than it may", async () => {
    const { sockets, server } = served({ keepsConnections: false, connections: 2 });
    const runs = [1, 2, 3].map(() => server.run("get", reading));
    await settled();
    deepEqual(sockets.map(({ sent }) => sent.length), [1, 1]);
    sockets[0]!.play("SERVER_ERROR busy\r\n");
    await rejects(runs[0]!, /SERVER_ERROR busy/);
    await settled();
    for (const socket of sockets) socket.play(misses(1));
    await Promise.all(runs.slice(1));
    deepEqual(sockets.map(({ isClosed }) => isClosed), [true, true, true]);
    equal(server.era, NaN);
    equal(await server.runIn(server.era, "get", reading), undefined);
  });

  it("tells those whose connection it was, by server and operation, and serves the others", async () => {
    const { sockets, server } = served();
    const lost = [server.run("get", reading), server.run("commit", reading)];
    await settled();
    const told = lost.map((run) => run.catch((error) => error.message));
    sockets[0]!.play(undefined);
    deepEqual(await Promise.all(told), [
      "Cannot get on memcached here:11211: the server ended the connection",
      "Cannot commit on memcached here:11211: the server ended the connection",
    ]);
    await answered(server.run("get", reading), sockets);
    equal(sockets.length, 2);
  });

  it("sends nothing in another era than it was told", async () => {
    const { sockets, server } = served();
    await answered(server.run("get", reading), sockets);
    sockets[0]!.play(undefined);
    await settled();
    equal(await server.runIn(0, "commit", reading), undefined);
    deepEqual(sockets.map(({ sent }) => sent.length), [1]);
  });

  it("sends nothing that waited until its era was over", async () => {
    const { sockets, server } = served();
    await answered(server.run("get", reading), sockets);
    sockets[0]!.takesMore = false;
    const lost = rejects(server.run("get", reading), BackendError);
    await settled();
    const commit = server.runIn(0, "commit", reading);
    await settled();
    sockets[0]!.play(undefined);
    await lost;
    equal(await commit, undefined);
    deepEqual(sockets.map(({ sent }) => sent.length), [2, 0]);
  });

  it("lets nobody wait for room longer than it was told", async () => {
    const { clock, sockets, server } = served({ connections: 1 });
    await answered(server.run("get", reading), sockets);
    sockets[0]!.takesMore = false;
    const busy = server.run("get", reading);
    await settled();
    const first = rejects(server.run("get", reading), isExhausted);
    await clock.advance(200);
    let isOver = false;
    const second = rejects(server.run("get", reading), isExhausted).then(() => isOver = true);
    await clock.advance(300);
    await first;
    await clock.advance(199);
    equal(isOver, false);
    await clock.advance(1);
    await second;
    sockets[0]!.play(misses(1));
    await busy;
  });

  it("lets no more wait than it can bear", async () => {
    const { server } = served({ connect: () => new Promise(() => {}) });
    const runs = Array.from({ length: 16_385 }, () => server.run("get", reading));
    const outcomes = Promise.allSettled(runs);
    await rejects(runs.at(-1)!, isExhausted);
    server.close();
    equal((await outcomes).filter(({ status }) => status === "rejected").length, runs.length);
  });

  it("gives up connecting in time, and says to what", async () => {
    const clock = new ManualClock();
    const server = memcachedServer("[::1]:7", {
      timeoutMs: 1_000,
      clock,
      connect: (_, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    const failed = server.run("get", reading).catch((error) => error);
    await clock.advance(1_000);
    const error = await failed;
    match(error.message, /^Cannot get on memcached \[::1\]:7: no connection within 1000 ms$/);
  });

  it("keeps no timer where nobody waits any more, and the next to wait is let go in time", async () => {
    let connect = (): Promise<PlayedSocket> => Promise.reject(new Error("nobody listens"));
    const { clock, server } = served({ connect: () => connect() });
    await rejects(server.run("get", reading), /nobody listens/);
    await settled();
    equal(clock.sleeping, 0);
    connect = () => new Promise(() => {});
    const exhausted = rejects(server.run("get", reading), isExhausted);
    await clock.advance(500);
    await exhausted;
  });

  it("goes on with the connections that it has where no other can be opened", async () => {
    const { sockets, server } = served({
      connect: async () => {
        if (sockets.length > 0) throw new Error("refused");
        sockets.push(new PlayedSocket());
        return sockets[0]!;
      },
    });
    const runs = [server.run("get", much)];
    await settled();
    for (let turn = 0; turn < 3; turn++) {
      runs.push(server.run("get", reading));
      await settled();
    }
    equal(sockets[0]!.sent.length, 4);
    sockets[0]!.play(misses(67));
    equal((await Promise.all(runs)).length, 4);
  });

  it("splits what is too much for one write, and sends each part when the one before is answered", async () => {
    const { sockets, server } = served();
    const run = server.run("get", Array.from({ length: 513 }, () => reading[0]!));
    await settled();
    equal(sockets[0]!.sent.length, 1);
    sockets[0]!.play(misses(512));
    await settled();
    sockets[0]!.play("VA 1 O512\r\nx\r\n");
    const replies = await run;
    deepEqual([replies.length, replies[0]!.code, replies[512]?.value?.length], [513, "EN", 1]);
    equal(sockets[0]!.sent.length, 2);
  });

  it("keeps large values of many callers apart", async () => {
    const { sockets, server } = served();
    const storing = { verb: "ms", key: "a", value: new Uint8Array(600_000) } as const;
    const runs = [1, 2, 3, 4, 5].map(() => server.run("set", [storing, storing]));
    await settled();
    const sizes = sockets.flatMap(({ sent }) => sent.map(({ length }) => length));
    equal(sizes.length > 1 && sizes.every((size) => size <= 2 << 20), true);
    server.close();
    await Promise.allSettled(runs);
  });

  it("answers no commands with no replies, and asks nobody", async () => {
    const { sockets, server } = served();
    deepEqual([await server.run("get", []), sockets.length], [[], 0]);
  });

  it("closes its connections, also those under way and being opened", async () => {
    const { clock, sockets, server } = served();
    const busy = rejects(server.run("get", reading), /it has been closed/);
    await settled();
    server.close();
    await busy;
    equal(sockets[0]!.isClosed, true);
    await rejects(server.run("get", reading), /it has been closed/);
    equal(clock.sleeping, 0);
    const opening = served();
    const early = rejects(opening.server.run("get", reading), /it has been closed/);
    await Promise.resolve();
    opening.server.close();
    await early;
    await settled();
    deepEqual(opening.sockets.map(({ isClosed }) => isClosed), [true]);
  });

  it("tells whoever a connection is being opened for alone that it has been closed", async () => {
    const { sockets, server } = served({ keepsConnections: false });
    const early = rejects(server.run("get", reading), BackendError);
    await Promise.resolve();
    server.close();
    await early;
    deepEqual(sockets.map(({ isClosed, sent }) => [isClosed, sent]), [[true, []]]);
  });
});
