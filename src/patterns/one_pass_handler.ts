/** The same message once in a while, however often it is said and by how many processes. */

import type { Atomics } from "../contracts/atomics.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";

/** How a {@linkcode OnePassHandler} tells messages apart. */
export interface OnePassHandlerOptions<R> {
  /** For how long a message is not repeated, in milliseconds. */
  readonly ttlMs: number;
  /** The key of a record: equal keys are the same message. */
  readonly keyOf: (record: R) => string;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * Passes a record on only if no record with its key was passed on within `ttlMs`. As wheezy's
 * logging handler.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { memoryBackend, OnePassHandler } from "@cairn/cache";
 *
 * const lines: string[] = [];
 * const handler = new OnePassHandler(memoryBackend<string>(), (line: string) => lines.push(line), {
 *   ttlMs: 60_000,
 *   keyOf: (line) => `log:${line}`,
 * });
 * await handler.emit("disk full");
 * await handler.emit("disk full");
 * deepEqual(lines, ["disk full"]);
 * ```
 */
export class OnePassHandler<R> {
  readonly #store: Atomics<string>;
  readonly #emit: (record: R) => void;
  readonly #options: OnePassHandlerOptions<R>;

  /** Throws a `RangeError` for a `ttlMs` that is not more than 0. */
  constructor(
    store: Atomics<string>,
    emit: (record: R) => void,
    options: OnePassHandlerOptions<R>,
  ) {
    if (!(options.ttlMs > 0)) {
      throw new RangeError(`Cannot make a handler: ttlMs is ${options.ttlMs}`);
    }
    this.#store = store;
    this.#emit = emit;
    this.#options = Object.freeze({ ...options });
  }

  /** Passes the record on if it is the first; answers whether it was. */
  async emit(record: R): Promise<boolean> {
    const { ttlMs, keyOf, clock = systemClock } = this.#options;
    const now = clock.now();
    const write = { key: keyOf(record), value: String(now), expiresAt: now + ttlMs };
    const isFirst = await this.#store.add(write);
    if (isFirst) this.#emit(record);
    return isFirst;
  }
}
