/**
 * The body of an upstream's file, going on where a transfer broke off: long transfers through
 * proxies are cut now and then, and to begin anew each time would never end.
 */

import type { Clock } from "../../contracts/clock.ts";
import { IntegrityError, UpstreamError } from "../../contracts/errors.ts";
import { within } from "./time_limit.ts";
import type { Fetched, UpstreamFetcher } from "./upstream_fetch.ts";

const MOST_RESUMPTIONS = 3;
const STALLED_MS = 30_000;

/** Which body to read. */
export interface ResumedBodyOptions {
  /** Who asks. */
  readonly fetcher: UpstreamFetcher;
  /** The answer that the transfer begins with: a 200. */
  readonly first: Fetched;
  /** How many bytes there must be, where that is known. */
  readonly sizeBytes: number | undefined;
  /** Tells when a transfer has stalled. */
  readonly clock: Clock;
}

/** Reads a body chunk by chunk. Call {@linkcode ResumedBody.cancel} if it is not read to its end. */
export class ResumedBody {
  readonly #options: ResumedBodyOptions;
  #current: Fetched;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #resumptions = 0;
  #receivedBytes = 0;

  /** Begins with the first answer's body. */
  constructor(options: ResumedBodyOptions) {
    this.#options = options;
    this.#current = options.first;
    this.#reader = options.first.response.body?.getReader();
  }

  /** How many bytes have been read. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The next bytes, or `undefined` after the last of exactly as many as there must be. */
  async next(): Promise<Uint8Array | undefined> {
    const { sizeBytes } = this.#options;
    const { value, failure } = await this.#read();
    if (value !== undefined) {
      this.#receivedBytes += value.byteLength;
      if (sizeBytes !== undefined && this.#receivedBytes > sizeBytes) throw this.#wrongLength();
      return value;
    }
    if (failure === undefined && (sizeBytes ?? this.#receivedBytes) === this.#receivedBytes) {
      return undefined;
    }
    await this.#resume(failure);
    return await this.next();
  }

  /** Breaks the transfer off. */
  async cancel(): Promise<void> {
    this.#current.abort();
    // The transfer is over whatever its stream says to that.
    await this.#reader?.cancel().catch(() => {});
  }

  async #read(): Promise<{ value?: Uint8Array | undefined; failure?: unknown }> {
    try {
      const result = await within<{ value?: Uint8Array | undefined } | undefined>(
        Promise.resolve(this.#reader?.read()),
        { clock: this.#options.clock, limitMs: STALLED_MS, late: () => this.#stalled() },
      );
      return { value: result?.value };
    } catch (failure) {
      return { failure };
    }
  }

  #stalled(): never {
    this.#current.abort();
    throw new UpstreamError(this.#options.first.url, `nothing came for ${STALLED_MS} ms`);
  }

  async #resume(cause: unknown): Promise<void> {
    const { fetcher, first, sizeBytes } = this.#options;
    const etag = first.response.headers.get("etag");
    if (
      ++this.#resumptions > MOST_RESUMPTIONS || etag === null || etag.startsWith("W/") ||
      sizeBytes === undefined
    ) {
      throw cause === undefined
        ? this.#wrongLength()
        : new UpstreamError(first.url, "the transfer broke off", { cause });
    }
    this.#current = await fetcher.get(first.url, {
      "accept-encoding": "identity",
      range: `bytes=${this.#receivedBytes}-`,
      "if-range": etag,
    });
    const { response } = this.#current;
    const range = `bytes ${this.#receivedBytes}-${sizeBytes - 1}/${sizeBytes}`;
    if (response.status !== 206 || response.headers.get("content-range") !== range) {
      await this.cancel();
      throw new UpstreamError(first.url, "the transfer broke off and could not be resumed", {
        status: response.status,
      });
    }
    this.#reader = response.body?.getReader();
  }

  #wrongLength(): IntegrityError {
    // A query may hold a token, which is nobody's business.
    const { origin, pathname } = new URL(this.#options.first.url);
    return new IntegrityError(origin + pathname, "length", {
      expected: String(this.#options.sizeBytes),
      actual: String(this.#receivedBytes),
    });
  }
}
