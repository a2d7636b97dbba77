/**
 * A backend that is left alone while it fails.
 *
 * ```text
 *            enough failures                  the pause is over
 *   closed ------------------> open ----------------------------> half-open
 *      ^                        ^                                     |
 *      |                        +-------- the probe failed -----------+
 *      +--------------------------------- the probe succeeded --------+
 * ```
 *
 * Closed, operations pass and are counted over a window of time. Open, they fail at once. Half-open,
 * the next one passes as a probe while all others still fail. After each failed probe the pause
 * doubles, up to a bound; and each is drawn at random between its half and its whole, so that many
 * processes do not come back at once.
 *
 * An operation's end counts only in the state in which it began: one that began before the circuit
 * opened says nothing about the store as it is now. A probe that never ends is given up after
 * another pause. Only a `BackendError` is a failure; wrong arguments are none of the store's doing.
 */

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, systemClock } from "../contracts/clock.ts";
import { BackendError } from "../contracts/errors.ts";
import { type Random, systemRandom } from "../contracts/random.ts";

/** Whether operations pass, one of them, or none. */
export type CircuitState = "closed" | "half-open" | "open";

/** When to open, and for how long. */
export interface BreakerOptions {
  /** The window over which operations are counted, in milliseconds. Default: 10,000. */
  readonly windowMs?: number;
  /** The fewest failures in a window that open the circuit. Default: 5. */
  readonly minFailures?: number;
  /** The least share of failures among the window's operations that opens it. Default: 0.5. */
  readonly failureShare?: number;
  /** The first pause, in milliseconds. Default: 1,000. */
  readonly pauseMs?: number;
  /** The longest pause, in milliseconds. Default: 30,000. */
  readonly maxPauseMs?: number;
  /** Told of each change of state; must not throw. Default: nobody is told. */
  readonly onChange?: (state: CircuitState) => void;
  /** Measures windows and pauses. Default: the platform's. */
  readonly clock?: Clock;
  /** Draws the pauses. Default: the platform's. */
  readonly random?: Random;
}

/**
 * Fails operations at once, with a `BackendError`, while `backend` is failing.
 *
 * A store that hangs fails only under `timed`: `failsafe(breaker(timed(store)))` is the usual order.
 *
 * @example
 * ```ts
 * import { equal, rejects } from "node:assert/strict";
 * import { BackendError, breaker, memoryBackend } from "@cairn/cache";
 *
 * let trips = 0;
 * const down = {
 *   ...memoryBackend(),
 *   get: () => (trips++, Promise.reject(new BackendError("redis", "get", "no route"))),
 * };
 * const backend = breaker(down, { minFailures: 2 });
 * for (let call = 0; call < 10; call++) await rejects(() => backend.get(["key"]), BackendError);
 * equal(trips, 2);
 * ```
 */
export function breaker<V>(backend: Backend<V>, options: BreakerOptions = {}): Backend<V> {
  const circuit = new Circuit(checkedBreaker(options));

  async function guard<T>(operation: string, size: number, run: () => Promise<T>): Promise<T> {
    if (size === 0) return await run();
    const call = circuit.enter();
    if (!call) {
      throw new BackendError(backend.name, operation, new Error("its circuit breaker is open"));
    }
    try {
      const result = await run();
      circuit.succeed(call);
      return result;
    } catch (error) {
      if (error instanceof BackendError) circuit.fail(call);
      else circuit.forget(call);
      throw error;
    }
  }

  return Object.freeze({
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]): Promise<(V | undefined)[]> =>
      guard("get", keys.length, () => backend.get(keys)),
    set: (writes: readonly Write<V>[]): Promise<void> =>
      guard("set", writes.length, () => backend.set(writes)),
    delete: (keys: readonly string[]): Promise<void> =>
      guard("delete", keys.length, () => backend.delete(keys)),
  });
}

/** An operation under way; it counts as long as the circuit still has its era. */
interface Call {
  readonly era: number;
}

class Circuit {
  readonly #options: Required<BreakerOptions>;
  #state: CircuitState = "closed";
  #era = 0;
  #failures = 0;
  #successes = 0;
  #windowEndsAt = -Infinity;
  #pauseMs: number;
  #pauseEndsAt = 0;

  constructor(options: Required<BreakerOptions>) {
    this.#options = options;
    this.#pauseMs = options.pauseMs;
  }

  /** Lets an operation pass, or answers `undefined`. */
  enter(): Call | undefined {
    const now = this.#options.clock.now();
    if (this.#state === "closed") {
      if (!isWithin(now, this.#windowEndsAt, this.#options.windowMs)) this.#openWindow(now);
    } else {
      if (isWithin(now, this.#pauseEndsAt, this.#pauseMs)) return undefined;
      // This one is the probe, and has a pause's time before the next one is let through.
      this.#pauseEndsAt = now + this.#pauseMs;
      this.#become("half-open");
    }
    return { era: this.#era };
  }

  succeed(call: Call): void {
    if (call.era !== this.#era) return;
    if (this.#state === "closed") this.#successes++;
    else this.#close();
  }

  fail(call: Call): void {
    if (call.era !== this.#era) return;
    if (this.#state === "half-open") return this.#reopen();
    this.#failures++;
    const share = this.#failures / (this.#failures + this.#successes);
    const { minFailures, failureShare } = this.#options;
    if (this.#failures >= minFailures && share >= failureShare) this.#open();
  }

  /** For an operation that says nothing about the store: the next may probe at once. */
  forget(call: Call): void {
    if (call.era === this.#era && this.#state === "half-open") this.#pauseEndsAt = -Infinity;
  }

  #openWindow(now: number): void {
    this.#windowEndsAt = now + this.#options.windowMs;
    this.#failures = 0;
    this.#successes = 0;
  }

  #close(): void {
    this.#pauseMs = this.#options.pauseMs;
    this.#windowEndsAt = -Infinity;
    this.#become("closed");
  }

  #reopen(): void {
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#options.maxPauseMs);
    this.#open();
  }

  #open(): void {
    const share = 0.5 + this.#options.random() / 2;
    this.#pauseEndsAt = this.#options.clock.now() + this.#pauseMs * share;
    this.#become("open");
  }

  #become(state: CircuitState): void {
    this.#era++;
    const isChange = state !== this.#state;
    this.#state = state;
    if (isChange) this.#options.onChange(state);
  }
}

/** Whether a span is under way. It is not when the clock was stepped back to before its start. */
function isWithin(now: number, endsAt: number, spanMs: number): boolean {
  return now < endsAt && now >= endsAt - spanMs;
}

function checkedBreaker(options: BreakerOptions): Required<BreakerOptions> {
  const { windowMs = 10_000, minFailures = 5, failureShare = 0.5 } = options;
  const { pauseMs = 1_000, maxPauseMs = Math.max(30_000, pauseMs) } = options;
  const positive = { windowMs, minFailures, failureShare, pauseMs, maxPauseMs };
  for (const [name, value] of Object.entries(positive)) {
    if (!(value > 0)) throw new RangeError(`Cannot break circuits: "${name}" is ${value}`);
  }
  if (failureShare > 1) {
    throw new RangeError(`Cannot break circuits: "failureShare" is ${failureShare}`);
  }
  if (maxPauseMs < pauseMs) {
    const state = `"maxPauseMs" is ${maxPauseMs}, less than "pauseMs", ${pauseMs}`;
    throw new RangeError(`Cannot break circuits: ${state}`);
  }
  const { onChange = () => {}, clock = systemClock, random = systemRandom } = options;
  return { ...positive, onChange, clock, random };
}
