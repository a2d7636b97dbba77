/**
 * Inflating with a bound, by the platform's own DecompressionStream.
 *
 * The platform inflates a chunk as a whole, which may make it a thousand times as large, and not
 * every platform waits for its reader before it takes the next (Node 22 does not). So chunks are
 * cut small and handed over one by one, each only when somebody waits for more: then nothing is
 * read that is not needed, and no more than the growth of one small chunk lies in memory.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";

/** As much as is inflated at once: at most some 16 MB come out of it. */
const SLICE_BYTES = 16 * 1024;

/**
 * Inflates raw deflate data whose length is stated beforehand. More bytes than stated end it at
 * once; they, or data that is no deflate stream, throw an `InvalidDistributionError`.
 */
export async function inflateRaw(data: Uint8Array, statedBytes: number): Promise<Uint8Array> {
  const content = new Uint8Array(statedBytes);
  let length = 0;
  try {
    for await (const chunk of inflated([data], "deflate-raw")) {
      if (length + chunk.length > statedBytes) return refuseSize();
      content.set(chunk, length);
      length += chunk.length;
    }
  } catch (cause) {
    if (cause instanceof InvalidDistributionError) throw cause;
    throw new InvalidDistributionError("it has an entry that cannot be inflated", { cause });
  }
  return length === statedBytes ? content : refuseSize();
}

/** The inflated chunks of a source. Errors of the source and of the platform pass through. */
export async function* inflated(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  format: "deflate-raw" | "gzip",
): AsyncGenerator<Uint8Array, void, undefined> {
  const { readable, writable } = new DecompressionStream(format);
  const reader = readable.getReader();
  const feeder = new Feeder(sliced(source), writable.getWriter());
  try {
    while (true) {
      const chunk = await feeder.feedUntil(reader.read());
      if (chunk.done) return;
      yield chunk.value;
    }
  } finally {
    // Cancelling comes first, as it ends a write that waits for room. Whoever ends early has an
    // answer already, or a better error than a broken stream's.
    await Promise.allSettled([reader.cancel(), feeder.stop()]);
  }
}

/** Writes slice after slice, but only while somebody waits. */
class Feeder {
  readonly #slices: AsyncIterator<Uint8Array<ArrayBuffer>>;
  readonly #writer: WritableStreamDefaultWriter<BufferSource>;
  #isClosed = false;
  /** The step under way, left over where the answer came before its end. */
  #step: Promise<void> | undefined;

  constructor(
    slices: AsyncIterator<Uint8Array<ArrayBuffer>>,
    writer: WritableStreamDefaultWriter<BufferSource>,
  ) {
    this.#slices = slices;
    this.#writer = writer;
    // The same error ends the reader's read, where it is seen.
    writer.closed.catch(() => undefined);
  }

  async feedUntil<T>(answer: Promise<T>): Promise<T> {
    let isThere = false;
    const settle = () => void (isThere = true);
    answer.then(settle, settle);
    while (!isThere && !(this.#isClosed && this.#step === undefined)) {
      this.#step ??= this.#feed().finally(() => this.#step = undefined);
      await Promise.race([answer, this.#step]);
    }
    return await answer;
  }

  async stop(): Promise<void> {
    if (!this.#isClosed) await this.#writer.abort();
    await this.#slices.return?.();
  }

  async #feed(): Promise<void> {
    const { done, value } = await this.#slices.next();
    this.#isClosed = done === true;
    if (done) await this.#writer.close();
    else await this.#writer.write(value);
  }
}

async function* sliced(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) yield chunk.slice(at, at + SLICE_BYTES);
  }
}

function refuseSize(): never {
  throw new InvalidDistributionError("it has an entry of another size than stated");
}
