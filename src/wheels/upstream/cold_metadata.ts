/**
 * Core metadata of files that the upstream has: fetched once, checked, and kept beside the file.
 *
 * What is kept is checked again whenever it is served, because it lies under a name, and the
 * upstream may have replaced the wheel of that name before we held it.
 */

import type { Clock } from "../../contracts/clock.ts";
import { IntegrityError, UpstreamError } from "../../contracts/errors.ts";
import type { ByteRange, FileStore } from "../../contracts/file_store.ts";
import type { ColdFile } from "./fill.ts";
import { metadataPath } from "../paths.ts";
import { readAll } from "./read_all.ts";
import { sha256Hex } from "../sha256_hex.ts";
import { within } from "./time_limit.ts";
import type { Upstream } from "./upstream.ts";
import type { WheelFile } from "../wheel_file.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The largest metadata that is believed, in bytes. */
const MOST_BYTES = 4 * 1_048_576;
/** How long it may take, in milliseconds. */
const LIMIT_MS = 30_000;

/** Fetches metadata, each only once at a time in a process. */
export class ColdMetadata {
  readonly #files: FileStore;
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #running = new Map<string, Promise<Bytes>>();

  /** Takes where metadata goes and where it comes from. */
  constructor(parts: { files: FileStore; upstream: Upstream; clock: Clock }) {
    this.#files = parts.files;
    this.#upstream = parts.upstream;
    this.#clock = parts.clock;
  }

  /** The metadata with this digest; afterwards it is stored. */
  async file(cold: ColdFile, sha256: string): Promise<WheelFile> {
    const bytes = await this.#shared(cold, sha256);
    return {
      sha256,
      sizeBytes: bytes.byteLength,
      open: async (range) => streamOf(bytes, range),
    };
  }

  /** What is stored, if it is that. */
  async #held(path: string, sha256: string): Promise<Bytes | undefined> {
    const opened = await this.#files.read(path);
    if (opened === undefined) return undefined;
    if (opened.file.sizeBytes <= MOST_BYTES) {
      const bytes = await readAll(opened.body);
      if (await sha256Hex(bytes) === sha256) return bytes;
    } else {
      await opened.body.cancel();
    }
    return undefined;
  }

  /** What is stored or else fetched, each once for all who ask meanwhile. */
  async #shared(cold: ColdFile, sha256: string): Promise<Bytes> {
    const key = `${sha256} ${cold.path}`;
    const fetching = this.#running.get(key) ?? this.#found(cold, sha256);
    this.#running.set(key, fetching);
    try {
      return await within(fetching, {
        clock: this.#clock,
        limitMs: LIMIT_MS,
        late: () => {
          throw new UpstreamError(cold.file.url, `no metadata after ${LIMIT_MS} ms`);
        },
      });
    } finally {
      if (this.#running.get(key) === fetching) this.#running.delete(key);
    }
  }

  async #found(cold: ColdFile, sha256: string): Promise<Bytes> {
    return await this.#held(metadataPath(cold.path), sha256) ?? await this.#fetch(cold, sha256);
  }

  async #fetch({ file, path }: ColdFile, expected: string): Promise<Bytes> {
    const bytes = await this.#read(`${file.url}.metadata`);
    const actual = await sha256Hex(bytes);
    if (actual !== expected) {
      throw new IntegrityError(`"${file.filename}.metadata"`, "sha256", { expected, actual });
    }
    await this.#store(metadataPath(path), bytes, expected);
    return bytes;
  }

  async #read(url: string): Promise<Bytes> {
    const { response, abort } = await this.#upstream.open(url);
    const chunks: Bytes[] = [];
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) {
      sizeBytes += chunk.byteLength;
      chunks.push(new Uint8Array(chunk));
      if (sizeBytes <= MOST_BYTES) continue;
      abort();
      throw new UpstreamError(url, `it has more than ${MOST_BYTES} bytes`, { status: 200 });
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  /** Stores it, in place of what another wheel of that name left there. */
  async #store(path: string, bytes: Bytes, sha256: string): Promise<void> {
    const expected = { sizeBytes: bytes.byteLength, sha256 };
    const put = () => this.#files.put(path, streamOf(bytes), expected);
    if (await put() === "stored" || await this.#held(path, sha256) !== undefined) return;
    await this.#files.delete(path);
    await put();
  }
}

function streamOf(bytes: Bytes, range?: ByteRange): ReadableStream<Uint8Array> {
  const { offset, length } = range ?? { offset: 0, length: bytes.byteLength };
  return new Blob([bytes.subarray(offset, offset + length)]).stream();
}
