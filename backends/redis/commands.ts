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
  /**
   * Where keys lie that are spread over several servers, so that a command takes keys of one slot:
   * `clusterSlots`, which the adapters for clusters export. `undefined` for one server.
   */
  readonly slots: RedisSlots | undefined;
  /**
   * What arguments may hold: any bytes, or only text, as in JSON. Where it is text, cairn writes
   * through scripts that turn it into bytes again.
   */
  readonly arguments: "bytes" | TextArguments;
  /**
   * Sends commands in one round trip, as far as the servers that hold their keys are the same, and
   * answers their replies in order. A command that the server refuses is answered by an `Error`;
   * without an answer of the server it rejects.
   */
  send(commands: readonly RedisCommand[]): Promise<RedisReply[]>;
}

/** Where a cluster keeps its keys. */
export interface RedisSlots {
  /** The slot of a key. */
  slotOf(key: string): number;
  /**
   * A name made of `prefix`, which has no braces, and `key`: in the slot of the key, and another one
   * for every key.
   */
  nameBeside(key: string, prefix: string): string;
  /** A short hash tag in a slot. */
  tagIn(slot: number): string;
}

/** How bytes travel as text. */
export interface TextArguments {
  /** The text of an argument. */
  encode(argument: RedisArgument): string;
  /** The Lua by which a script makes bytes of its `ARGV` again. */
  readonly decoding: string;
}

/** A command's name, in lower case, and its arguments. Text travels as UTF-8. */
export type RedisCommand = readonly RedisArgument[];

/** One argument. */
export type RedisArgument = string | Uint8Array;

/** A reply; texts of every kind are bytes, which may be a client's own kind of `Uint8Array`. */
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
  return Array.isArray(reply) ? reply.map(replyOf) : reply as RedisReply;
}

const encoder = new TextEncoder();

/** The key by which a command finds its server: the first one of a script, else the first argument. */
export function routingKeyOf(command: RedisCommand): RedisArgument | undefined {
  return /^eval(sha)?$/i.test(String(command[0])) ? command[3] : command[1];
}

/**
 * Makes what sends commands side by side, each by `call`; a client that pipelines makes one trip of
 * them. What `call` rejects with is a reply if it `isRefusal`.
 */
export function sideBySide(
  call: (command: RedisCommand) => Promise<unknown>,
  isRefusal: (error: unknown) => boolean,
): RedisCommands["send"] {
  const ofClient = (reply: unknown): RedisReply => replyOf(reply as ClientReply);
  const refused = (error: unknown): Error => {
    if (isRefusal(error)) return error as Error;
    throw error;
  };
  const onlyReply = (reply: unknown): RedisReply[] => [ofClient(reply)];
  const onlyRefused = (error: unknown): RedisReply[] => [refused(error)];
  return (commands) =>
    // One command is the usual case, and each promise costs as much as a hundredth of its trip.
    commands.length === 1
      ? call(commands[0]!).then(onlyReply, onlyRefused)
      : Promise.all(commands.map((command) => call(command).then(ofClient, refused)));
}
