/** A pool that makes its things at once. */

import type { AcquireOptions, Pool, PoolOptions } from "./pool.ts";
import { checkSize, WaitingLine } from "./waiting_line.ts";

/**
 * Makes `size` things at construction and lends them first in, first out, so that all stay in use.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { EagerPool } from "@cairn/cache";
 *
 * let made = 0;
 * const pool = new EagerPool(() => ++made, 2);
 * const first = await pool.acquire();
 * pool.getBack(first);
 * equal(await pool.acquire(), 2);
 * ```
 */
export class EagerPool<T> implements Pool<T> {
  /** How many things there are. */
  readonly size: number;
  readonly #idle: T[];
  readonly #line: WaitingLine<T>;

  /** Throws a `RangeError` for a size below 1, and whatever the factory throws. */
  constructor(factory: () => T, size: number, options: PoolOptions = {}) {
    checkSize(size);
    this.size = size;
    this.#line = new WaitingLine(options);
    this.#idle = Array.from({ length: size }, () => factory());
  }

  /** How many of them are idle. */
  get count(): number {
    return this.#idle.length;
  }

  /** Lends the one that has been idle for the longest time. */
  async acquire(options: AcquireOptions = {}): Promise<T> {
    if (this.#idle.length > 0) return this.#idle.shift()!;
    return await this.#line.wait(options);
  }

  /** Takes one back. */
  getBack(item: T): void {
    if (this.#idle.length === this.size) {
      throw new RangeError("Cannot take back into the pool: nothing is lent");
    }
    if (!this.#line.serve(item)) this.#idle.push(item);
  }
}
