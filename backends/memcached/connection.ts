/**
 * One connection to a memcached server: commands out in one write, replies back in order.
 *
 * Every reply has a deadline of its own. When one is late, or the connection ends or speaks nonsense,
 * the connection is closed for good, so that a late reply is never taken for that of another command.
 * Between exchanges one read is always under way: it is how the end of an idle connection is noticed.
 */

import type { Clock } from "../../src/contracts/clock.ts";
import {
  flagOf,
  formatCommands,
  isError,
  type MetaCommand,
  type MetaReply,
  ReplyReader,
} from "./protocol.ts";

/** What cairn needs of a socket. */
export interface MemcachedSocket {
  /** Sends bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** The next bytes that arrive; `undefined` at the end. Rejects when the connection fails. */
  read(): Promise<Uint8Array | undefined>;
  /** Closes the connection; reads and writes under way end. */
  close(): void;
}

/** How long to wait. */
export interface ConnectionOptions {
  /** For each reply, in milliseconds. */
  readonly timeoutMs: number;
  /** Measures the wait. */
  readonly clock: Clock;
}

/** Answers to commands, by position; `undefined` where a quiet command had nothing to say. */
export type Replies = (MetaReply | undefined)[];

/** A connection, used by one caller at a time. */
export class MemcachedConnection {
  readonly #socket: MemcachedSocket;
  readonly #options: ConnectionOptions;
  readonly #reader = new ReplyReader();
  #isOpen = true;
  #isIdle = true;
  #arriving: Promise<Uint8Array | undefined> | undefined;

  /** Takes over a socket that is open. */
  constructor(socket: MemcachedSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#listen();
  }

  /** Whether it can still be used. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Closes it. */
  close(): void {
    this.#isOpen = false;
    this.#socket.close();
  }

  /**
   * Sends commands and answers their replies. A command that the server refuses rejects with its
   * message, once all replies are read.
   */
  async exchange(commands: readonly MetaCommand[]): Promise<Replies> {
    const marked = commands.map((command, index) => marking(command, index));
    const request = formatCommands([...marked, { verb: "mn" }]);
    const all = await this.#whole(async () => {
      await this.#inTime(this.#socket.write(request));
      return await this.#untilEnd(commands.length);
    });
    const refusal = all.find(isError);
    if (refusal) throw new Error(`the server refuses: ${textOf(refusal)}`);
    return inOrder(all, commands.length);
  }

  /** Signs in with a name and a password, as servers started with `-Y` want it. */
  async signIn(user: string, password: string): Promise<void> {
    const secret = new TextEncoder().encode(`${user} ${password}`);
    const head = new TextEncoder().encode(`set auth 0 0 ${secret.length}\r\n`);
    const request = new Uint8Array([...head, ...secret, 0x0d, 0x0a]);
    const reply = await this.#whole(async () => {
      await this.#inTime(this.#socket.write(request));
      return await this.#reply();
    });
    if (reply.code === "STORED") return;
    this.close();
    throw new Error(`the server refuses to sign in "${user}": ${textOf(reply)}`);
  }

  /** Runs one exchange; whatever fails in it ends the connection. */
  async #whole<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw new Error("the connection has ended");
    this.#isIdle = false;
    try {
      const result = await run();
      if (!this.#reader.isEmpty) throw new Error("the server says more than it was asked");
      this.#isIdle = true;
      this.#listen();
      return result;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #untilEnd(count: number): Promise<MetaReply[]> {
    const replies: MetaReply[] = [];
    for (;;) {
      const reply = await this.#reply();
      if (reply.code === "MN") return replies;
      if (reply.code === "ERROR") throw new Error("the server does not know the meta protocol");
      // It says so to every line, and so to mn, too.
      if (reply.code === "CLIENT_ERROR" && reply.words[0] === "unauthenticated") {
        throw new Error("the server wants a name and a password");
      }
      if (!isError(reply) && !(positionOf(reply) < count)) {
        throw new Error(`the server answers what nobody asked: ${textOf(reply)}`);
      }
      // A refused command may be answered twice: for its line and for the data that follow.
      if (replies.push(reply) > 2 * count) throw new Error("the server does not stop answering");
    }
  }

  async #reply(): Promise<MetaReply> {
    const dueAt = this.#options.clock.now() + this.#options.timeoutMs;
    for (;;) {
      const reply = this.#reader.next();
      if (reply) return reply;
      const arriving = this.#arriving ?? this.#socket.read();
      this.#arriving = undefined;
      const piece = await this.#inTime(arriving, dueAt);
      if (!piece) throw new Error("the server ended the connection");
      this.#reader.push(piece);
    }
  }

  async #inTime<T>(work: Promise<T>, dueAt?: number): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const alarm = new AbortController();
    const leftMs = dueAt === undefined ? timeoutMs : dueAt - clock.now();
    const late = clock.sleep(Math.max(0, leftMs), alarm.signal).then((): never => {
      throw new Error(`no reply within ${timeoutMs} ms`);
    });
    // The one that loses the race may fail later, with nobody to hear it.
    late.catch(ignore);
    work.catch(ignore);
    try {
      return await Promise.race([work, late]);
    } finally {
      alarm.abort();
    }
  }

  /** Reads while nobody asks: what arrives then is an end, or belongs to nothing. */
  #listen(): void {
    if (this.#arriving) return;
    const arriving = this.#socket.read();
    this.#arriving = arriving;
    const end = (): void => {
      if (this.#isIdle) this.close();
    };
    arriving.then(end, end);
  }
}

/** Every reply that can be kept back or mixed up bears the position of its command. */
function marking(command: MetaCommand, index: number): MetaCommand {
  return { ...command, flags: [...command.flags ?? [], `O${index}`] };
}

function positionOf(reply: MetaReply): number {
  return Number(flagOf(reply, "O") ?? NaN);
}

function inOrder(all: readonly MetaReply[], count: number): Replies {
  const replies: Replies = new Array(count).fill(undefined);
  for (const reply of all) replies[positionOf(reply)] = reply;
  return replies;
}

function textOf({ code, words }: MetaReply): string {
  return [code, ...words].join(" ");
}

function ignore(): void {}
