/**
 * A file store on a bucket of Workers R2.
 *
 * R2 publishes atomically: an object is there when its last byte has come, and the condition
 * `etagDoesNotMatch: "*"` keeps the first writer's. It wants to know a body's length beforehand, so
 * bodies pass through the Workers' own `FixedLengthStream`, and it checks their SHA-256 itself.
 *
 * R2 counts bytes, not ends: it stores an object as soon as all the bytes promised are there, even
 * if the body then goes on or fails. Therefore the last chunk is held back until the body has ended.
 */

import { type Clock, systemClock } from "../src/contracts/clock.ts";
import { BackendError } from "../src/contracts/errors.ts";
import {
  checkByteCount,
  checkByteRange,
  checkExpected,
  checkFilePath,
  checkPageLimit,
  isFilePath,
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
  attempt,
  collect,
  consuming,
  wrongDigest,
  wrongLength,
} from "./files/bodies.ts";
import type { R2Bucket, R2Object } from "./files/r2_bucket.ts";
import { type StagedBytes, stagingPrefix, sweep, takeAside } from "./files/r2_staging.ts";

export type {
  R2Bucket,
  R2MultipartUpload,
  R2Object,
  R2ObjectBody,
  R2PutOptions,
  R2UploadedPart,
} from "./files/r2_bucket.ts";

/** How an {@linkcode r2} store is set up. */
export interface R2Options {
  /**
   * What every key begins with, at most 124 bytes in UTF-8, for a bucket that holds other things
   * too. Default: nothing.
   */
  readonly prefix?: string;
  /** Where the age of leftovers comes from. Default the system clock. */
  readonly clock?: Clock;
}

const maxPrefixBytes = 124;

/**
 * Makes a file store on an R2 bucket, inside a Worker. With the first `stage` it removes what
 * writers that died more than a day ago left behind.
 *
 * Anywhere else than in a Worker it throws a `TypeError`.
 */
export function r2(bucket: R2Bucket, options: R2Options = {}): FileStore {
  return new R2Files(bucket, options);
}

class R2Files implements FileStore {
  readonly name = "r2";
  readonly #bucket: R2Bucket;
  readonly #prefix: string;
  readonly #clock: Clock;
  #swept: Promise<void> | undefined;

  constructor(bucket: R2Bucket, { prefix = "", clock = systemClock }: R2Options) {
    if (new TextEncoder().encode(prefix).length > maxPrefixBytes) {
      throw new RangeError(`Cannot use prefix "${prefix}": it is over ${maxPrefixBytes} bytes`);
    }
    if (!FixedLength) throw new TypeError("Cannot use R2: there is no FixedLengthStream here");
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  async head(path: string): Promise<StoredFile | undefined> {
    checkFilePath(path);
    const object = await this.#do("head", () => this.#bucket.head(this.#prefix + path));
    return object ? this.#fileOf(object) : undefined;
  }

  async read(path: string, range?: ByteRange): Promise<FileBody | undefined> {
    checkFilePath(path);
    if (range) return await this.#readPart(path, range);
    const object = await this.#do("read", () => this.#bucket.get(this.#prefix + path));
    return object ? { file: this.#fileOf(object), body: object.body } : undefined;
  }

  // R2 shortens a range that ends beyond the object, and takes none of no bytes.
  async #readPart(path: string, range: ByteRange): Promise<FileBody | undefined> {
    const file = await this.head(path);
    if (!file) return undefined;
    checkByteRange(range, file.sizeBytes);
    if (range.length === 0) return { file, body: new Blob([]).stream() };
    const { offset, length } = range;
    const object = await this.#do(
      "read",
      () => this.#bucket.get(this.#prefix + path, { range: { offset, length } }),
    );
    return object ? { file: this.#fileOf(object), body: object.body } : undefined;
  }

  put(path: string, body: ReadableStream<Uint8Array>, expected: Expected): Promise<Published> {
    return consuming(body, async () => {
      checkFilePath(path);
      checkExpected(expected);
      if (await this.head(path)) return "exists";
      const { sizeBytes, sha256 } = expected;
      const store = (value: ReadableStream<Uint8Array> | Uint8Array): Promise<R2Object | null> =>
        this.#bucket.put(this.#prefix + path, value, { sha256, onlyIf: isNew });
      try {
        const object = sizeBytes > 0
          ? await storeStream(store, body, { path, expected })
          : await store(await collect(body, 0, () => wrongLength(path, expected)));
        return object ? "stored" : "exists";
      } catch (error) {
        throw isDigestError(error) ? wrongDigest(path, expected, actualDigest(error)) : error;
      }
    });
  }

  stage(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<StagedFile> {
    return consuming(body, async () => {
      checkByteCount("maxBytes", maxBytes);
      await this.#sweepOnce();
      const bytes = await takeAside(this.#bucket, body, { prefix: this.#prefix, maxBytes });
      return new StagedOnR2(bytes, (path) => this.#publish(bytes, path));
    });
  }

  async delete(path: string): Promise<boolean> {
    if (!await this.head(path)) return false;
    await this.#do("delete", () => this.#bucket.delete(this.#prefix + path));
    return true;
  }

  async list({ limit, cursor = "" }: { limit: number; cursor?: string }): Promise<FilePage> {
    checkPageLimit(limit);
    const files: StoredFile[] = [];
    let start: string | undefined = cursor;
    for (let trip = 0; trip < maxListTrips && start !== undefined && files.length < limit; trip++) {
      const page = await this.#listOnce(start, limit - files.length);
      files.push(...page.files);
      start = page.cursor;
    }
    return { files, cursor: start };
  }

  async #listOnce(start: string, limit: number): Promise<FilePage> {
    const { objects, truncated } = await this.#do("list", () =>
      this.#bucket.list({
        prefix: this.#prefix,
        limit,
        ...start !== "" && { startAfter: this.#prefix + start },
      }));
    const files = objects.map((object) => this.#fileOf(object));
    const last = files.at(-1)?.path;
    const isStaged = last?.startsWith(stagingPrefix);
    return {
      files: files.filter((file) => isFilePath(file.path)),
      cursor: truncated ? isStaged ? afterStaging : last : undefined,
    };
  }

  async #publish(bytes: StagedBytes, path: string): Promise<Published> {
    if (await this.head(path)) return "exists";
    const object = await this.#do(
      "publish",
      async () => this.#bucket.put(this.#prefix + path, await bytes.open(), { onlyIf: isNew }),
    );
    return object ? "stored" : "exists";
  }

  // A sweep that failed is tried again by the next one who stages.
  #sweepOnce(): Promise<void> {
    this.#swept ??= this.#do("sweep", () => sweep(this.#bucket, this.#prefix, this.#clock))
      .catch((error) => {
        this.#swept = undefined;
        throw error;
      });
    return this.#swept;
  }

  #fileOf({ key, size, uploaded }: R2Object): StoredFile {
    const path = key.slice(this.#prefix.length);
    return { path, sizeBytes: size, modifiedAt: uploaded.getTime() };
  }

  #do<T>(operation: string, run: () => Promise<T>): Promise<T> {
    return attempt(this.name, operation, run);
  }
}

/** How many requests a page of a listing may cost; more only where foreign keys fill the bucket. */
const maxListTrips = 4;

/** Comes after every staged key and before every other one: "0" follows "/". */
const afterStaging = stagingPrefix.replace(/\/$/, "0");

const isNew = Object.freeze({ etagDoesNotMatch: "*" });

class StagedOnR2 implements StagedFile {
  readonly sizeBytes: number;
  readonly #publish: (path: string) => Promise<Published>;
  #bytes: StagedBytes | undefined;

  constructor(bytes: StagedBytes, publish: (path: string) => Promise<Published>) {
    this.sizeBytes = bytes.sizeBytes;
    this.#bytes = bytes;
    this.#publish = publish;
  }

  async read(range: ByteRange): Promise<Uint8Array> {
    const bytes = this.#bytes;
    if (!bytes) throw alreadyEnded("read");
    checkByteRange(range, this.sizeBytes);
    return await attempt("r2", "read", () => bytes.read(range));
  }

  async publish(path: string): Promise<Published> {
    checkFilePath(path);
    const bytes = this.#bytes;
    if (!bytes) throw alreadyEnded("publish");
    this.#bytes = undefined;
    try {
      const published = await this.#publish(path);
      // The file is there: that staged bytes could not be removed is for the next sweep to mend.
      await bytes.discard().catch(() => undefined);
      return published;
    } catch (error) {
      this.#bytes = bytes;
      throw error;
    }
  }

  async discard(): Promise<void> {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    if (bytes) await attempt("r2", "discard", () => bytes.discard());
  }
}

type Store = (value: ReadableStream<Uint8Array>) => Promise<R2Object | null>;

/** What a body is to become. */
interface Promised {
  readonly path: string;
  readonly expected: Expected;
}

async function storeStream(
  store: Store,
  body: ReadableStream<Uint8Array>,
  promised: Promised,
): Promise<R2Object | null> {
  const { readable, writable } = new FixedLength!(promised.expected.sizeBytes);
  const writer = writable.getWriter();
  const stop = (reason?: unknown): Promise<void> => writer.abort(reason).catch(() => undefined);
  const storing = attempt("r2", "put", () => store(readable));
  // Whoever ends first ends the other: a store that has answered reads no more, and a body that
  // has failed must not become an object.
  const [feeding, stored] = await Promise.allSettled([
    feed(body, writer, promised).catch((error) => stop(error).then(() => Promise.reject(error))),
    storing.finally(stop),
  ]);
  if (feeding.status === "rejected") throw feeding.reason;
  if (stored.status === "rejected") throw stored.reason;
  return stored.value;
}

/** Rejects with the body's own error, or because its length is wrong; ends early with the store. */
async function feed(
  body: ReadableStream<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  { path, expected }: Promised,
): Promise<void> {
  let heldBack: Uint8Array | undefined;
  let sizeBytes = 0;
  for await (const chunk of body) {
    if (chunk.length === 0) continue;
    sizeBytes += chunk.length;
    if (sizeBytes > expected.sizeBytes) throw wrongLength(path, expected);
    if (heldBack && !await isTaken(writer.write(heldBack))) return;
    heldBack = chunk;
  }
  if (sizeBytes < expected.sizeBytes) throw wrongLength(path, expected, sizeBytes);
  if (await isTaken(writer.write(heldBack!))) await isTaken(writer.close());
}

// Why the store takes no more is told by its own rejection.
function isTaken(writing: Promise<void>): Promise<boolean> {
  return writing.then(() => true, () => false);
}

// R2's code for bytes that do not have the digest that was given.
function isDigestError(error: unknown): boolean {
  return error instanceof BackendError && error.message.includes("(10037)");
}

function actualDigest(error: unknown): string {
  return /Actual \S+ was: ([0-9a-f]{64})/.exec(String(error))?.[1] ?? "another one";
}

type FixedLengthStream = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

const FixedLength = (globalThis as { FixedLengthStream?: FixedLengthStream }).FixedLengthStream;
