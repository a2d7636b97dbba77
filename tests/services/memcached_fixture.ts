/** Fresh memcached stores for the suites: their deadlines on a clock moved by hand, their I/O real. */

import { connect } from "node:net";
import {
  type MemcachedServer,
  memcachedServer,
  type MetaCommand,
  nodeSocket,
} from "../../backends/memcached_client.ts";
import type { SuiteTime } from "../conformance/cases.ts";
import type { ManualClock } from "../testing/manual_clock.ts";
import { idle, type StoreClock, type Working } from "../testing/store_time.ts";
import { TcpLink } from "./tcp_link.ts";

/** For servers that may be slow: waits that do not end before the test does. */
export const patient = Object.freeze({ timeoutMs: 180_000, acquireMs: 180_000 });

/** A server reached through a link, empty, with its batches counted. */
export interface MemcachedTrial {
  readonly server: MemcachedServer;
  readonly time: SuiteTime;
  trips(): number;
  breakStore(): Promise<void>;
  close(): Promise<void>;
}

/** Empties the memcached at `port` and connects to it. */
export async function memcachedTrial(clock: ManualClock, port: number): Promise<MemcachedTrial> {
  await flush(port);
  const link = await TcpLink.open(port);
  const options = { connect: nodeSocket(), ...patient };
  const inner = memcachedServer(`127.0.0.1:${link.port}`, options);
  const counting = new CountingServer(inner);
  return {
    server: counting,
    time: { now: () => clock.now(), advance: (ms) => advance(clock, ms, counting) },
    trips: () => counting.trips,
    breakStore: () => link.close(),
    close: async () => {
      inner.close();
      await link.close();
    },
  };
}

/** Counts the batches that go to a server, and knows whether any is under way. */
export class CountingServer implements MemcachedServer, Working {
  readonly #inner: MemcachedServer;
  trips = 0;
  pending = 0;

  constructor(inner: MemcachedServer) {
    this.#inner = inner;
  }

  get label(): string {
    return this.#inner.label;
  }

  get era(): number {
    return this.#inner.era;
  }

  run(...args: Parameters<MemcachedServer["run"]>): ReturnType<MemcachedServer["run"]> {
    return this.#counted(this.#inner.run(...args));
  }

  runIn(...args: Parameters<MemcachedServer["runIn"]>): ReturnType<MemcachedServer["runIn"]> {
    return this.#counted(this.#inner.runIn(...args));
  }

  close(): void {
    this.#inner.close();
  }

  async #counted<T>(batch: Promise<T>): Promise<T> {
    this.trips++;
    this.pending++;
    try {
      return await batch;
    } finally {
      this.pending--;
    }
  }
}

/**
 * A server on which every key begins with a prefix, for a store of one's own among others, and whose
 * answers `clock` waits for whenever it is moved.
 */
export function ownServer(
  inner: MemcachedServer,
  prefix: string,
  clock: StoreClock,
): MemcachedServer {
  const prefixed = (commands: readonly MetaCommand[]): MetaCommand[] =>
    commands.map((command) => ({ ...command, key: prefix + command.key }));
  const server = new CountingServer({
    label: inner.label,
    get era(): number {
      return inner.era;
    },
    run: (operation, commands) => inner.run(operation, prefixed(commands)),
    runIn: (era, operation, commands) => inner.runIn(era, operation, prefixed(commands)),
    close: () => inner.close(),
  });
  clock.waitingFor([server]);
  return server;
}

const STEP_MS = 50;

/** Moves the clock in small steps, and waits for the server's answers after each. */
async function advance(clock: SuiteTime, ms: number, server: CountingServer): Promise<void> {
  const target = clock.now() + ms;
  await quiet(server);
  while (clock.now() < target) {
    await clock.advance(Math.min(STEP_MS, target - clock.now()));
    await quiet(server);
  }
}

function quiet(server: CountingServer): Promise<void> {
  return idle(() => server.pending > 0);
}

/** Sends one line to the memcached at `port` and answers the first that comes back. */
export function askMemcached(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${line}\r\n`));
    socket.once("error", reject);
    socket.once("data", (piece) => {
      socket.destroy();
      resolve(String(piece).trim());
    });
  });
}

/** Empties a memcached. */
export async function flush(port: number): Promise<void> {
  const answer = await askMemcached(port, "flush_all");
  if (answer !== "OK") throw new Error(`Could not empty memcached: ${answer}`);
}
