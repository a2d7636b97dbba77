/**
 * One pass through a door for all processes that share a store: of many callers one is let in, the
 * others may wait until it is out. As wheezy's `OnePass`, with a token: whoever overstays cannot
 * let go of a stranger's pass.
 *
 * Waiting means asking again, after 50 ms at first and 800 ms at most: a store tells nobody when a
 * key is gone. To create a value once, use a region's `getOrCreate`, which looks at the value while
 * it waits, wakes callers of its own process at once, and lets the late find the value made.
 */

import { type Clock, systemClock } from "../contracts/clock.ts";
import { randomId } from "../contracts/random.ts";
import type { TextStore } from "./text_store.ts";

/** How a {@linkcode OnePass} works. */
export interface OnePassOptions {
  /** How long a pass lasts unless given back, in milliseconds. Default: 10,000. */
  readonly ttlMs?: number;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 800;

/**
 * A pass for one key.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryBackend, OnePass } from "@cairn/cache";
 *
 * const store = memoryBackend<string>();
 * {
 *   await using first = await new OnePass(store, "report").enter();
 *   await using second = await new OnePass(store, "report").enter();
 *   equal(first.isAcquired, true);
 *   equal(second.isAcquired, false);
 * }
 * equal((await new OnePass(store, "report").enter()).isAcquired, true);
 * ```
 */
export class OnePass implements AsyncDisposable {
  readonly #store: TextStore;
  readonly #key: string;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  #token: string | undefined;

  /** Throws a `RangeError` for a `ttlMs` that is not more than 0. */
  constructor(store: TextStore, key: string, options: OnePassOptions = {}) {
    const { ttlMs = 10_000, clock = systemClock } = options;
    if (!(ttlMs > 0)) throw new RangeError(`Cannot make a pass: ttlMs is ${ttlMs}`);
    this.#store = store;
    this.#key = key;
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** Whether this pass was got, and not yet given back. */
  get isAcquired(): boolean {
    return this.#token !== undefined;
  }

  /** Tries once to get the pass; answers itself, for {@linkcode OnePass.isAcquired} to tell. */
  async enter(): Promise<this> {
    const token = randomId();
    const expiresAt = this.#clock.now() + this.#ttlMs;
    const isFree = await this.#store.add({ key: this.#key, value: token, expiresAt });
    this.#token = isFree ? token : this.#token;
    return this;
  }

  /**
   * Waits until whoever has the pass now gives it back, or somebody else has it. Answers `false` if
   * that did not happen within `timeoutMs`, which defaults to the pass's own time to live.
   */
  async wait(timeoutMs: number = this.#ttlMs): Promise<boolean> {
    if (this.isAcquired) throw new TypeError(`Cannot wait for "${this.#key}": the pass is ours`);
    const endsAt = this.#clock.now() + timeoutMs;
    const [holder] = await this.#store.get([this.#key]);
    if (holder === undefined) return true;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const leftMs = endsAt - this.#clock.now();
      if (leftMs <= 0) return false;
      await this.#clock.sleep(Math.min(pauseMs, leftMs));
      const [present] = await this.#store.get([this.#key]);
      if (present !== holder) return true;
    }
  }

  /** Gives the pass back if it is still ours. */
  async exit(): Promise<void> {
    const token = this.#token;
    this.#token = undefined;
    if (token !== undefined) await this.#store.deleteIf(this.#key, token);
  }

  /** As {@linkcode OnePass.exit}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.exit();
  }
}
