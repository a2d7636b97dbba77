/**
 * The least of a cache that a region needs for its near shelf: values at keys, bounded, and buried
 * when they have ended.
 *
 * A region judges what it finds by more than its end, so a read looks at no clock and answers what is
 * there, dead or alive. That leaves a hit one map lookup and one byte written.
 */

import type { Clock } from "../contracts/clock.ts";
import type { MemoryCacheOptions } from "./memory_cache.ts";
import { Shelf } from "./shelf.ts";
import { shapeOf } from "./shelf_shape.ts";

/** A shelf of values whose owner knows whether they are still good. */
export class NearCache<V = unknown> {
  readonly #shelf: Shelf<V>;
  readonly #clock: Clock;

  /** Throws a `RangeError` or `TypeError` naming the option that is wrong. */
  constructor(options: MemoryCacheOptions<V>) {
    const shape = shapeOf(options);
    this.#shelf = new Shelf(shape);
    this.#clock = shape.clock;
  }

  /** The value of `key`, dead or alive, noted as read. */
  get(key: string): V | undefined {
    return this.#shelf.held(key);
  }

  /** Keeps a value until an instant. */
  set(key: string, value: V, { expiresAt }: { readonly expiresAt: number }): void {
    this.#shelf.put(key, value, { namespace: "", expiresAt, now: this.#clock.now() });
  }

  /** Removes a value. */
  delete(key: string): void {
    const slot = this.#shelf.peek(key, { namespace: "", now: NaN });
    if (slot >= 0) this.#shelf.remove(slot);
  }
}
