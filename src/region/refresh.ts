/**
 * Making a value anew whatever is there. It is a creation like every other: it holds the key's lock,
 * whoever asks meanwhile joins it or goes on with the old value, and a delete, a set or an invalidation
 * while it runs keeps out what it makes. Only that nothing it finds saves it the work.
 */

import type { Entry } from "../contracts/entry.ts";
import { LeaseLostError, LockTimeoutError } from "../contracts/errors.ts";
import type { Acquired } from "../contracts/locks.ts";
import { type ManyCreator, Meeting } from "./batch.ts";
import type { Call } from "./core.ts";
import type { CreatingCall, CreationRight } from "./creation.ts";
import { judge } from "./look.ts";
import { note } from "./observer.ts";
import { createAndStore, release } from "./outcome.ts";
import type { Flight } from "./pending.ts";
import { slotOf } from "./shelf.ts";

/** A lease may be lost, and the creation begun anew, so many times. */
const MOST_TRIES = 3;

/** Makes the value of a call's key anew, keeps it if that is still wanted, and answers it. */
export async function refreshOne(call: CreatingCall): Promise<unknown> {
  return await refreshed(call, undefined);
}

/**
 * Makes the values of many keys anew, in their order; those of one mangled key are one. The `creator`
 * makes together those whose locks are free.
 */
export async function refreshAll(
  calls: readonly CreatingCall[],
  creator: ManyCreator<unknown>,
): Promise<unknown[]> {
  const distinct = new Map(calls.map((call) => [call.mangled, call]));
  const meeting = new Meeting([...distinct.values()], creator);
  const answers = new Map<string, Promise<unknown>>();
  for (const [mangled, call] of distinct) answers.set(mangled, refreshed(call, meeting));
  return await Promise.all(calls.map(({ mangled }) => answers.get(mangled)));
}

async function refreshed(call: CreatingCall, meeting: Meeting | undefined): Promise<unknown> {
  const { core: { pending, invalidator }, mangled, options } = call;
  options.signal?.throwIfAborted();
  // What others here are making already may be older, and is for those who wait on it.
  const isFollowing = pending.void(mangled);
  const flight = pending.start(mangled, invalidator.epoch);
  void isFollowing.then(() => fly(call, flight, meeting));
  return await flight.join(flight.done, options.signal);
}

/** Takes a flight to its end. Never rejects. */
async function fly(call: CreatingCall, flight: Flight, meeting?: Meeting): Promise<void> {
  let [together, tries] = [meeting, 1];
  for (;;) {
    try {
      const begun = await begin(call, flight, together !== undefined);
      if (begun !== undefined) {
        const creator = together?.join.bind(together) ?? call.creator;
        return flight.settle(await createAndStore(call, begun, creator));
      }
    } catch (error) {
      if (!(error instanceof LeaseLostError) || tries++ === MOST_TRIES) return flight.fail(error);
    } finally {
      // Nobody who is waited for waits for a lock.
      together?.leave(call.key);
    }
    together = undefined;
  }
}

/** The right to create; `undefined` where a hasty one would have to wait for it. */
async function begin(
  call: CreatingCall,
  flight: Flight,
  isHasty: boolean,
): Promise<CreationRight | undefined> {
  const acquired = await acquire(call, flight, isHasty);
  if (acquired === undefined) return undefined;
  const { lease, value } = acquired;
  const stale = judge(call, value) === "missing" ? undefined : value;
  return { flight, lease, stale, isEarly: true };
}

async function acquire(
  call: Call,
  { signal }: Flight,
  isHasty: boolean,
): Promise<Acquired<Entry> | undefined> {
  const { core: { store, invalidator }, key, mangled, policy: { lock } } = call;
  if (store === undefined) return { lease: undefined, value: slotOf(call)?.entry };
  const waitMs = isHasty ? 0 : lock.waitMs;
  const enough = (): boolean => false;
  const acquired = await store.locks.acquire(mangled, { ...lock, waitMs, enough, signal });
  const { lease, value } = acquired;
  try {
    signal.throwIfAborted();
    if (lease === undefined && isHasty) return undefined;
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
