/** Least recently used: the entry leaves that was not read or stored for the longest time. */

import type { EvictionPolicy, PolicyContext } from "./eviction_policy.ts";
import { Links } from "./links.ts";

const QUEUE = 0;

/** The eviction policy `"lru"`. */
export function lru(context: PolicyContext): EvictionPolicy {
  return new Lru(context.capacity);
}

class Lru implements EvictionPolicy {
  readonly #links: Links;

  constructor(capacity: number) {
    this.#links = new Links(1, capacity);
  }

  admit(slot: number): void {
    this.#links.append(QUEUE, slot);
  }

  touch(slot: number): void {
    if (!this.#links.has(slot)) return;
    this.#links.remove(slot);
    this.#links.append(QUEUE, slot);
  }

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
