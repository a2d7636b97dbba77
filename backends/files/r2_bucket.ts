/** The part of a Workers R2 binding that cairn uses. */

/** A bucket. */
export interface R2Bucket {
  /** Facts of an object, or `null`. */
  head(key: string): Promise<R2Object | null>;
  /** An object opened for reading, or `null`. */
  get(key: string, options?: { range?: { offset: number; length: number } }): Promise<
    R2ObjectBody | null
  >;
  /** Stores an object; `null` where the condition does not hold. */
  put(
    key: string,
    value: ReadableStream<Uint8Array> | Uint8Array,
    options: R2PutOptions,
  ): Promise<R2Object | null>;
  /** Removes objects; those that are not there are no error. */
  delete(keys: string | string[]): Promise<void>;
  /** Objects in the order of their keys' bytes. */
  list(options: { prefix: string; startAfter?: string; limit: number }): Promise<{
    readonly objects: readonly R2Object[];
    readonly truncated: boolean;
  }>;
  /** Starts an object that is sent in parts. */
  createMultipartUpload(key: string): Promise<R2MultipartUpload>;
}

/** Under which condition an object is stored. */
export interface R2PutOptions {
  /** The digest that the bytes must have, in hexadecimal. */
  readonly sha256?: string;
  /** The condition. */
  readonly onlyIf: { readonly etagDoesNotMatch: string };
}

/** Facts of an object. */
export interface R2Object {
  /** Its key. */
  readonly key: string;
  /** Its length in bytes. */
  readonly size: number;
  /** When it was stored. */
  readonly uploaded: Date;
  /** A mark of its content, and of how it was sent. */
  readonly etag: string;
}

/** An object opened for reading. */
export interface R2ObjectBody extends R2Object {
  /** Its bytes. */
  readonly body: ReadableStream<Uint8Array>;
  /** All its bytes at once. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** An object that is being sent in parts, all but the last of the same length. */
export interface R2MultipartUpload {
  /** Sends a part; parts are counted from 1. */
  uploadPart(partNumber: number, value: Uint8Array): Promise<R2UploadedPart>;
  /** Makes the parts an object. */
  complete(parts: R2UploadedPart[]): Promise<R2Object>;
  /** Drops what was sent. */
  abort(): Promise<void>;
}

/** A part that was sent. */
export interface R2UploadedPart {
  /** Its number. */
  readonly partNumber: number;
  /** A mark of its content. */
  readonly etag: string;
}
