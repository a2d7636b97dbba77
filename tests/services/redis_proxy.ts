/** A line to a Redis server that a test can delay and cut. */

import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy on 127.0.0.1. */
export interface RedisProxy {
  readonly port: number;
  /** How often bytes went to the server after bytes had come from it: round trips. */
  trips(): number;
  /** Holds replies back from now on. */
  hold(): void;
  /** Lets through what was held, and everything from now on. */
  letGo(): void;
  /** Cuts every connection when the next reply comes, after its first `bytes` bytes. */
  cutNextReplyAfter(bytes: number): void;
  /** Leads to another server from now on; the connections to the one before are cut. */
  leadTo(serverPort: number): void;
  close(): Promise<void>;
}

/** Opens a line to the server at a port. */
export async function redisProxy(serverPort: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  const state = { serverPort, trips: 0, isReplied: true, isHeld: false, cutAfter: -1 };
  const held: (() => void)[] = [];
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer({ noDelay: true }, (client) => {
    const origin = connect({ port: state.serverPort, host: "127.0.0.1", noDelay: true });
    for (const socket of [client, origin]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        origin.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (state.isReplied) state.trips++;
      state.isReplied = false;
      origin.write(bytes);
    });
    origin.on("data", (bytes) => {
      state.isReplied = true;
      if (state.cutAfter >= 0) {
        client.write(bytes.subarray(0, state.cutAfter), cut);
        state.cutAfter = -1;
      } else if (state.isHeld) held.push(() => client.write(bytes));
      else client.write(bytes);
    });
  });
  return {
    port: await listening(server),
    trips: () => state.trips,
    hold: () => void (state.isHeld = true),
    letGo: () => {
      state.isHeld = false;
      for (const release of held.splice(0)) release();
    },
    cutNextReplyAfter: (bytes) => void (state.cutAfter = bytes),
    leadTo: (port) => {
      state.serverPort = port;
      cut();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    })
  );
}
