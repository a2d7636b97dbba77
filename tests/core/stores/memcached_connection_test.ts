/** One connection to memcached over a socket that is played by hand. */

import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemcachedConnection,
  type MemcachedSocket,
} from "../../../backends/memcached/connection.ts";
import { memcachedServer } from "../../../backends/memcached/server.ts";
import { BackendError, PoolExhaustedError } from "../../../src/contracts/errors.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";

/** A socket whose other end is the test. */
class PlayedSocket implements MemcachedSocket {
  readonly sent: string[] = [];
  isClosed = false;
  #pieces: (Uint8Array | Error | undefined)[] = [];
  #wake: () => void = () => {};

  async write(bytes: Uint8Array): Promise<void> {
    this.sent.push(new TextDecoder().decode(bytes));
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const piece = this.#pieces.shift();
    if (piece instanceof Error) throw piece;
    return piece;
  }

  close(): void {
    this.isClosed = true;
    this.play(undefined);
  }

  play(piece: string | Error | undefined): void {
    this.#pieces.push(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
    this.#wake();
  }
}

function connected(): {
  socket: PlayedSocket;
  clock: ManualClock;
  connection: MemcachedConnection;
} {
  const socket = new PlayedSocket();
  const clock = new ManualClock();
  return {
    socket,
    clock,
    connection: new MemcachedConnection(socket, { timeoutMs: 1_000, clock }),
  };
}

const reading = [
  { verb: "mg", key: "a", flags: ["v", "q"] },
  { verb: "mg", key: "b", flags: ["v", "q"] },
] as const;

describe("MemcachedConnection", () => {
  it("sends a batch in one write that mn ends, and gives each command its reply", async () => {
    const { socket, connection } = connected();
    const exchange = connection.exchange(reading);
    socket.play("VA 1 O1\r\nx\r\nMN\r\n");
    const [first, second] = await exchange;
    deepEqual(socket.sent, ["mg a v q O0\r\nmg b v q O1\r\nmn\r\n"]);
    equal(first, undefined);
    deepEqual(second?.value, Uint8Array.of(0x78));
  });

  it("gives up on a reply that is late, and is closed, so that nobody takes it for another", async () => {
    const { socket, clock, connection } = connected();
    const exchange = rejects(connection.exchange(reading), /no reply within 1000 ms/);
    await clock.advance(999);
    equal(connection.isOpen, true);
    await clock.advance(1);
    await exchange;
    deepEqual([connection.isOpen, socket.isClosed], [false, true]);
    socket.play("VA 1 O1\r\nx\r\nMN\r\n");
    await rejects(connection.exchange(reading), /the connection has ended/);
  });

  it("gives every reply a deadline of its own, but not every piece of one", async () => {
    const { socket, clock, connection } = connected();
    const exchange = connection.exchange(reading);
    await clock.advance(900);
    socket.play("VA 1 O0\r\nx\r\n");
    await clock.advance(900);
    socket.play("VA 1 O1\r\n");
    await settled();
    const late = rejects(exchange, /no reply within 1000 ms/);
    await clock.advance(100);
    await late;
  });

  it("gives up on a write that nobody takes", async () => {
    const { socket, clock, connection } = connected();
    socket.write = () => new Promise(() => {});
    const exchange = rejects(connection.exchange(reading), /no reply within 1000 ms/);
    await clock.advance(1_000);
    await exchange;
  });

  for (
    const [what, play, message] of [
      ["an end", undefined, /ended the connection/],
      ["a failure", new Error("reset by peer"), /reset by peer/],
      ["an end within a value", "VA 10 O0\r\nab", /ended the connection/],
      ["nonsense", "VA x\r\n", /it has no size/],
      ["an answer to nothing", "HD O7\r\nMN\r\n", /answers what nobody asked: HD O7/],
      ["an answer without its mark", "HD\r\nMN\r\n", /answers what nobody asked: HD/],
      ["more than it was asked", "MN\r\nMN\r\n", /says more than it was asked/],
      ["a server before 1.6", "ERROR\r\nERROR\r\nERROR\r\n", /does not know the meta protocol/],
    ] as const
  ) {
    it(`is closed by ${what}`, async () => {
      const { socket, connection } = connected();
      const exchange = rejects(connection.exchange(reading), message);
      socket.play(play);
      socket.play(undefined);
      await exchange;
      deepEqual([connection.isOpen, socket.isClosed], [false, true]);
    });
  }

  it("is closed by an end, or by anything else, while it is idle", async () => {
    for (const piece of [undefined, "HD\r\n", new Error("reset by peer")]) {
      const { socket, connection } = connected();
      socket.play(piece);
      await settled();
      equal(connection.isOpen, false);
    }
  });

  it("rejects with the message of a refusal, and goes on", async () => {
    const { socket, connection } = connected();
    const refused = rejects(connection.exchange(reading), /SERVER_ERROR out of memory/);
    socket.play("SERVER_ERROR out of memory\r\nVA 1 O1\r\nx\r\nMN\r\n");
    await refused;
    const exchange = connection.exchange(reading);
    socket.play("MN\r\n");
    deepEqual(await exchange, [undefined, undefined]);
  });

  it("signs in before anything else, or is closed", async () => {
    const { socket, connection } = connected();
    const signedIn = connection.signIn("name", "word");
    socket.play("STORED\r\n");
    await signedIn;
    deepEqual(socket.sent, ["set auth 0 0 9\r\nname word\r\n"]);
    const refused = rejects(connection.signIn("name", "wrong"), /refuses to sign in "name"/);
    socket.play("CLIENT_ERROR authentication failure\r\n");
    await refused;
    equal(connection.isOpen, false);
  });
});

describe("memcachedServer", () => {
  function served(options: { connections?: number; keepsConnections?: boolean } = {}) {
    const clock = new ManualClock();
    const sockets: PlayedSocket[] = [];
    const server = memcachedServer("here", {
      ...options,
      timeoutMs: 1_000,
      acquireMs: 500,
      clock,
      connect: async () => {
        const socket = new PlayedSocket();
        sockets.push(socket);
        return socket;
      },
    });
    return { clock, sockets, server };
  }

  async function answered(run: Promise<unknown>, sockets: readonly PlayedSocket[]): Promise<void> {
    await settled();
    sockets.at(-1)!.play("MN\r\n");
    await run;
  }

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

  it("opens a connection for each batch where they cannot be kept", async () => {
    const { sockets, server } = served({ keepsConnections: false });
    await answered(server.run("get", reading), sockets);
    await answered(server.run("get", reading), sockets);
    deepEqual(sockets.map(({ isClosed }) => isClosed), [true, true]);
    equal(server.era, NaN);
    equal(await server.runIn(server.era, "get", reading), undefined);
  });

  it("sends nothing in another era than it was told", async () => {
    const { sockets, server } = served();
    await answered(server.run("get", reading), sockets);
    sockets[0]!.play(undefined);
    await settled();
    equal(await server.runIn(0, "commit", reading), undefined);
    deepEqual(sockets.map(({ sent }) => sent.length), [1, 0]);
  });

  it("has so many connections at most, and lets nobody wait longer than it was told", async () => {
    const { clock, sockets, server } = served({ connections: 2 });
    const busy = [server.run("get", reading), server.run("get", reading)];
    await settled();
    equal(sockets.length, 2);
    const isExhausted = (error: unknown): boolean =>
      error instanceof BackendError && error.cause instanceof PoolExhaustedError;
    const waiting = rejects(server.run("get", reading), isExhausted);
    await clock.advance(500);
    await waiting;
    for (const socket of sockets) socket.play("MN\r\n");
    await Promise.all(busy);
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

  it("splits what is too much for one write", async () => {
    const { sockets, server } = served();
    const commands = Array.from({ length: 513 }, () => reading[0]);
    const run = server.run("get", commands);
    await settled();
    sockets[0]!.play("MN\r\n");
    await settled();
    sockets[0]!.play("VA 1 O0\r\nx\r\nMN\r\n");
    const replies = await run;
    deepEqual([replies.length, replies[0], replies[512]?.value?.length], [513, undefined, 1]);
    equal(sockets[0]!.sent.length, 2);
  });

  it("closes its connections, also those under way", async () => {
    const { sockets, server } = served();
    const busy = rejects(server.run("get", reading), BackendError);
    await settled();
    server.close();
    await busy;
    equal(sockets[0]!.isClosed, true);
    await rejects(server.run("get", reading), /it has been closed/);
  });
});
