/** The callers of a pool that wait for something to come back, in the order in which they came. */

import { type Clock, systemClock } from "../contracts/clock.ts";
import { PoolExhaustedError } from "../contracts/errors.ts";
import type { AcquireOptions, PoolOptions } from "./pool.ts";

interface Waiter<T> {
  readonly serve: (item: T) => void;
  readonly fail: (reason: unknown) => void;
}

/** What a platform's timer takes; more than that would fire at once, so it counts as for ever. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A line of bounded length in which nobody waits longer than they said. */
export class WaitingLine<T> {
  readonly #timeoutMs: number;
  readonly #maxWaiting: number;
  readonly #clock: Clock;
  readonly #waiters: Set<Waiter<T>> = new Set();

  /** Throws a `RangeError` for limits that are not 0 or more. */
  constructor(options: PoolOptions) {
    const { timeoutMs = 10_000, maxWaiting = 1_024, clock = systemClock } = options;
    checkLimit("timeoutMs", timeoutMs);
    checkLimit("maxWaiting", maxWaiting);
    this.#timeoutMs = timeoutMs;
    this.#maxWaiting = maxWaiting;
    this.#clock = clock;
  }

  /** Waits to be served. */
  async wait(options: AcquireOptions): Promise<T> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    checkLimit("timeoutMs", timeoutMs);
    signal?.throwIfAborted();
    if (this.#waiters.size >= this.#maxWaiting) {
      throw new PoolExhaustedError(`${this.#waiters.size} callers wait already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter<T> = { serve: resolve, fail: reject };
    const alarm = new AbortController();
    const onAbort = (): void => this.#fail(waiter, signal?.reason);
    this.#waiters.add(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#failAfter(waiter, timeoutMs, alarm.signal);
    try {
      return await promise;
    } finally {
      alarm.abort();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Hands the item to whoever came first; answers whether anybody waits. */
  serve(item: T): boolean {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.serve(item);
      return true;
    }
    return false;
  }

  #failAfter(waiter: Waiter<T>, timeoutMs: number, stopped: AbortSignal): void {
    if (timeoutMs > LONGEST_TIMER_MS) return;
    const late = new PoolExhaustedError(`nothing came back within ${timeoutMs} ms`);
    this.#clock.sleep(timeoutMs, stopped).then(() => this.#fail(waiter, late));
  }

  #fail(waiter: Waiter<T>, reason: unknown): void {
    if (this.#waiters.delete(waiter)) waiter.fail(reason);
  }
}

/** Throws a `RangeError` for a pool without a single place. */
export function checkSize(size: number): void {
  if (Number.isInteger(size) && size > 0) return;
  throw new RangeError(`Cannot make a pool: size is ${size}, not a whole number above 0`);
}

function checkLimit(name: string, value: number): void {
  if (value >= 0) return;
  throw new RangeError(`Cannot wait for a pool: ${name} is ${value}, not 0 or more`);
}
