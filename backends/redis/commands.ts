/** What cairn needs of a Redis connection, whoever makes it. */

/**
 * A connection to Redis, or to what speaks its language.
 *
 * Adapters for the usual clients are beside this file; anything else takes one function. A connection
 * does not retry: whether a command was done is not known once its reply is lost.
 */
export interface RedisCommands {
  /** For messages, e.g. `"ioredis"`. */
  readonly name: string;
  /** Whether the keys are spread over several servers, so that a command takes keys of one slot. */
  readonly isCluster: boolean;
  /**
   * What arguments may hold: any bytes, or only text, as in JSON. Where it is text, cairn writes
   * through scripts that turn it into bytes again.
   */
  readonly arguments: "bytes" | "text";
  /**
   * Sends commands in one round trip, as far as the servers that hold their keys are the same, and
   * answers their replies in order. A command that the server refuses is answered by an `Error`;
   * without an answer of the server it rejects.
   */
  send(commands: readonly RedisCommand[]): Promise<RedisReply[]>;
}

/** A command's name, in lower case, and its arguments. Text travels as UTF-8. */
export type RedisCommand = readonly RedisArgument[];

/** One argument. */
export type RedisArgument = string | Uint8Array;

/** A reply; texts of every kind are bytes. */
export type RedisReply = Uint8Array | number | null | Error | readonly RedisReply[];

/** What a reply may be as clients give it. */
export type ClientReply =
  | string
  | number
  | bigint
  | null
  | Uint8Array
  | Error
  | readonly ClientReply[];

/** A reply of a client as one of ours. */
export function replyOf(reply: ClientReply): RedisReply {
  if (typeof reply === "string") return encoder.encode(reply);
  if (typeof reply === "bigint") return Number(reply);
  if (Array.isArray(reply)) return (reply as readonly ClientReply[]).map(replyOf);
  return reply instanceof Uint8Array ? plainBytes(reply) : reply as RedisReply;
}

// A Buffer is a Uint8Array of another prototype, with methods of other meanings.
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const encoder = new TextEncoder();

/** The key by which a command finds its server: the first one of a script, else the first argument. */
export function routingKeyOf(command: RedisCommand): RedisArgument | undefined {
  return /^eval(sha)?$/i.test(String(command[0])) ? command[3] : command[1];
}

/** Runs commands side by side, each by `call`; a client that pipelines makes one trip of them. */
export function sideBySide(
  commands: readonly RedisCommand[],
  call: (command: RedisCommand) => Promise<unknown>,
  isRefusal: (error: unknown) => boolean,
): Promise<RedisReply[]> {
  const refused = (error: unknown): Error => {
    if (isRefusal(error)) return error as Error;
    throw error;
  };
  // One command is the usual case, and each promise costs as much as a hundredth of its trip.
  if (commands.length === 1) return call(commands[0]!).then(onlyReply, (error) => [refused(error)]);
  return Promise.all(commands.map((command) => call(command).then(ofClient, refused)));
}

function ofClient(reply: unknown): RedisReply {
  return replyOf(reply as ClientReply);
}

function onlyReply(reply: unknown): RedisReply[] {
  return [ofClient(reply)];
}
