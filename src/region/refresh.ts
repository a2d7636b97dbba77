/**
 * Making a value anew whatever is there. It is a creation like every other: it holds the key's lock,
 * whoever asks meanwhile joins it or goes on with the old value, and a delete, a set or an invalidation
 * while it runs keeps out what it makes. Only that nothing it finds saves it the work.
 */

import type { Entry } from "../contracts/entry.ts";
import { LeaseLostError, LockTimeoutError } from "../contracts/errors.ts";
import type { Acquired } from "../contracts/locks.ts";
import type { Call } from "./core.ts";
import type { CreatingCall } from "./creation.ts";
import { judge } from "./look.ts";
import { note } from "./observer.ts";
import { createAndStore, release } from "./outcome.ts";
import type { Flight } from "./pending.ts";
import { slotOf } from "./shelf.ts";

/** A lease may be lost, and the creation begun anew, so many times. */
const MOST_TRIES = 3;

/** Makes the value of a call's key anew, keeps it if that is still wanted, and answers it. */
export async function refreshOne(call: CreatingCall): Promise<unknown> {
  const { core: { pending, invalidator }, mangled, options } = call;
  options.signal?.throwIfAborted();
  // What others here are making already may be older, and is for those who wait on it.
  const isFollowing = pending.void(mangled);
  const flight = pending.start(mangled, invalidator.epoch);
  void isFollowing.then(() => fly(call, flight));
  return await flight.join(flight.done, options.signal);
}

/** Takes a flight to its end. Never rejects. */
async function fly(call: CreatingCall, flight: Flight): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return flight.settle(await make(call, flight));
    } catch (error) {
      if (!(error instanceof LeaseLostError) || tries === MOST_TRIES) return flight.fail(error);
    }
  }
}

async function make(call: CreatingCall, flight: Flight): Promise<unknown> {
  const { lease, value } = await acquire(call, flight);
  const stale = judge(call, value) === "missing" ? undefined : value;
  return await createAndStore(call, { flight, lease, stale, isEarly: true }, call.creator);
}

async function acquire(call: Call, { signal }: Flight): Promise<Acquired<Entry>> {
  const { core: { store, invalidator }, key, mangled, policy: { lock } } = call;
  if (store === undefined) return { lease: undefined, value: slotOf(call)?.entry };
  const acquired = await store.locks.acquire(mangled, { ...lock, enough: () => false, signal });
  const { lease, value } = acquired;
  try {
    signal.throwIfAborted();
    if (lease === undefined) note(call, "lockTimeout");
    if (lease === undefined && lock.onTimeout === "throw") {
      throw new LockTimeoutError(key, lock.waitMs);
    }
    if (value !== undefined) await invalidator.refresh(value.tags);
    return acquired;
  } catch (error) {
    await release(call, lease);
    throw error;
  }
}
