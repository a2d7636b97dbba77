/**
 * memcached's meta protocol (protocol.txt of 1.6), apart from any socket: commands to bytes, bytes
 * to replies.
 *
 * ```text
 * mg KEY FLAGS*\r\n               read         VA SIZE FLAGS*\r\nDATA\r\n   EN   HD
 * ms KEY SIZE FLAGS*\r\nDATA\r\n  store        HD   NS   EX   NF
 * md KEY FLAGS*\r\n               delete       HD   NF   EX
 * ma KEY FLAGS*\r\n               count        VA   HD   NF   NS   EX
 * ```
 *
 * A flag is a letter and what belongs to it: `v` asks for the value, `C5` compares the cas. Replies come
 * in the order of their commands, one for each; so any number of commands can be on their way. The flag
 * `O` comes back with the reply: the mark by which it is known that nothing was lost in between.
 */

import { blankOrControl } from "../../src/compose/limits.ts";

/** One command. */
export interface MetaCommand {
  /** What to do. */
  readonly verb: "mg" | "ms" | "md" | "ma";
  /** The key. */
  readonly key: string;
  /**
   * The flags, each with what belongs to it, e.g. `"v"`, `"T30"`. Default: none. `q`, which would keep a
   * reply back, is left out, and `O` is put there.
   */
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

/** Up to here letters are quicker encoded one by one. */
const shortText = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The bytes of commands, to be sent in one write; the first bears `mark`, and each other the number
 * after.
 *
 * A key with blanks or control characters goes as base64, under the flag `b`: the server knows it by
 * its own bytes all the same.
 */
export function formatCommands(commands: readonly MetaCommand[], mark: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let text = "";
  for (const [index, command] of commands.entries()) {
    text += lineOf(command, mark + index);
    if (command.verb !== "ms") continue;
    parts.push(bytesOf(text), command.value ?? new Uint8Array(0));
    text = "\r\n";
  }
  const rest = bytesOf(text);
  return parts.length === 0 ? rest : joined([...parts, rest]);
}

/** What belongs to a flag of a reply; `""` where nothing does, `undefined` where it is not there. */
export function flagOf({ words }: MetaReply, letter: string): string | undefined {
  return words.find((word) => word.startsWith(letter))?.slice(1);
}

/** Whether the server refused a command instead of carrying it out. */
export function isError({ code }: MetaReply): boolean {
  return code.endsWith("ERROR");
}

/** Puts replies together from the pieces in which they arrive. */
export class ReplyReader {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** Whether everything that arrived has been read. */
  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Takes the next piece, which nobody may write to any more. */
  push(piece: Uint8Array): void {
    if (!this.isEmpty) return this.#append(piece);
    // A plain view: that of a Buffer would make its slices share its memory.
    this.#bytes = new Uint8Array(piece.buffer as ArrayBuffer, piece.byteOffset, piece.length);
    this.#start = 0;
    this.#end = piece.length;
  }

  /** The next reply that is there to its end. Throws a `SyntaxError` for what is none. */
  next(): MetaReply | undefined {
    const lineEnds = this.#findLineEnd();
    if (lineEnds === undefined) return undefined;
    const line = decoder.decode(this.#bytes.subarray(this.#start, lineEnds));
    const dataStart = lineEnds + 2;
    const [code = "", ...words] = line.split(" ");
    if (code !== "VA") {
      this.#start = dataStart;
      // An error is a message; its words mean nothing one by one.
      return { code, words: code.endsWith("ERROR") ? [words.join(" ")] : words, value: undefined };
    }
    const dataEnd = dataStart + sizeOf(line, words.shift());
    if (this.#end < dataEnd + 2) return undefined;
    if (this.#bytes[dataEnd] !== 0x0d || this.#bytes[dataEnd + 1] !== 0x0a) {
      throw unreadable(`reply "${line}"`, "its data do not end where they should");
    }
    this.#start = dataEnd + 2;
    return { code, words, value: this.#bytes.slice(dataStart, dataEnd) };
  }

  #findLineEnd(): number | undefined {
    const newline = this.#bytes.subarray(0, this.#end).indexOf(0x0a, this.#start);
    const isShort = (newline < 0 ? this.#end : newline) - this.#start <= longestLine;
    if (newline < 0 && isShort) return undefined;
    const lineEnds = newline - 1;
    if (isShort && lineEnds >= this.#start && this.#bytes[lineEnds] === 0x0d) return lineEnds;
    throw unreadable("reply", "its first line does not end as it should");
  }

  /** What is held is moved to the front of twice the room, so that a large value is not moved often. */
  #append(piece: Uint8Array): void {
    const held = this.#bytes.subarray(this.#start, this.#end);
    const length = held.length + piece.length;
    if (this.#start + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 * length);
      this.#bytes.set(held);
      this.#start = 0;
    }
    this.#bytes.set(piece, this.#start + held.length);
    this.#end = this.#start + length;
  }
}

function lineOf({ verb, key, flags = [], value }: MetaCommand, mark: number): string {
  const isEncoded = blankOrControl.test(key);
  let line = `${verb} ${isEncoded ? btoa(String.fromCharCode(...bytesOf(key))) : key}`;
  if (verb === "ms") line += ` ${value?.length ?? 0}`;
  if (isEncoded) line += " b";
  for (const flag of flags) if (flag !== "q") line += ` ${flag}`;
  return `${line} O${mark}\r\n`;
}

function sizeOf(line: string, word: string = ""): number {
  const size = /^\d{1,10}$/.test(word) ? Number(word) : Infinity;
  if (size <= largestValue) return size;
  throw unreadable(`reply "${line}"`, "it has no size");
}

function unreadable(what: string, state: string): SyntaxError {
  return new SyntaxError(`Cannot read ${what}: ${state}`);
}

/** UTF-8. An encoder takes ten times as long for a short text, wherever that has no other letters. */
function bytesOf(text: string): Uint8Array {
  if (text.length > shortText) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < bytes.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return encoder.encode(text);
    bytes[index] = unit;
  }
  return bytes;
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
