/** A file store in memory: for tests, and for programs that keep nothing. */

import { type Clock, systemClock } from "../src/contracts/clock.ts";
import { BackendError } from "../src/contracts/errors.ts";
import {
  checkByteCount,
  checkByteRange,
  checkExpected,
  checkFilePath,
  checkPageLimit,
  comparePaths,
} from "../src/contracts/file_rules.ts";
import type {
  ByteRange,
  Expected,
  FileBody,
  FilePage,
  FileStore,
  Published,
  StagedFile,
  StoredFile,
} from "../src/contracts/file_store.ts";
import {
  alreadyEnded,
  collect,
  consuming,
  tooManyBytes,
  wrongDigest,
  wrongLength,
} from "./files/bodies.ts";

/** How a {@linkcode memoryFiles} store is set up. */
export interface MemoryFilesOptions {
  /** How many bytes all files may have together. Default 268,435,456 (256 MiB). */
  readonly capacityBytes?: number;
  /** Where `modifiedAt` comes from. Default the system clock. */
  readonly clock?: Clock;
}

/**
 * Makes an empty file store in memory. Publishing more than its capacity is a `BackendError`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryFiles } from "@cairn/cache/memory-files";
 *
 * const files = memoryFiles();
 * const staged = await files.stage(new Blob(["a wheel"]).stream(), 1_000);
 * equal(await staged.publish("demo-1.0-py3-none-any.whl"), "stored");
 * equal((await files.head("demo-1.0-py3-none-any.whl"))?.sizeBytes, 7);
 * ```
 */
export function memoryFiles(options: MemoryFilesOptions = {}): FileStore {
  return new MemoryFiles(options);
}

interface Held {
  readonly file: StoredFile;
  readonly bytes: Uint8Array;
}

class MemoryFiles implements FileStore {
  readonly name = "memory";
  readonly #capacityBytes: number;
  readonly #clock: Clock;
  readonly #files = new Map<string, Held>();
  #heldBytes = 0;

  constructor({ capacityBytes = 268_435_456, clock = systemClock }: MemoryFilesOptions) {
    checkByteCount("capacityBytes", capacityBytes);
    this.#capacityBytes = capacityBytes;
    this.#clock = clock;
  }

  async head(path: string): Promise<StoredFile | undefined> {
    checkFilePath(path);
    return this.#files.get(path)?.file;
  }

  async read(path: string, range?: ByteRange): Promise<FileBody | undefined> {
    checkFilePath(path);
    const held = this.#files.get(path);
    if (!held) return undefined;
    const { file, bytes } = held;
    return { file, body: streamOf(range ? partOf(bytes, range) : bytes) };
  }

  put(path: string, body: ReadableStream<Uint8Array>, expected: Expected): Promise<Published> {
    return consuming(body, async () => {
      checkFilePath(path);
      checkExpected(expected);
      if (this.#files.has(path)) return "exists";
      const bytes = await collect(body, expected.sizeBytes, () => wrongLength(path, expected));
      await verify(path, bytes, expected);
      return this.#publish(path, bytes);
    });
  }

  stage(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<StagedFile> {
    return consuming(body, async () => {
      checkByteCount("maxBytes", maxBytes);
      const bytes = await collect(body, maxBytes, () => tooManyBytes(maxBytes));
      return new StagedBytes(bytes, (path) => this.#publish(path, bytes));
    });
  }

  async delete(path: string): Promise<boolean> {
    checkFilePath(path);
    this.#heldBytes -= this.#files.get(path)?.bytes.length ?? 0;
    return this.#files.delete(path);
  }

  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<FilePage> {
    checkPageLimit(limit);
    const paths = [...this.#files.keys()]
      .filter((path) => cursor === undefined || comparePaths(path, cursor) > 0)
      .sort(comparePaths);
    const files = paths.slice(0, limit).map((path) => this.#files.get(path)!.file);
    return { files, cursor: paths.length > limit ? files.at(-1)!.path : undefined };
  }

  #publish(path: string, bytes: Uint8Array): Published {
    if (this.#files.has(path)) return "exists";
    if (this.#heldBytes + bytes.length > this.#capacityBytes) {
      const full = new RangeError(`All files together may have ${this.#capacityBytes} bytes`);
      throw new BackendError(this.name, "publish", full);
    }
    const file = { path, sizeBytes: bytes.length, modifiedAt: this.#clock.now() };
    this.#files.set(path, { file: Object.freeze(file), bytes });
    this.#heldBytes += bytes.length;
    return "stored";
  }
}

class StagedBytes implements StagedFile {
  readonly sizeBytes: number;
  #bytes: Uint8Array | undefined;
  readonly #publishAt: (path: string) => Published;

  constructor(bytes: Uint8Array, publishAt: (path: string) => Published) {
    this.sizeBytes = bytes.length;
    this.#bytes = bytes;
    this.#publishAt = publishAt;
  }

  async read(range: ByteRange): Promise<Uint8Array> {
    if (!this.#bytes) throw alreadyEnded("read");
    return partOf(this.#bytes, range).slice();
  }

  async publish(path: string): Promise<Published> {
    checkFilePath(path);
    if (!this.#bytes) throw alreadyEnded("publish");
    const published = this.#publishAt(path);
    this.#bytes = undefined;
    return published;
  }

  async discard(): Promise<void> {
    this.#bytes = undefined;
  }
}

function partOf(bytes: Uint8Array, range: ByteRange): Uint8Array {
  checkByteRange(range, bytes.length);
  return bytes.subarray(range.offset, range.offset + range.length);
}

const chunkBytes = 65_536;

// The chunks are copies: a reader may transfer or overwrite what it is given.
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller): void {
      if (offset === bytes.length) return controller.close();
      const chunk = bytes.slice(offset, offset + chunkBytes);
      offset += chunk.length;
      controller.enqueue(chunk);
    },
  });
}

async function verify(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  expected: Expected,
): Promise<void> {
  if (bytes.length !== expected.sizeBytes) throw wrongLength(path, expected, bytes.length);
  const actual = hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  if (actual !== expected.sha256) throw wrongDigest(path, expected, actual);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
