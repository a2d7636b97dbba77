/** First in, first out: the oldest entry leaves, however often it was read. */

import type { EvictionPolicy, PolicyContext } from "./eviction_policy.ts";
import { Links } from "./links.ts";

const QUEUE = 0;

/** The eviction policy `"fifo"`. */
export function fifo(context: PolicyContext): EvictionPolicy {
  return new Fifo(context.capacity);
}

class Fifo implements EvictionPolicy {
  readonly #links: Links;

  constructor(capacity: number) {
    this.#links = new Links(1, capacity);
  }

  admit(slot: number): void {
    this.#links.append(QUEUE, slot);
  }

  touch(_slot: number): void {}

  reweigh(_slot: number, _change: number): void {}

  forget(slot: number): void {
    this.#links.remove(slot);
  }

  victim(): number {
    return this.#links.first(QUEUE);
  }

  grow(capacity: number): void {
    this.#links.grow(capacity);
  }
}
