/** Reading a stream of chunks by the number of bytes wanted, holding no more than asked for. */

/** The bytes of a stream, taken from its front. It locks the stream until it is cancelled. */
export class ByteQueue {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #isDone = false;

  /** Takes over a stream. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next `length` bytes, or `undefined` where the stream has fewer. */
  async take(length: number): Promise<Uint8Array | undefined> {
    const taken: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = await this.#next(missing);
      if (chunk === undefined) return undefined;
      taken.push(chunk);
      missing -= chunk.length;
    }
    return joined(taken, length);
  }

  /** Drops the next `length` bytes; answers `false` where the stream has fewer. */
  async skip(length: number): Promise<boolean> {
    let missing = length;
    while (missing > 0) {
      const chunk = await this.#next(missing);
      if (chunk === undefined) return false;
      missing -= chunk.length;
    }
    return true;
  }

  /** What is left, chunk by chunk. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    while (true) {
      const chunk = await this.#next(Infinity);
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  /** Gives the stream up, unless it has ended. */
  async cancel(): Promise<void> {
    // Whoever cancels has an answer already, or a better error than a broken stream's.
    if (!this.#isDone) await this.#reader.cancel().catch(() => undefined);
    this.#reader.releaseLock();
  }

  /** At most `most` bytes of what comes next, or `undefined` at the end. */
  async #next(most: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#reader.read();
      this.#isDone = done;
      if (done) return undefined;
      this.#chunk = value;
    }
    const next = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(next.length);
    return next;
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
