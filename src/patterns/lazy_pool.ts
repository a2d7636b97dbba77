/** A pool that makes its things when they are asked for. */

import type { AcquireOptions, Pool, PoolOptions } from "./pool.ts";
import { checkSize, WaitingLine } from "./waiting_line.ts";

/** A place in the pool: empty, or with what was lent last. */
interface Place<T> {
  readonly previous: T | undefined;
}

/**
 * Lends at most `size` things, last in, first out, so that few are made when few are needed.
 *
 * The factory is asked on every `acquire`. It is given what lay in the place, or `undefined`, and
 * answers that or something new: so it can look whether a connection still works. When it fails the
 * place is free again, with what lay in it, and `acquire` rejects with its error.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { LazyPool } from "@cairn/cache";
 *
 * let made = 0;
 * const pool = new LazyPool<number>((previous) => previous ?? ++made, 10);
 * const first = await pool.acquire();
 * pool.getBack(first);
 * equal(await pool.acquire(), first);
 * equal(made, 1);
 * ```
 */
export class LazyPool<T> implements Pool<T> {
  /** How many things there are at most. */
  readonly size: number;
  readonly #factory: (previous: T | undefined) => T | Promise<T>;
  readonly #idle: Place<T>[];
  readonly #line: WaitingLine<Place<T>>;

  /** Throws a `RangeError` for a size below 1. */
  constructor(
    factory: (previous: T | undefined) => T | Promise<T>,
    size: number,
    options: PoolOptions = {},
  ) {
    checkSize(size);
    this.size = size;
    this.#factory = factory;
    this.#line = new WaitingLine(options);
    this.#idle = Array.from({ length: size }, () => ({ previous: undefined }));
  }

  /** How many places are free. */
  get count(): number {
    return this.#idle.length;
  }

  /** Lends what came back last, as the factory judges it, or something new. */
  async acquire(options: AcquireOptions = {}): Promise<T> {
    const place = this.#idle.pop() ?? await this.#line.wait(options);
    try {
      return await this.#factory(place.previous);
    } catch (error) {
      this.#free(place);
      throw error;
    }
  }

  /** Takes one back. */
  getBack(item: T): void {
    if (this.#idle.length === this.size) {
      throw new RangeError("Cannot take back into the pool: nothing is lent");
    }
    this.#free({ previous: item });
  }

  #free(place: Place<T>): void {
    if (!this.#line.serve(place)) this.#idle.push(place);
  }
}
