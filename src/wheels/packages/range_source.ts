/** Bytes that can be read in parts, and reading them without trusting the lengths they state. */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import type { ByteRange } from "../../contracts/file_store.ts";

/** Bytes that can be read in parts. A `StagedFile` is one. */
export interface RangeSource {
  /** How many there are. */
  readonly sizeBytes: number;
  /** A part of them. */
  read(range: ByteRange): Promise<Uint8Array>;
}

/** As many bytes as one window holds. */
const WINDOW_BYTES = 256 * 1024;

/** As many bytes as the windows grow to in which the whole of a source is read. */
const LARGEST_WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Reads small parts of a source that lie in ascending order, fetching them in windows, so that a
 * thousand headers close to each other cost one read, and bytes far from all headers none.
 */
export class WindowedReader {
  readonly #source: RangeSource;
  #offset = 0;
  #window: Uint8Array = new Uint8Array(0);

  /** Begins with a window already read, if there is one. */
  constructor(source: RangeSource, window?: { offset: number; bytes: Uint8Array }) {
    this.#source = source;
    if (window === undefined) return;
    this.#offset = window.offset;
    this.#window = window.bytes;
  }

  /** The bytes of a range. One that goes beyond the end makes the archive unsound. */
  async read(range: ByteRange): Promise<Uint8Array> {
    if (!this.#holds(range)) await this.#fetch(range);
    const start = range.offset - this.#offset;
    return this.#window.subarray(start, start + range.length);
  }

  #holds({ offset, length }: ByteRange): boolean {
    return offset >= this.#offset && offset + length <= this.#offset + this.#window.length;
  }

  async #fetch({ offset, length }: ByteRange): Promise<void> {
    const rest = this.#source.sizeBytes - offset;
    if (!(offset >= 0 && length >= 0 && length <= rest)) {
      throw new InvalidDistributionError("it is truncated, or states offsets beyond its end");
    }
    const wanted = { offset, length: Math.min(rest, Math.max(length, WINDOW_BYTES)) };
    this.#window = await this.#source.read(wanted);
    this.#offset = offset;
    if (this.#window.length < length) throw new InvalidDistributionError("it is truncated");
  }
}

/**
 * The whole of a source, a window at a time. Each is twice as long as the one before, up to a bound:
 * who wants little reads little, and who wants all asks a store of objects not too often.
 */
export async function* windowsOf(source: RangeSource): AsyncGenerator<Uint8Array, void, undefined> {
  let window = WINDOW_BYTES;
  for (let offset = 0; offset < source.sizeBytes;) {
    const length = Math.min(window, source.sizeBytes - offset);
    yield await source.read({ offset, length });
    offset += length;
    window = Math.min(2 * window, LARGEST_WINDOW_BYTES);
  }
}
