/**
 * One connection to a memcached server, which many callers share: their commands go out as they come,
 * and the replies come back in the same order.
 *
 * Whose reply it is, is known twice over: by its turn, and by the mark that the server gives back. Where
 * the two disagree, or a reply is late, or the connection ends, it is closed for good and everybody on it
 * is told; so a reply never gets to somebody who did not ask for it. A reply is late when it has not come
 * in time after the one before, or after its command, whichever was later.
 *
 * One read is always under way: it is how the end of an idle connection is noticed.
 */

import { type Clock, NEVER } from "../../src/contracts/clock.ts";
import { Alarm } from "./alarm.ts";
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
  /** Sends bytes; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * The next bytes that arrive, which nobody else will write to; `undefined` at the end. Rejects when the
   * connection fails.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Closes the connection; reads and writes under way end. */
  close(): void;
}

/** How long to wait, and whom to tell. */
export interface ConnectionOptions {
  /** For each reply, in milliseconds. */
  readonly timeoutMs: number;
  /** Measures the wait. */
  readonly clock: Clock;
  /** Is called when there may be room for more, and when the connection has ended. */
  readonly onChange?: () => void;
}

/** Answers to commands, by position. */
export type Replies = readonly MetaReply[];

/** Somebody's commands, and what becomes of them. */
export interface Call {
  /** At least one. */
  readonly commands: readonly MetaCommand[];
  /** How much they are: one for each, and more where they are long. */
  readonly load: number;
  /** Takes the replies, once all are there. */
  readonly succeed: (replies: Replies) => void;
  /** Is told why there are none. */
  readonly fail: (error: unknown) => void;
}

/** A call whose replies are on their way. */
interface Sent extends Omit<Call, "commands"> {
  readonly count: number;
  /** Of its first reply; what comes before the meta protocol has none. */
  readonly mark: number | undefined;
  readonly replies: MetaReply[];
}

/** How much may be on its way, by `Call.load`. Whoever comes then has to wait. */
const mostLoad = 4_096;

/** A connection. */
export class MemcachedConnection {
  readonly #socket: MemcachedSocket;
  readonly #options: ConnectionOptions;
  readonly #reader = new ReplyReader();
  readonly #sent: Sent[] = [];
  readonly #alarm: Alarm;
  #isOpen = true;
  #isWriting = false;
  #load = 0;
  #mark = 0;
  #dueAt = NEVER;

  /** Takes over a socket that is open. */
  constructor(socket: MemcachedSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const { clock, timeoutMs } = options;
    this.#alarm = new Alarm({
      clock,
      dueAt: () => this.#dueAt,
      ring: () => this.close(new Error(`no reply within ${timeoutMs} ms`)),
    });
    void this.#receive();
  }

  /** Whether it can still be used. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether something can be sent now. */
  get isReady(): boolean {
    return this.#isOpen && !this.#isWriting && this.#load < mostLoad;
  }

  /** How much is on its way. */
  get load(): number {
    return this.#load;
  }

  /** Closes it, and says why to everybody on it. */
  close(reason: unknown = ended()): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#dueAt = NEVER;
    this.#alarm.stop();
    this.#socket.close();
    this.#options.onChange?.();
    for (const { fail } of this.#sent.splice(0)) fail(reason);
  }

  /** Sends the commands of calls in one write. */
  send(calls: readonly Call[]): void {
    const mark = this.#mark;
    const sent: Sent[] = [];
    for (const { commands: { length: count }, load, succeed, fail } of calls) {
      sent.push({ count, load, mark: this.#mark, replies: [], succeed, fail });
      this.#mark += count;
    }
    const all = calls.length === 1 ? calls[0]!.commands : calls.flatMap(({ commands }) => commands);
    this.#write(formatCommands(all, mark), sent);
  }

  /** Signs in with a name and a password, as servers started with `-Y` want it. */
  async signIn(user: string, password: string): Promise<void> {
    const secret = `${user} ${password}`;
    const { length } = new TextEncoder().encode(secret);
    const bytes = new TextEncoder().encode(`set auth 0 0 ${length}\r\n${secret}\r\n`);
    const [reply] = await new Promise<Replies>((succeed, fail) => {
      this.#write(bytes, [{ count: 1, load: 1, mark: undefined, replies: [], succeed, fail }]);
    });
    if (reply!.code === "STORED") return;
    this.close();
    throw new Error(`the server refuses to sign in "${user}": ${textOf(reply!)}`);
  }

  #write(bytes: Uint8Array, sent: readonly Sent[]): void {
    if (!this.#isOpen) return sent.forEach(({ fail }) => fail(ended()));
    const isFirst = this.#sent.length === 0;
    this.#sent.push(...sent);
    for (const { load } of sent) this.#load += load;
    if (isFirst) this.#await();
    this.#isWriting = true;
    this.#socket.write(bytes).then(() => {
      this.#isWriting = false;
      this.#options.onChange?.();
    }, (error) => this.close(error));
  }

  async #receive(): Promise<void> {
    try {
      while (this.#isOpen) {
        const piece = await this.#socket.read();
        if (!piece) throw new Error("the server ended the connection");
        this.#reader.push(piece);
        this.#takeAll();
      }
    } catch (error) {
      this.close(error);
    }
  }

  #takeAll(): void {
    let count = 0;
    for (let reply = this.#reader.next(); reply; reply = this.#reader.next(), count++) {
      this.#take(reply);
    }
    if (this.#sent.length === 0 && !this.#reader.isEmpty) throw unasked();
    if (count > 0) this.#await();
    this.#options.onChange?.();
  }

  #take(reply: MetaReply): void {
    const [call] = this.#sent;
    if (!call) throw unasked();
    const { count, load, mark, replies } = call;
    if (mark !== undefined) requireAnswer(reply, mark + replies.length);
    if (replies.push(reply) < count) return;
    this.#sent.shift();
    this.#load -= load;
    const refusal = replies.find(isError);
    if (refusal && mark !== undefined) call.fail(refused(refusal));
    else call.succeed(replies);
  }

  #await(): void {
    const { clock, timeoutMs } = this.#options;
    this.#dueAt = this.#sent.length > 0 ? clock.now() + timeoutMs : NEVER;
    this.#alarm.set();
  }
}

/** Throws where a reply is not that of the command with a mark. */
function requireAnswer(reply: MetaReply, mark: number): void {
  const { code, words } = reply;
  // A refusal bears no mark, nor, from the first servers of 1.6, does the reply that nothing is there.
  if (code === "SERVER_ERROR" || (code === "EN" && words.length === 0)) return;
  if (code === "ERROR") throw new Error("the server does not know the meta protocol");
  if (code === "CLIENT_ERROR") {
    if (words[0] === "unauthenticated") throw new Error("the server wants a name and a password");
    // It may answer once more, for what it takes for the next line.
    throw refused(reply);
  }
  if (flagOf(reply, "O") !== String(mark)) {
    throw new Error(`the server answers what nobody asked: ${textOf(reply)}`);
  }
}

function ended(): Error {
  return new Error("the connection has ended");
}

function refused(reply: MetaReply): Error {
  return new Error(`the server refuses: ${textOf(reply)}`);
}

function unasked(): Error {
  return new Error("the server says more than it was asked");
}

function textOf({ code, words }: MetaReply): string {
  return [code, ...words].join(" ");
}
