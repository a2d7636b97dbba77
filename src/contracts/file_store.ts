/**
 * Where the bytes of wheels lie: a folder, R2, S3. Every store keeps these clauses;
 * `tests/conformance/file_store_suite.ts` checks them.
 *
 * 1. **Whole or not at all.** A reader sees a published file complete, or not; a write that fails,
 *    is cut short or does not match what was promised leaves nothing that `read`, `head` or `list`
 *    could find.
 * 2. **First writer wins.** Publishing never replaces a file: it answers `"exists"` and leaves
 *    the one that is there.
 * 3. **Streams.** No operation holds a whole file in memory, except in the memory store. A body is
 *    read to its end or cancelled, whatever comes of it; when reading it fails, the operation
 *    rejects with the body's own error.
 * 4. **Paths** are relative and `/`-separated, of at most 900 bytes in UTF-8. No segment is empty,
 *    longer than 255 bytes, starts with a dot, or ends with a dot or a blank; control characters
 *    and `\ : * ? " < > |` are refused. Anything else is a `RangeError`, before any I/O.
 *    A store of folders cannot hold both `a` and `a/b`: there the second is a `BackendError`.
 * 5. **Failure** of the store is a `BackendError` with the cause.
 */

/** A store of files by path. */
export interface FileStore {
  /** For messages and statistics, e.g. `"folder"`. */
  readonly name: string;
  /** Facts of the file at `path`, or `undefined`. */
  head(path: string): Promise<StoredFile | undefined>;
  /**
   * The file at `path` or a part of it, or `undefined` where there is none. A range beyond the end
   * of the file is a `RangeError`.
   */
  read(path: string, range?: ByteRange): Promise<FileBody | undefined>;
  /**
   * Publishes bytes whose length and digest are known beforehand. Rejects with an `IntegrityError`
   * when `body` has other bytes, and then nothing is stored. Where a file exists at the start,
   * `body` is cancelled unread.
   */
  put(path: string, body: ReadableStream<Uint8Array>, expected: Expected): Promise<Published>;
  /**
   * Takes bytes of unknown length and digest aside, to be judged and then published or discarded.
   * More than `maxBytes` of them is a `RangeError`, and nothing is kept.
   */
  stage(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<StagedFile>;
  /**
   * Removes the file at `path`; answers whether there was one. Of two deletions at once both may
   * answer `true`.
   */
  delete(path: string): Promise<boolean>;
  /**
   * The published files in path order, in pages of at most `limit` (1 to 1,000) starting after
   * `cursor`; a page may be shorter although more follow. A file that is there from the first page to the last is listed exactly once, whatever
   * else is published or deleted meanwhile.
   */
  list(options: { limit: number; cursor?: string }): Promise<FilePage>;
}

/** Facts of a published file. */
export interface StoredFile {
  /** Its path in the store. */
  readonly path: string;
  /** Its length. */
  readonly sizeBytes: number;
  /** When it was published, in epoch milliseconds. */
  readonly modifiedAt: number;
}

/** A part of a file: `length` bytes from `offset`. */
export interface ByteRange {
  /** The first byte, counted from 0. */
  readonly offset: number;
  /** How many bytes. */
  readonly length: number;
}

/** A file opened for reading. Its body must be read to the end or cancelled. */
export interface FileBody {
  /** The whole file's facts. */
  readonly file: StoredFile;
  /** The bytes asked for. */
  readonly body: ReadableStream<Uint8Array>;
}

/** What bytes to be published must be. */
export interface Expected {
  /** Their exact number. */
  readonly sizeBytes: number;
  /** Their SHA-256 as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** Whether a publication stored the file, or found that one was already there. */
export type Published = "stored" | "exists";

/** Bytes taken aside. Exactly one of `publish` and `discard` ends it. */
export interface StagedFile {
  /** How many bytes there are. */
  readonly sizeBytes: number;
  /** A part of them. A range beyond the end is a `RangeError`. */
  read(range: ByteRange): Promise<Uint8Array>;
  /**
   * Makes them the file at `path`, in one step; or discards them where a file exists. When it
   * rejects they are still there. `read` and `publish` after the end are a `TypeError`.
   */
  publish(path: string): Promise<Published>;
  /** Removes them. Discarding twice, or after `publish`, does nothing. */
  discard(): Promise<void>;
}

/** One page of a listing. */
export interface FilePage {
  /** The files, in path order by code point. */
  readonly files: readonly StoredFile[];
  /** Where the next page starts, or `undefined` after the last one. */
  readonly cursor: string | undefined;
}
