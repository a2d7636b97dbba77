/** Bodies that the file store suite feeds to a store: whole, broken off, stuck, and endless ones. */

import type { Expected, FileBody } from "../../src/contracts/file_store.ts";

/** A body that reports how it was treated. */
export interface WatchedBody {
  /** What is given to the store. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether it was read to the end, or cancelled, or failed by itself. */
  isOver(): boolean;
  /** How many bytes the store has asked for. */
  bytesGiven(): number;
}

/** How a body behaves after its last chunk. */
export interface BodyEnd {
  /** The error that it fails with instead of ending. */
  readonly error?: Error;
}

/** A body of these chunks, one for each pull. */
export function bodyOf(chunks: Iterable<Uint8Array>, end: BodyEnd = {}): WatchedBody {
  const iterator = chunks[Symbol.iterator]();
  let isOver = false;
  let given = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = iterator.next();
      if (!next.done) {
        given += next.value.length;
        return controller.enqueue(next.value);
      }
      isOver = true;
      if (end.error) controller.error(end.error);
      else controller.close();
    },
    cancel() {
      isOver = true;
    },
  }, { highWaterMark: 0 });
  return { stream, isOver: () => isOver, bytesGiven: () => given };
}

/** The stream of one chunk. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return bodyOf([bytes]).stream;
}

/** The same chunk, a number of times; made as it is read, so that it takes no memory. */
export function* repeated(chunk: Uint8Array, times: number): Generator<Uint8Array> {
  for (let count = 0; count < times; count++) yield chunk.slice();
}

/** The bytes cut into chunks of `length`. */
export function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) {
    yield bytes.slice(offset, offset + length);
  }
}

/** `sizeBytes` bytes that differ from those of every other seed, and from place to place. */
export function bytesOf(seed: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let index = 0; index < sizeBytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** The text as bytes. */
export function textBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** What is promised of these bytes. */
export async function expectedOf(bytes: Uint8Array<ArrayBuffer>): Promise<Expected> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { sizeBytes: bytes.length, sha256 };
}

/** All bytes of an opened file, or `undefined` where there was none. */
export async function bytesRead(opened: FileBody | undefined): Promise<Uint8Array | undefined> {
  if (!opened) return undefined;
  return new Uint8Array(
    await new Response(opened.body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
}
