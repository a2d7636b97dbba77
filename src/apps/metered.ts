/**
 * Counting what is asked of a Worker's bindings.
 *
 * The platform ends an invocation that asks too much: there is a most of calls to other services, and
 * one of D1's statements. Both are counted as one number here, the statements of a batch each.
 */

import type { R2Bucket } from "../../backends/files/r2_bucket.ts";
import type { D1Database } from "../../backends/sql/d1_runner.ts";

/** Bindings that count. What is staged in parts counts as one call. */
export class MeteredBindings {
  /** The bucket. */
  readonly files: R2Bucket;
  /** The database. */
  readonly index: D1Database;
  #operations = 0;
  #readBytes = 0;

  /** Counts from zero. */
  constructor(files: R2Bucket, index: D1Database) {
    this.files = this.#metered(files);
    this.index = {
      prepare: (sql) => index.prepare(sql),
      batch: (statements) => {
        this.#operations += statements.length;
        return index.batch(statements);
      },
    };
  }

  /** How many calls and statements there were. */
  get operations(): number {
    return this.#operations;
  }

  /** How many bytes of objects were opened to be read. */
  get readBytes(): number {
    return this.#readBytes;
  }

  #metered(bucket: R2Bucket): R2Bucket {
    const counted = <Answer>(call: Answer): Answer => {
      this.#operations++;
      return call;
    };
    return {
      head: (key) => counted(bucket.head(key)),
      get: async (key, options) => {
        const object = await counted(bucket.get(key, options));
        this.#readBytes += options?.range?.length ?? object?.size ?? 0;
        return object;
      },
      put: (key, value, options) => counted(bucket.put(key, value, options)),
      delete: (keys) => counted(bucket.delete(keys)),
      list: (options) => counted(bucket.list(options)),
      createMultipartUpload: (key) => counted(bucket.createMultipartUpload(key)),
    };
  }
}
