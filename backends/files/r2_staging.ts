/**
 * Where the bytes of an R2 store lie before they are published. R2 takes a body only if its length
 * is known beforehand, which that of a staged one is not. So up to 8 MiB wait in memory, and more
 * of them become an object under `.staging/`, sent in parts of 8 MiB.
 */

import type { Clock } from "../../src/contracts/clock.ts";
import type { ByteRange } from "../../src/contracts/file_store.ts";
import { randomId } from "../../src/contracts/random.ts";
import { attempt, joined, tooManyBytes } from "./bodies.ts";
import type { R2Bucket, R2MultipartUpload, R2ObjectBody, R2UploadedPart } from "./r2_bucket.ts";

/** What the keys of staged objects begin with. Its dot keeps them apart from every published path. */
export const stagingPrefix = ".staging/";

/** The length of a part, and the most bytes of a staged file that are held in memory. */
export const partBytes = 8_388_608;

const leftoverAgeMs = 86_400_000;

/** Staged bytes, wherever they are. */
export interface StagedBytes {
  /** How many. */
  readonly sizeBytes: number;
  /** A part of them that lies within them. */
  read(range: ByteRange): Promise<Uint8Array>;
  /** All of them, as R2 takes them. */
  open(): Promise<Uint8Array | ReadableStream<Uint8Array>>;
  /** Removes them. */
  discard(): Promise<void>;
}

/** Takes a body of at most `maxBytes` aside; leaves nothing if that fails. */
export async function takeAside(
  bucket: R2Bucket,
  body: ReadableStream<Uint8Array>,
  { prefix, maxBytes }: { readonly prefix: string; readonly maxBytes: number },
): Promise<StagedBytes> {
  const parts = new Parts(bucket, `${prefix}${stagingPrefix}${randomId()}`);
  try {
    let sizeBytes = 0;
    for await (const chunk of body) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooManyBytes(maxBytes);
      await parts.add(chunk);
    }
    return await parts.finish(sizeBytes);
  } catch (error) {
    await parts.abort();
    throw error;
  }
}

/** Removes what writers that died more than a day ago left behind. */
export async function sweep(bucket: R2Bucket, prefix: string, clock: Clock): Promise<void> {
  const deadline = clock.now() - leftoverAgeMs;
  const { objects } = await bucket.list({ prefix: prefix + stagingPrefix, limit: 1_000 });
  const leftovers = objects.filter(({ uploaded }) => uploaded.getTime() < deadline);
  if (leftovers.length > 0) await bucket.delete(leftovers.map(({ key }) => key));
}

/** Cuts chunks into parts of one length, and sends each when it is full. */
class Parts {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #sent: R2UploadedPart[] = [];
  #upload: R2MultipartUpload | undefined;
  #chunks: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(bucket: R2Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  async add(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#heldBytes === partBytes) await this.#send();
      const piece = rest.subarray(0, partBytes - this.#heldBytes);
      this.#chunks.push(piece);
      this.#heldBytes += piece.length;
      rest = rest.subarray(piece.length);
    }
  }

  async finish(sizeBytes: number): Promise<StagedBytes> {
    if (!this.#upload) return bytesInMemory(joined(this.#chunks, sizeBytes));
    await this.#send();
    const upload = this.#upload;
    await attempt("r2", "stage", () => upload.complete(this.#sent));
    return objectAside(this.#bucket, this.#key, sizeBytes);
  }

  // What could not be dropped here R2 drops by itself after a week, and the error that led here
  // matters more.
  async abort(): Promise<void> {
    await this.#upload?.abort().catch(() => undefined);
  }

  async #send(): Promise<void> {
    const part = joined(this.#chunks, this.#heldBytes);
    [this.#chunks, this.#heldBytes] = [[], 0];
    await attempt("r2", "stage", async () => {
      this.#upload ??= await this.#bucket.createMultipartUpload(this.#key);
      this.#sent.push(await this.#upload.uploadPart(this.#sent.length + 1, part));
    });
  }
}

function bytesInMemory(bytes: Uint8Array): StagedBytes {
  return {
    sizeBytes: bytes.length,
    read: ({ offset, length }) => Promise.resolve(bytes.slice(offset, offset + length)),
    open: () => Promise.resolve(bytes),
    discard: () => Promise.resolve(),
  };
}

function objectAside(bucket: R2Bucket, key: string, sizeBytes: number): StagedBytes {
  const get = async (range: ByteRange): Promise<R2ObjectBody> => {
    const found = await bucket.get(key, { range });
    if (!found) throw new Error("The staged bytes are gone");
    return found;
  };
  return {
    sizeBytes,
    read: async (range) => {
      if (range.length === 0) return new Uint8Array(0);
      return new Uint8Array(await (await get(range)).arrayBuffer());
    },
    open: async () => (await get({ offset: 0, length: sizeBytes })).body,
    discard: () => bucket.delete(key),
  };
}
