/** One memcached server: a bounded pool of connections, and batches of commands over them. */

import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { LazyPool } from "../../src/patterns/lazy_pool.ts";
import {
  type ConnectMemcached,
  labelOf,
  type MemcachedAddress,
  memcachedAddress,
} from "./address.ts";
import { MemcachedConnection, type Replies } from "./connection.ts";
import { longestKey, type MetaCommand } from "./protocol.ts";

/** How to reach a server. Only `connect` is needed. */
export interface MemcachedServerOptions {
  /** Opens sockets: `nodeSocket()`, or of your own. */
  readonly connect: ConnectMemcached;
  /** How many connections there are at most. Default: 8. */
  readonly connections?: number;
  /** How long each reply, and connecting, may take, in milliseconds. Default: 1,000. */
  readonly timeoutMs?: number;
  /** How long to wait for one of the connections, in milliseconds. Default: 1,000. */
  readonly acquireMs?: number;
  /**
   * Whether connections are kept for the next batch. Default: `true`. On Workers a socket belongs to
   * the request that opened it: `false` there opens one for each batch.
   */
  readonly keepsConnections?: boolean;
  /** Signs in with these, as servers with an authentication file (`-Y`) want it. Default: does not. */
  readonly credentials?: MemcachedCredentials;
  /** Measures the waits. Default: the platform's. */
  readonly clock?: Clock;
}

/** A name and a password. */
export interface MemcachedCredentials {
  /** The name. */
  readonly user: string;
  /** The password. */
  readonly password: string;
}

/** A server that can be given batches of commands. */
export interface MemcachedServer {
  /** Its address, as rings name it. */
  readonly label: string;
  /**
   * Another number after a connection was lost, because then the server may have been started anew and
   * may count its cas values from 1 again; `NaN` where nothing can be told.
   */
  readonly era: number;
  /**
   * Carries out commands in order and answers their replies by position. A server that cannot be
   * reached, is late or refuses a command is a `BackendError` for `operation`.
   */
  run(operation: string, commands: readonly MetaCommand[]): Promise<Replies>;
  /** As `run`, but only in that era: otherwise nothing is sent, and the answer is `undefined`. */
  runIn(
    era: number,
    operation: string,
    commands: readonly MetaCommand[],
  ): Promise<Replies | undefined>;
  /** Closes the connections that are idle, and the others as soon as they are. */
  close(): void;
}

/** No write is larger, unless it holds a single command that is. */
const batchBytes = 1 << 20;

/** Nor has it more commands. */
const batchCommands = 512;

/**
 * Makes a server of an address: `host`, `host:port`, `[ipv6]:port` or `/path/to/socket`. Nothing is
 * opened before the first command.
 *
 * @throws {RangeError} If the address is none, or a number is not above 0.
 */
export function memcachedServer(
  address: string | MemcachedAddress,
  options: MemcachedServerOptions,
): MemcachedServer {
  const place = typeof address === "string" ? memcachedAddress(address) : address;
  return new Server(place, options);
}

class Server implements MemcachedServer {
  readonly label: string;
  readonly #address: MemcachedAddress;
  readonly #options: MemcachedServerOptions;
  readonly #timeoutMs: number;
  readonly #keepsConnections: boolean;
  readonly #clock: Clock;
  readonly #pool: LazyPool<MemcachedConnection>;
  readonly #open: Set<MemcachedConnection> = new Set();
  #era = 0;
  #isClosed = false;

  constructor(address: MemcachedAddress, options: MemcachedServerOptions) {
    const { timeoutMs = 1_000, acquireMs = 1_000, connections = 8 } = options;
    const { keepsConnections = true, clock = systemClock } = options;
    for (const [name, value] of Object.entries({ timeoutMs, acquireMs })) {
      if (!(value > 0)) throw new RangeError(`Cannot use memcached: "${name}" is ${value}`);
    }
    this.label = labelOf(address);
    this.#address = address;
    this.#options = Object.freeze({ ...options });
    this.#timeoutMs = timeoutMs;
    this.#keepsConnections = keepsConnections;
    this.#clock = clock;
    this.#pool = new LazyPool((previous) => this.#usable(previous), connections, {
      timeoutMs: acquireMs,
      clock,
    });
  }

  get era(): number {
    return this.#keepsConnections ? this.#era : NaN;
  }

  async run(operation: string, commands: readonly MetaCommand[]): Promise<Replies> {
    const replies = await this.#guarded(operation, commands, () => true);
    return replies!;
  }

  runIn(
    era: number,
    operation: string,
    commands: readonly MetaCommand[],
  ): Promise<Replies | undefined> {
    return this.#guarded(operation, commands, () => era === this.era);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#open) this.#drop(connection);
  }

  async #guarded(
    operation: string,
    commands: readonly MetaCommand[],
    isWanted: () => boolean,
  ): Promise<Replies | undefined> {
    try {
      const connection = await this.#pool.acquire();
      try {
        return isWanted() ? await exchangeAll(connection, commands) : undefined;
      } finally {
        this.#giveBack(connection);
      }
    } catch (error) {
      throw new BackendError(`memcached ${this.label}`, operation, error);
    }
  }

  #giveBack(connection: MemcachedConnection): void {
    this.#noteLoss(connection);
    if (!this.#keepsConnections || this.#isClosed) this.#drop(connection);
    this.#pool.getBack(connection);
  }

  async #usable(previous: MemcachedConnection | undefined): Promise<MemcachedConnection> {
    if (this.#isClosed) throw new Error("it has been closed");
    if (previous?.isOpen) return previous;
    if (previous) this.#noteLoss(previous);
    const connection = await this.#connect();
    this.#open.add(connection);
    return connection;
  }

  /** Whoever closes a connection on purpose takes it out of the open ones first. */
  #noteLoss(connection: MemcachedConnection): void {
    if (!connection.isOpen && this.#open.delete(connection)) this.#era++;
  }

  async #connect(): Promise<MemcachedConnection> {
    const [clock, timeoutMs] = [this.#clock, this.#timeoutMs];
    const { connect, credentials } = this.#options;
    const [late, done] = [new AbortController(), new AbortController()];
    clock.sleep(timeoutMs, done.signal).then(() => {
      late.abort(new Error(`no connection within ${timeoutMs} ms`));
    });
    try {
      const socket = await connect(this.#address, late.signal);
      const connection = new MemcachedConnection(socket, { timeoutMs, clock });
      if (credentials) await connection.signIn(credentials.user, credentials.password);
      return connection;
    } finally {
      done.abort();
    }
  }

  #drop(connection: MemcachedConnection): void {
    this.#open.delete(connection);
    connection.close();
  }
}

async function exchangeAll(
  connection: MemcachedConnection,
  commands: readonly MetaCommand[],
): Promise<Replies> {
  const replies: Replies = [];
  for (const batch of batchesOf(commands)) replies.push(...await connection.exchange(batch));
  return replies;
}

/** Commands in pieces that neither side has to hold much of. */
function* batchesOf(commands: readonly MetaCommand[]): Generator<readonly MetaCommand[]> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < commands.length; index++) {
    const size = longestKey + (commands[index]!.value?.length ?? 0);
    if (index > start && (bytes + size > batchBytes || index - start === batchCommands)) {
      yield commands.slice(start, index);
      [start, bytes] = [index, 0];
    }
    bytes += size;
  }
  if (start < commands.length) yield commands.slice(start);
}
