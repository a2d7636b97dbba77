/** Borrowing from a pool for the length of a block. */

import type { AcquireOptions, Pool } from "./pool.ts";

/**
 * Something borrowed, to be declared with `await using`: it goes back when the block is left, also
 * by an exception.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { EagerPool, Pooled } from "@cairn/cache";
 *
 * const pool = new EagerPool(() => "connection", 1);
 * {
 *   await using borrowed = await Pooled.from(pool);
 *   equal(borrowed.item, "connection");
 *   equal(pool.count, 0);
 * }
 * equal(pool.count, 1);
 * ```
 */
export class Pooled<T> implements AsyncDisposable {
  readonly #pool: Pool<T>;
  #held: { readonly item: T } | undefined;

  /** Holds an item that was acquired from `pool`. See {@linkcode Pooled.from}. */
  constructor(pool: Pool<T>, item: T) {
    this.#pool = pool;
    this.#held = { item };
  }

  /** Acquires from `pool`. */
  static async from<T>(pool: Pool<T>, options: AcquireOptions = {}): Promise<Pooled<T>> {
    return new Pooled(pool, await pool.acquire(options));
  }

  /** What was borrowed. After it went back, a `TypeError`. */
  get item(): T {
    if (this.#held === undefined) throw new TypeError("Cannot use a pooled item: it went back");
    return this.#held.item;
  }

  /** Gives it back. A second time does nothing. */
  [Symbol.asyncDispose](): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#pool.getBack(held.item);
    return Promise.resolve();
  }
}
