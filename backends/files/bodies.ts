/** What the file stores share in handling the bodies they are given. */

import { BackendError, IntegrityError } from "../../src/contracts/errors.ts";
import type { Expected } from "../../src/contracts/file_store.ts";

/**
 * Runs the consumer of a body and answers what it answers. A body that the consumer left unread is
 * cancelled, so that its source can let go of what it holds.
 */
export async function consuming<T>(
  body: ReadableStream<Uint8Array>,
  consume: () => Promise<T>,
): Promise<T> {
  try {
    return await consume();
  } finally {
    // A failed body rejects the cancellation with the error that the consumer has already thrown.
    if (!body.locked) await body.cancel().catch(() => undefined);
  }
}

/**
 * All bytes of a body, which must not be more than `maxBytes`: then it is cancelled and what
 * `tooMany` makes is thrown.
 */
export async function collect(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  tooMany: () => Error,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw tooMany();
    chunks.push(chunk);
  }
  return joined(chunks, sizeBytes);
}

/** Chunks of `sizeBytes` in all, as one. */
export function joined(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The error for a staged body of more than `maxBytes`. */
export function tooManyBytes(maxBytes: number): RangeError {
  return new RangeError(`Cannot stage the body: it has more than ${maxBytes} bytes`);
}

/** The error for a second end of a staged file. */
export function alreadyEnded(operation: string): TypeError {
  return new TypeError(`Cannot ${operation} the staged file: it was published or discarded`);
}

/** The error for bytes of another length; without `actualBytes` they were more than promised. */
export function wrongLength(path: string, expected: Expected, actualBytes?: number): Error {
  return new IntegrityError(`"${path}"`, "length", {
    expected: String(expected.sizeBytes),
    actual: actualBytes === undefined ? `over ${expected.sizeBytes}` : String(actualBytes),
  });
}

/** The error for bytes with another digest. */
export function wrongDigest(path: string, expected: Expected, actual: string): Error {
  return new IntegrityError(`"${path}"`, "sha256", { expected: expected.sha256, actual });
}

/** Runs an operation on a store; its error becomes the cause of a `BackendError`. */
export async function attempt<T>(
  backend: string,
  operation: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof BackendError ? error : new BackendError(backend, operation, error);
  }
}
