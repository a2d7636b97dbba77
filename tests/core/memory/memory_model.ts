/** The simplest cache with wheezy's contract: a sorted array that is searched from its beginning. */

import type { CountOptions, StoreOptions } from "../../../src/contracts/cache.ts";
import { type Clock, NEVER } from "../../../src/contracts/clock.ts";

interface Held {
  readonly namespace: string;
  readonly key: string;
  readonly value: number;
  readonly expiresAt: number;
}

/** A cache without bound over an array sorted by deadline. */
export class MemoryModel {
  #held: Held[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  peek(key: string, namespace: string): number | undefined {
    return this.#find(key, namespace)?.value;
  }

  get(key: string, namespace: string): number | undefined {
    return this.peek(key, namespace);
  }

  has(key: string, namespace: string): boolean {
    return this.#find(key, namespace) !== undefined;
  }

  expiresAt(key: string, namespace: string): number | undefined {
    return this.#find(key, namespace)?.expiresAt;
  }

  set(key: string, value: number, options: StoreOptions): boolean {
    const { namespace = "", ttlMs = NEVER } = options;
    this.#put({ namespace, key, value, expiresAt: this.#clock.now() + ttlMs });
    return true;
  }

  add(key: string, value: number, options: StoreOptions): boolean {
    return !this.has(key, options.namespace ?? "") && this.set(key, value, options);
  }

  replace(key: string, value: number, options: StoreOptions): boolean {
    return this.has(key, options.namespace ?? "") && this.set(key, value, options);
  }

  touch(key: string, options: StoreOptions): boolean {
    const value = this.peek(key, options.namespace ?? "");
    return value !== undefined && this.set(key, value, options);
  }

  delete(key: string, namespace: string): boolean {
    const isThere = this.has(key, namespace);
    this.#held = this.#held.filter((held) => held.key !== key || held.namespace !== namespace);
    return isThere;
  }

  incr(key: string, delta: number, options: CountOptions): number | undefined {
    const { namespace = "", initialValue } = options;
    const held = this.#find(key, namespace);
    if (held !== undefined) {
      this.#put({ ...held, value: held.value + delta });
      return held.value + delta;
    }
    if (initialValue === undefined) return undefined;
    this.set(key, initialValue + delta, options);
    return initialValue + delta;
  }

  flushAll(): boolean {
    this.#held = [];
    return true;
  }

  keys(namespace: string): string[] {
    return this.#live().filter((held) => held.namespace === namespace).map(({ key }) => key).sort();
  }

  #put(entry: Held): void {
    this.delete(entry.key, entry.namespace);
    if (entry.expiresAt <= this.#clock.now()) return;
    const at = this.#held.findIndex(({ expiresAt }) => expiresAt > entry.expiresAt);
    this.#held.splice(at < 0 ? this.#held.length : at, 0, entry);
  }

  #find(key: string, namespace: string): Held | undefined {
    return this.#held.find((held) =>
      held.key === key && held.namespace === namespace && held.expiresAt > this.#clock.now()
    );
  }

  #live(): Held[] {
    return this.#held.filter(({ expiresAt }) => expiresAt > this.#clock.now());
  }
}
