/**
 * memcached's meta protocol (protocol.txt of 1.6), apart from any socket: commands to bytes, bytes
 * to replies.
 *
 * ```text
 * mg KEY FLAGS*\r\n               read         VA SIZE FLAGS*\r\nDATA\r\n   EN   HD
 * ms KEY SIZE FLAGS*\r\nDATA\r\n  store        HD   NS   EX   NF
 * md KEY FLAGS*\r\n               delete       HD   NF   EX
 * ma KEY FLAGS*\r\n               count        VA   HD   NF   NS   EX
 * me KEY FLAGS*\r\n               facts        ME KEY NAME=VALUE*   EN
 * mn\r\n                          nothing      MN
 * ```
 *
 * A flag is a letter and what belongs to it: `v` asks for the value, `C5` compares the cas. `O` comes
 * back with the reply, and `q` keeps the reply back where it would say nothing new; so many commands
 * go out in one write, with `mn` at their end, and the replies that do come name their commands.
 */

import { toBase64 } from "../../src/compose/base64.ts";

/** One command. */
export interface MetaCommand {
  /** What to do. */
  readonly verb: "mg" | "ms" | "md" | "ma" | "me" | "mn";
  /** The key; `mn` has none. */
  readonly key?: string;
  /** The flags, each with what belongs to it, e.g. `"v"`, `"T30"`. Default: none. */
  readonly flags?: readonly string[];
  /** What `ms` stores. */
  readonly value?: Uint8Array;
}

/** One reply. */
export interface MetaReply {
  /** The first word: two letters, `ERROR`, `CLIENT_ERROR`, `SERVER_ERROR`, or of the older protocol. */
  readonly code: string;
  /** What follows it, and the size of `VA`, word by word; of an error, the message in one piece. */
  readonly words: readonly string[];
  /** The data of `VA`. */
  readonly value: Uint8Array | undefined;
}

/** The longest key, in bytes of UTF-8 (`KEY_MAX_LENGTH`). */
export const longestKey = 250;

/** The longest key that has blanks or control characters: in base64 it has 248 bytes. */
export const longestEncodedKey = 186;

/** Far more than a line with the longest key and all its flags takes. */
const longestLine = 8_192;

/** The largest item that a server can be told to take (`-I`). */
const largestValue = 1 << 30;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lineEnd = encoder.encode("\r\n");

/**
 * The bytes of commands, to be sent in one write.
 *
 * A key with blanks or control characters goes as base64, under the flag `b`: the server knows it by
 * its own bytes all the same.
 */
export function formatCommands(commands: readonly MetaCommand[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const command of commands) {
    parts.push(encoder.encode(lineOf(command)));
    if (command.verb === "ms") parts.push(command.value ?? new Uint8Array(0), lineEnd);
  }
  return joined(parts);
}

/** Whether a key has to go as base64. */
export function needsEncoding(key: string): boolean {
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit <= 0x20 || unit === 0x7f) return true;
  }
  return false;
}

/** What belongs to a flag of a reply; `""` where nothing does, `undefined` where it is not there. */
export function flagOf(reply: MetaReply, letter: string): string | undefined {
  return reply.words.find((word) => word.startsWith(letter))?.slice(1);
}

/** Whether the server refused a command instead of carrying it out. */
export function isError({ code }: MetaReply): boolean {
  return code === "ERROR" || code === "CLIENT_ERROR" || code === "SERVER_ERROR";
}

/** Puts replies together from the pieces in which they arrive. */
export class ReplyReader {
  #bytes = new Uint8Array(4_096);
  #start = 0;
  #end = 0;

  /** Whether everything that arrived has been read. */
  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Takes the next piece. */
  push(piece: Uint8Array): void {
    this.#makeRoom(piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** The next reply that is there to its end. Throws a `SyntaxError` for what is none. */
  next(): MetaReply | undefined {
    const lineEnds = this.#findLineEnd();
    if (lineEnds === undefined) return undefined;
    const line = decoder.decode(this.#bytes.subarray(this.#start, lineEnds));
    const dataStart = lineEnds + 2;
    const [code = "", ...words] = line.split(" ");
    if (code !== "VA") return this.#take(dataStart, { code, words: wordsOf(code, words) });
    const size = sizeOf(line, words[0]);
    const dataEnd = dataStart + size;
    if (this.#end < dataEnd + 2) return undefined;
    if (this.#bytes[dataEnd] !== 0x0d || this.#bytes[dataEnd + 1] !== 0x0a) {
      throw new SyntaxError(
        `Cannot read the reply "${line}": its data do not end where they should`,
      );
    }
    const value = this.#bytes.slice(dataStart, dataEnd);
    return this.#take(dataEnd + 2, { code, words: words.slice(1), value });
  }

  #take(end: number, reply: Omit<MetaReply, "value"> & Partial<MetaReply>): MetaReply {
    this.#start = end;
    return { value: undefined, ...reply };
  }

  #findLineEnd(): number | undefined {
    const newline = this.#bytes.indexOf(0x0a, this.#start);
    const isThere = newline >= 0 && newline < this.#end;
    if ((isThere ? newline : this.#end) - this.#start > longestLine) {
      throw new SyntaxError("Cannot read a reply: its first line does not end");
    }
    if (!isThere) return undefined;
    if (this.#bytes[newline - 1] === 0x0d && newline > this.#start) return newline - 1;
    throw new SyntaxError("Cannot read a reply: its first line ends without a carriage return");
  }

  #makeRoom(length: number): void {
    if (this.#end + length <= this.#bytes.length) return;
    const held = this.#end - this.#start;
    const target = held + length <= this.#bytes.length / 2
      ? this.#bytes
      : new Uint8Array(2 * (held + length));
    target.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = target;
    this.#start = 0;
    this.#end = held;
  }
}

function lineOf({ verb, key, flags = [], value }: MetaCommand): string {
  const words: string[] = [verb];
  const isEncoded = key !== undefined && needsEncoding(key);
  if (key !== undefined) words.push(isEncoded ? toBase64(encoder.encode(key)) : key);
  if (verb === "ms") words.push(String(value?.length ?? 0));
  if (isEncoded) words.push("b");
  return `${[...words, ...flags].join(" ")}\r\n`;
}

/** An error is a message; its words mean nothing one by one. */
function wordsOf(code: string, words: readonly string[]): readonly string[] {
  return code.endsWith("ERROR") ? [words.join(" ")] : words;
}

function sizeOf(line: string, word: string | undefined): number {
  const size = /^\d{1,10}$/.test(word ?? "") ? Number(word) : Infinity;
  if (size <= largestValue) return size;
  throw new SyntaxError(`Cannot read the reply "${line}": it has no size`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
