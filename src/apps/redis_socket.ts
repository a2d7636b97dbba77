/** A connection to a Redis server that hands its replies on as they are. */

import { Buffer } from "node:buffer";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { formatCommand, RespReader, type RespReply } from "../../backends/redis/resp.ts";

/** Commands to Redis. */
export interface RedisServer {
  /** Sends commands without any other between them; rejects where there is no answer. */
  send(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<RespReply[]>;
  /** Ends the connection. */
  close(): void;
}

/** Where Redis listens unless told otherwise. */
const defaultPort = 6_379;

/** A server that is silent for so long, with a reply due, is taken for dead. */
const silenceMs = 30_000;

/**
 * Connects to `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS, when
 * something is sent, and anew after the connection was lost.
 */
export function redisServer(address: string): RedisServer {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol)) {
    throw new TypeError(`Cannot connect to Redis at "${withoutPassword(url)}": give redis://HOST`);
  }
  return new RedisSocket(url);
}

interface Due {
  readonly count: number;
  readonly replies: RespReply[];
  readonly resolve: (replies: RespReply[]) => void;
  readonly reject: (error: unknown) => void;
}

class RedisSocket implements RedisServer {
  readonly #url: URL;
  #open: OpenSocket | undefined;
  #greeted: Promise<void> | undefined;

  constructor(url: URL) {
    this.#url = url;
  }

  async send(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<RespReply[]> {
    if (this.#open === undefined || this.#open.isOver) {
      this.#open = new OpenSocket(this.#url);
      this.#greeted = greet(this.#open, greetingOf(this.#url));
    }
    const open = this.#open;
    await this.#greeted;
    return await open.send(commands);
  }

  close(): void {
    this.#open?.end(new Error("the connection was closed"));
  }
}

// Nothing else is sent before it is done: it would go to another database, or as another user.
async function greet(open: OpenSocket, greeting: readonly string[][]): Promise<void> {
  const replies = await open.send(greeting);
  const refusal = replies.find((reply) => reply instanceof Error);
  if (refusal === undefined) return;
  open.end(refusal);
  throw refusal;
}

class OpenSocket {
  isOver = false;
  readonly #socket: Socket;
  readonly #reader: RespReader = new RespReader();
  readonly #due: Due[] = [];

  constructor(url: URL) {
    const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, "");
    const at = { host, port: Number(url.port || defaultPort), noDelay: true };
    this.#socket = url.protocol === "rediss:" ? connectTls(at) : connectTcp(at);
    this.#socket.on("data", (bytes: Uint8Array) => this.#read(bytes));
    this.#socket.on("error", (error) => this.end(error));
    this.#socket.on("close", () => this.end(new Error("Redis closed the connection")));
    this.#socket.setTimeout(silenceMs, () => this.#onSilence());
  }

  send(commands: readonly (readonly (string | Uint8Array)[])[]): Promise<RespReply[]> {
    if (commands.length === 0) return Promise.resolve([]);
    if (this.isOver) return Promise.reject(new Error("the connection was closed"));
    return new Promise((resolve, reject) => {
      this.#due.push({ count: commands.length, replies: [], resolve, reject });
      // One write, for small ones are held back by the network, 40 ms each.
      this.#socket.write(Buffer.concat(commands.map(formatCommand)));
    });
  }

  end(error: unknown): void {
    this.isOver = true;
    this.#socket.destroy();
    for (const { reject } of this.#due.splice(0)) reject(error);
  }

  #read(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes);
      for (let reply = this.#reader.take(); reply !== undefined; reply = this.#reader.take()) {
        this.#hand(reply);
      }
    } catch (error) {
      this.end(error);
    }
  }

  #hand(reply: RespReply): void {
    const [first] = this.#due;
    if (first === undefined) throw new Error("Redis sent a reply that nobody asked for");
    first.replies.push(reply);
    if (first.replies.length < first.count) return;
    this.#due.shift();
    first.resolve(first.replies);
  }

  #onSilence(): void {
    if (this.#due.length > 0) this.end(new Error(`Redis did not answer within ${silenceMs} ms`));
  }
}

function greetingOf({ username, password, pathname }: URL): string[][] {
  const [user, secret] = [username, password].map(decodeURIComponent);
  const database = pathname.slice(1);
  return [
    ...(secret ? [user ? ["AUTH", user, secret] : ["AUTH", secret]] : []),
    ...(database ? [["SELECT", database]] : []),
  ];
}

function withoutPassword(url: URL | undefined): string {
  return url === undefined ? "an address that is no URL" : `${url.protocol}//${url.host}`;
}
