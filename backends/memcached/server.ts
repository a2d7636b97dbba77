/**
 * One memcached server: a few connections, and whatever many callers want of it at the same time.
 *
 * What is wanted in one turn of the event loop goes out together, as one write: the first of them asks
 * for a microtask, and that finds all of them in line. They take the first connection that has little to
 * do; only when all have much is a further one opened, and until then the least busy one is used. So few
 * connections serve many, and a large batch holds up few.
 */

import { type Clock, NEVER, systemClock } from "../../src/contracts/clock.ts";
import { BackendError, PoolExhaustedError } from "../../src/contracts/errors.ts";
import {
  type ConnectMemcached,
  labelOf,
  type MemcachedAddress,
  memcachedAddress,
} from "./address.ts";
import { Alarm } from "./alarm.ts";
import { type Call, MemcachedConnection, type Replies } from "./connection.ts";
import type { MetaCommand, MetaReply } from "./protocol.ts";

/** How to reach a server. Only `connect` is needed. */
export interface MemcachedServerOptions {
  /** Opens sockets: `nodeSocket()`, or of your own. */
  readonly connect: ConnectMemcached;
  /** How many connections there are at most. Default: 8. */
  readonly connections?: number;
  /**
   * How long each reply may take after the one before it or after its command, and how long connecting
   * may, in milliseconds. Default: 1,000.
   */
  readonly timeoutMs?: number;
  /** How long to wait for a connection that has room, in milliseconds. Default: 1,000. */
  readonly acquireMs?: number;
  /**
   * Whether connections are kept and shared. Default: `true`. On Workers a socket belongs to the request
   * that opened it: `false` there opens one for each batch.
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
  /** Closes the connections; whatever is under way fails. */
  close(): void;
}

/** No call is larger, by `Call.load`, unless it holds a single command that is. */
const batchLoad = 512;

/** A value of so many bytes is as much work as a command: a batch has 512 of these, or a mebibyte. */
const loadBytes = 2_048;

/** A connection with so much to do takes on no more if another one can. */
const busyLoad = 64;

/** How many may wait for a connection. */
const mostWaiting = 16_384;

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

/** A call that waits for a connection. */
interface Waiting extends Call {
  /** In which era alone it is to be sent; any where nothing is said. */
  readonly era: number | undefined;
  /** When it has waited long enough. */
  readonly dueAt: number;
  readonly succeed: (answer: Answer) => void;
}

/** Nothing where the era is over. */
type Answer = Replies | undefined;

const defaults = {
  connections: 8,
  timeoutMs: 1_000,
  acquireMs: 1_000,
  keepsConnections: true,
  clock: systemClock,
} as const;

class Server implements MemcachedServer {
  readonly label: string;
  readonly #address: MemcachedAddress;
  readonly #options: MemcachedServerOptions & Omit<Required<MemcachedServerOptions>, "credentials">;
  readonly #connections: Set<MemcachedConnection> = new Set();
  readonly #waiting: Waiting[] = [];
  readonly #alarm: Alarm;
  #opening = 0;
  #era = 0;
  #isClosed = false;

  constructor(address: MemcachedAddress, options: MemcachedServerOptions) {
    this.label = labelOf(address);
    this.#address = address;
    this.#options = Object.freeze({ ...defaults, ...options });
    for (const name of ["connections", "timeoutMs", "acquireMs"] as const) {
      const value = this.#options[name];
      if (!(value > 0)) throw new RangeError(`Cannot use memcached: "${name}" is ${value}`);
    }
    const { clock, acquireMs } = this.#options;
    this.#alarm = new Alarm({
      clock,
      dueAt: () => this.#waiting[0]?.dueAt ?? NEVER,
      ring: () => {
        this.#waiting.shift()?.fail(new PoolExhaustedError(`no room within ${acquireMs} ms`));
      },
    });
  }

  get era(): number {
    return this.#options.keepsConnections ? this.#era : NaN;
  }

  run(operation: string, commands: readonly MetaCommand[]): Promise<Replies> {
    // There is always an answer where no era is asked for.
    return this.#all(operation, commands) as Promise<Replies>;
  }

  async runIn(era: number, operation: string, commands: readonly MetaCommand[]): Promise<Answer> {
    return era === this.era ? await this.#all(operation, commands, era) : undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.#alarm.stop();
    const connections = [...this.#connections];
    // Whoever closes a connection on purpose takes it out of the open ones first.
    this.#connections.clear();
    for (const connection of connections) connection.close(closed());
    for (const { fail } of this.#waiting.splice(0)) fail(closed());
  }

  #all(operation: string, commands: readonly MetaCommand[], era?: number): Promise<Answer> {
    const [batch, ...more] = batchesOf(commands);
    // Without a promise more: most calls have a single batch.
    if (batch && more.length === 0) return this.#one(operation, batch, era);
    return this.#inTurn(operation, batch ? [batch, ...more] : [], era);
  }

  async #inTurn(operation: string, batches: readonly Batch[], era?: number): Promise<Answer> {
    const all: MetaReply[] = [];
    for (const batch of batches) {
      const replies = await this.#one(operation, batch, era);
      if (!replies) return undefined;
      all.push(...replies);
    }
    return all;
  }

  #one(operation: string, batch: Batch, era?: number): Promise<Answer> {
    return new Promise((succeed, reject) => {
      const fail = (error: unknown): void => {
        reject(new BackendError(`memcached ${this.label}`, operation, error));
      };
      if (this.#isClosed) return fail(closed());
      const { length } = this.#waiting;
      if (length === mostWaiting) {
        return fail(new PoolExhaustedError(`${length} calls wait already`));
      }
      const dueAt = this.#options.clock.now() + this.#options.acquireMs;
      this.#waiting.push({ ...batch, era, dueAt, succeed, fail });
      // Whoever comes in the same turn is in line by then; whoever is not first is seen to already.
      if (length === 0) queueMicrotask(() => this.#serve());
    });
  }

  /** Sends what waits, as far as there is room. */
  #serve(): void {
    if (!this.#options.keepsConnections) return this.#serveAlone();
    while (this.#waiting.length > 0) {
      const connection = this.#roomiest();
      if (!connection) return this.#alarm.set();
      const calls = this.#nextBatch();
      if (calls.length > 0) connection.send(calls);
    }
  }

  /** The connection for whoever is next in line; `undefined` where they have to wait. */
  #roomiest(): MemcachedConnection | undefined {
    const all = [...this.#connections];
    const quiet = all.filter(({ load }) => load < busyLoad);
    // One that has yet to write its last batch is soon ready, and better than a new one.
    if (quiet.length > 0) return quiet.find(({ isReady }) => isReady);
    void this.#open();
    return all.filter(({ isReady }) => isReady).sort((one, other) => one.load - other.load)[0];
  }

  /** At most twice a batch: nobody has more than one in it. */
  #nextBatch(): Call[] {
    const calls: Call[] = [];
    let load = 0;
    for (let call = this.#waiting[0]; call && load < batchLoad; call = this.#waiting[0]) {
      this.#waiting.shift();
      load += call.load;
      if (call.era === undefined || call.era === this.#era) calls.push(call);
      else call.succeed(undefined);
    }
    return calls;
  }

  async #open(): Promise<void> {
    if (this.#opening > 0 || this.#connections.size >= this.#options.connections) return;
    try {
      await this.#connect();
      this.#serve();
    } catch (error) {
      // Where there are others, they serve whoever waits.
      if (this.#connections.size > 0) return;
      this.#alarm.stop();
      for (const { fail } of this.#waiting.splice(0)) fail(error);
    }
  }

  #serveAlone(): void {
    const room = this.#options.connections - this.#connections.size - this.#opening;
    for (const call of this.#waiting.splice(0, room)) void this.#serveOne(call);
    if (this.#waiting.length > 0) this.#alarm.set();
    else this.#alarm.stop();
  }

  async #serveOne(call: Waiting): Promise<void> {
    try {
      const connection = await this.#connect();
      const replies = await new Promise<Replies>((succeed, fail) => {
        connection.send([{ ...call, succeed, fail }]);
      }).finally(() => {
        this.#connections.delete(connection);
        connection.close();
      });
      call.succeed(replies);
    } catch (error) {
      call.fail(error);
    }
    this.#serve();
  }

  async #connect(): Promise<MemcachedConnection> {
    const { connect, timeoutMs, clock, credentials } = this.#options;
    const [late, done] = [new AbortController(), new AbortController()];
    clock.sleep(timeoutMs, done.signal).then(() => {
      late.abort(new Error(`no connection within ${timeoutMs} ms`));
    });
    this.#opening++;
    try {
      const socket = await connect(this.#address, late.signal);
      const onChange = (): void => this.#changed(connection);
      const connection = new MemcachedConnection(socket, { timeoutMs, clock, onChange });
      if (credentials) await connection.signIn(credentials.user, credentials.password);
      if (this.#isClosed) connection.close();
      else this.#connections.add(connection);
      return connection;
    } finally {
      this.#opening--;
      done.abort();
    }
  }

  #changed(connection: MemcachedConnection): void {
    if (!connection.isOpen && this.#connections.delete(connection)) this.#era++;
    if (this.#waiting.length > 0) this.#serve();
  }
}

function closed(): Error {
  return new Error("it has been closed");
}

/** Commands that go out in one write. */
interface Batch {
  readonly commands: MetaCommand[];
  load: number;
}

/** Commands in pieces that neither side has to hold much of. */
function batchesOf(commands: readonly MetaCommand[]): Batch[] {
  const batches: Batch[] = [];
  let last: Batch | undefined;
  for (const command of commands) {
    const load = 1 + (command.value?.length ?? 0) / loadBytes;
    if (!last || last.load + load > batchLoad) batches.push(last = { commands: [], load: 0 });
    last.commands.push(command);
    last.load += load;
  }
  return batches;
}
