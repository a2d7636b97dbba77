/** A clock that is read from the platform once a millisecond, as lru-cache's own is. */

import { type Clock, systemClock } from "../src/contracts/clock.ts";

let cached = 0;

/** Tells the instant of its last reading, for as long as a timer of 1 ms takes. */
export const coarseClock: Clock = Object.freeze({
  now(): number {
    return cached || read();
  },
  sleep: systemClock.sleep,
});

function read(): number {
  cached = Date.now();
  const timer = setTimeout(() => cached = 0, 1) as unknown as { unref?: () => void };
  timer.unref?.();
  return cached;
}
