/**
 * Taking shards that keep failing out of the ring, and back after a while: libmemcached's
 * `AUTO_EJECT_HOSTS`, with its `SERVER_FAILURE_LIMIT` and `RETRY_TIMEOUT`.
 *
 * While a shard is out its keys belong to others, so a cache loses that share of its entries and
 * serves on. It comes back on trial: one more failure takes it out again, one success clears it.
 * No timer runs; who uses the ring calls {@linkcode AutoEject.restoreDue} first.
 */

import { type Clock, systemClock } from "../contracts/clock.ts";
import type { EjectableRing } from "../contracts/ring.ts";

/** When shards are ejected and for how long. */
export interface AutoEjectOptions {
  /** How many failures in a row eject a shard. Default: 2. */
  readonly failures?: number;
  /** How long a shard stays out, in milliseconds. Default: 30,000. */
  readonly retryMs?: number;
  /** The time. Default: the platform's. */
  readonly clock?: Clock;
}

/** Counts the failures of shards and ejects them from a ring; for `sharded`. */
export interface AutoEject {
  /** Restores the shards whose time is over. */
  restoreDue(): void;
  /** Notes that the shard at `index` served. */
  succeeded(index: number): void;
  /** Notes that it failed, and ejects it if that was once too often. */
  failed(index: number): void;
}

/**
 * Ejects from `ring` the shards that fail. The last live shard is never ejected.
 *
 * @throws {RangeError} If a number is not above 0.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { autoEject } from "@cairn/cache";
 * import { ketama } from "@cairn/cache/hash";
 *
 * const ring = ketama({ shards: ["a", "b"] });
 * const ejecting = autoEject(ring, { failures: 1 });
 * ejecting.failed(ring.labels.indexOf("a"));
 * equal(ring.isLive(0), false);
 * ```
 */
export function autoEject(ring: EjectableRing, options: AutoEjectOptions = {}): AutoEject {
  const { failures = 2, retryMs = 30_000, clock = systemClock } = options;
  if (!(failures > 0)) throw new RangeError(`Cannot eject after ${failures} failures: too few`);
  if (!(retryMs > 0)) throw new RangeError(`Cannot eject for ${retryMs} ms: too short`);
  return new Ejecting(ring, { failures, retryMs, clock });
}

class Ejecting implements AutoEject {
  readonly #ring: EjectableRing;
  readonly #options: Required<AutoEjectOptions>;
  /** Failures in a row, of shards that have any. */
  readonly #failures: Map<number, number> = new Map();
  /** When the ejected come back; in the order in which they do. */
  readonly #dueAt: Map<number, number> = new Map();

  constructor(ring: EjectableRing, options: Required<AutoEjectOptions>) {
    this.#ring = ring;
    this.#options = Object.freeze(options);
  }

  restoreDue(): void {
    if (this.#dueAt.size === 0) return;
    const now = this.#options.clock.now();
    for (const [index, dueAt] of this.#dueAt) {
      if (dueAt > now) break;
      this.#dueAt.delete(index);
      this.#ring.restore(index);
    }
  }

  succeeded(index: number): void {
    if (this.#failures.size > 0) this.#failures.delete(index);
  }

  failed(index: number): void {
    const failures = (this.#failures.get(index) ?? 0) + 1;
    this.#failures.set(index, failures);
    if (failures < this.#options.failures || !this.#ring.eject(index)) return;
    this.#dueAt.set(index, this.#options.clock.now() + this.#options.retryMs);
  }
}
