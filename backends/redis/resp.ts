/**
 * Redis's protocol, RESP2: commands out, replies in; no I/O.
 *
 * A reply is one line that begins with its kind (`+` status, `-` error, `:` integer, `$` length of
 * bytes that follow, `*` count of replies that follow) and ends with CR LF.
 */

/** A reply of the protocol. Statuses are text, bulk strings bytes. */
export type RespReply = string | Error | number | null | Uint8Array | readonly RespReply[];

/** The deepest nesting of replies that is read; no command of Redis nests half as deep. */
const maxDepth = 32;

/** A command as bytes. */
export function formatCommand(command: readonly (string | Uint8Array)[]): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode(`*${command.length}\r\n`)];
  for (const argument of command) {
    const bytes = typeof argument === "string" ? encoder.encode(argument) : argument;
    parts.push(encoder.encode(`$${bytes.length}\r\n`), bytes, lineEnd);
  }
  return joined(parts);
}

/** A reply as bytes. */
export function formatReply(reply: RespReply): Uint8Array {
  if (reply === null) return encoder.encode("$-1\r\n");
  if (typeof reply === "number") return encoder.encode(`:${reply}\r\n`);
  if (typeof reply === "string") return encoder.encode(`+${reply}\r\n`);
  if (reply instanceof Error) return encoder.encode(`-${reply.message}\r\n`);
  if (reply instanceof Uint8Array) {
    return joined([encoder.encode(`$${reply.length}\r\n`), reply, lineEnd]);
  }
  return joined([encoder.encode(`*${reply.length}\r\n`), ...reply.map(formatReply)]);
}

/** Reads replies from bytes that arrive in pieces. */
export class RespReader {
  #bytes: Uint8Array = new Uint8Array(0x1000);
  #start = 0;
  #end = 0;
  #needed = 0;

  /** Takes more bytes. */
  push(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The next reply, or `undefined` until more bytes have come. A `SyntaxError` for what is no reply;
   * nothing can be read after it.
   */
  take(): RespReply | undefined {
    // A long string that has come in part is not looked at again before it can be whole.
    if (this.#end - this.#start < this.#needed) return undefined;
    const cursor = new Cursor(this.#bytes.subarray(this.#start, this.#end));
    const reply = cursor.reply(0);
    if (reply === undefined) {
      this.#needed = cursor.needed;
      return undefined;
    }
    this.#start += cursor.offset;
    this.#needed = 0;
    return reply;
  }

  #makeRoom(length: number): void {
    const held = this.#end - this.#start;
    if (this.#end + length <= this.#bytes.length) return;
    const target = held + length > this.#bytes.length
      ? new Uint8Array(2 * (held + length))
      : this.#bytes;
    target.set(this.#bytes.subarray(this.#start, this.#end));
    [this.#bytes, this.#start, this.#end] = [target, 0, held];
  }
}

/** Reads one reply that must be the whole of `bytes`; a `SyntaxError` if it is not. */
export function parseReply(bytes: Uint8Array): RespReply {
  const cursor = new Cursor(bytes);
  const reply = cursor.reply(0);
  if (reply !== undefined && cursor.offset === bytes.length) return reply;
  throw new SyntaxError("Cannot read reply: it does not end where its bytes do");
}

class Cursor {
  offset = 0;
  needed = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  reply(depth: number): RespReply | undefined {
    const line = this.#line();
    if (line === undefined) return undefined;
    const text = line.slice(1);
    switch (line[0]) {
      case "+":
        return text;
      case "-":
        return new Error(text);
      case ":":
        return numberOf(text);
      case "$":
        return this.#bulk(numberOf(text));
      case "*":
        return this.#array(numberOf(text), depth);
      default:
        throw new SyntaxError(`Cannot read reply: it begins with "${line.slice(0, 1)}"`);
    }
  }

  #line(): string | undefined {
    const end = this.#bytes.indexOf(0x0a, this.offset);
    if (end < 0) {
      this.needed = this.#bytes.length + 1;
      return undefined;
    }
    const line = decoder.decode(this.#bytes.subarray(this.offset, end - 1));
    this.offset = end + 1;
    return line;
  }

  #bulk(length: number): Uint8Array | null | undefined {
    if (length < 0) return null;
    const end = this.offset + length;
    if (end + 2 > this.#bytes.length) {
      this.needed = end + 2;
      return undefined;
    }
    const bytes = this.#bytes.slice(this.offset, end);
    this.offset = end + 2;
    return bytes;
  }

  #array(count: number, depth: number): RespReply[] | null | undefined {
    if (count < 0) return null;
    if (depth >= maxDepth) throw new SyntaxError("Cannot read reply: it is nested too deep");
    const replies: RespReply[] = [];
    for (let index = 0; index < count; index++) {
      const reply = this.reply(depth + 1);
      if (reply === undefined) return undefined;
      replies.push(reply);
    }
    return replies;
  }
}

function numberOf(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new SyntaxError(`Cannot read reply: "${text}" is no integer`);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lineEnd = Uint8Array.of(0x0d, 0x0a);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
