/** A file that can be served, wherever its bytes are at the moment. */

import type { ByteRange, FileStore } from "../contracts/file_store.ts";

/** A file, its facts and the way to its bytes. */
export interface WheelFile {
  /** Its SHA-256 in hexadecimal. */
  readonly sha256: string;
  /** Its length. */
  readonly sizeBytes: number;
  /** When it was uploaded, in epoch milliseconds, where that is known. */
  readonly modifiedAt?: number;
  /** Its bytes or a part of them; `undefined` if they are gone. */
  open(range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
}

/** The bytes at a path of a store, or a part of them. */
export async function bodyAt(
  files: FileStore,
  path: string,
  range?: ByteRange,
): Promise<ReadableStream<Uint8Array> | undefined> {
  return (await files.read(path, range))?.body;
}
