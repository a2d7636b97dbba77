/** Reading chunks by the number of bytes wanted, holding no more than asked for. */

/** The bytes of an iteration of chunks, taken from its front. */
export class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  /** Takes over an iteration. */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or `undefined` where there are fewer. */
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

  /** Drops the next `length` bytes; answers `false` where there are fewer. */
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

  /** Ends the iteration. */
  async end(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** At most `most` bytes of what comes next, or `undefined` at the end. */
  async #next(most: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next();
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
