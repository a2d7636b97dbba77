/**
 * Finding delimiters in a stream of bytes.
 *
 * A delimiter, `CRLF--boundary`, may be cut by the chunks of the stream at any place, so what looks
 * like the beginning of one is held back until the next chunk decides. Nothing else is held: at
 * most one chunk and the beginning of a delimiter are in memory.
 */

const CR = 0x0d;
const LF = 0x0a;

/** Blanks that may follow a boundary on its line (RFC 2046, 5.1.1). */
const MOST_PADDING = 128;

/** A stream taken apart at the delimiters of one boundary. */
export class MultipartScanner {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #delimiter: Uint8Array;
  /** What has been read but not given out. The first delimiter's CRLF is the stream's start. */
  #buffer: Uint8Array = Uint8Array.of(CR, LF);
  #isDone = false;

  /** Takes over a stream. */
  constructor(stream: ReadableStream<Uint8Array>, boundary: string) {
    this.#reader = stream.getReader();
    this.#delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  }

  /** The next bytes before the delimiter; or `undefined` once, when it has been passed. */
  async content(): Promise<Uint8Array | undefined> {
    while (true) {
      const { index, isWhole } = this.#find();
      if (index > 0) return this.#take(index);
      if (isWhole) {
        this.#take(this.#delimiter.length);
        return undefined;
      }
      await this.#more();
    }
  }

  /** After a delimiter: whether a part follows, rather than the end. */
  async startsPart(): Promise<boolean> {
    while (this.#buffer.length < 2) await this.#more();
    if (this.#buffer[0] === 0x2d && this.#buffer[1] === 0x2d) return false;
    const padding = await this.line(MOST_PADDING);
    const isBlank = padding.every((byte) => byte === 0x20 || byte === 0x09);
    if (!isBlank) throw malformed("a boundary is followed by text");
    return true;
  }

  /** The next line without its CRLF. One longer than `mostBytes` is a `RangeError`. */
  async line(mostBytes: number): Promise<Uint8Array> {
    while (true) {
      const end = this.#endOfLine();
      if ((end ?? this.#buffer.length) > mostBytes + (end === undefined ? 1 : 0)) {
        throw new RangeError(
          `Cannot read form: a part has more than ${mostBytes} bytes of headers`,
        );
      }
      if (end !== undefined) {
        const line = this.#take(end);
        this.#take(2);
        return line;
      }
      await this.#more();
    }
  }

  /** Reads on to the end of the stream, if it comes within so many bytes: then the sender is done. */
  async drain(mostBytes: number): Promise<void> {
    for (let left = mostBytes; left >= 0 && !this.#isDone;) {
      const { done, value } = await this.#reader.read();
      this.#isDone = done;
      left -= value?.length ?? 0;
    }
  }

  /** Gives up the stream, unless it has ended. */
  async cancel(): Promise<void> {
    // Whoever gives up has an answer already, or a better error than a broken stream's.
    if (!this.#isDone) await this.#reader.cancel().catch(() => undefined);
    this.#reader.releaseLock();
  }

  /** Where the delimiter, whole or cut by the end of the buffer, begins; else the buffer's end. */
  #find(): { index: number; isWhole: boolean } {
    let index = this.#buffer.indexOf(CR);
    while (index >= 0) {
      const room = this.#buffer.length - index;
      const length = Math.min(room, this.#delimiter.length);
      if (this.#startsDelimiter(index, length)) {
        return { index, isWhole: length === this.#delimiter.length };
      }
      index = this.#buffer.indexOf(CR, index + 1);
    }
    return { index: this.#buffer.length, isWhole: false };
  }

  #startsDelimiter(index: number, length: number): boolean {
    for (let at = 1; at < length; at++) {
      if (this.#buffer[index + at] !== this.#delimiter[at]) return false;
    }
    return true;
  }

  #endOfLine(): number | undefined {
    let at = this.#buffer.indexOf(CR);
    while (at >= 0 && at + 1 < this.#buffer.length) {
      if (this.#buffer[at + 1] === LF) return at;
      at = this.#buffer.indexOf(CR, at + 1);
    }
    return undefined;
  }

  #take(length: number): Uint8Array {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#reader.read();
    this.#isDone = done;
    if (done) throw malformed("it ends before its last boundary");
    if (this.#buffer.length === 0) {
      this.#buffer = value;
      return;
    }
    const joined = new Uint8Array(this.#buffer.length + value.length);
    joined.set(this.#buffer);
    joined.set(value, this.#buffer.length);
    this.#buffer = joined;
  }
}

/** The error of a message that is not as RFC 7578 has it. */
export function malformed(state: string): SyntaxError {
  return new SyntaxError(`Cannot read form: ${state}`);
}
