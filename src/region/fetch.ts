/**
 * getOrCreate beyond the near hit, for one key or many, up to where a value has to be made:
 *
 *  1. What lies on the near shelf is judged again; it may be fresh after all.
 *  2. A creation under way in this process is joined; with a stale value in hand, that is the answer.
 *  3. Else this caller leads a flight (`recreate.ts`), which ends in a value or an error for all who
 *     joined it. Every key that is led has its flight at once, so that single calls and batches join
 *     each other's.
 */

import { LockTimeoutError } from "../contracts/errors.ts";
import { type ManyCreator, Meeting } from "./batch.ts";
import type { Call } from "./core.ts";
import type { CreatingCall } from "./creation.ts";
import type { Freshness } from "./freshness.ts";
import { judge } from "./look.ts";
import { note } from "./observer.ts";
import type { Flight } from "./pending.ts";
import { recreate, refreshEarlyIfDue } from "./recreate.ts";
import { extend, isOutworn, type Slot, slotOf } from "./shelf.ts";

/** A call's answer to come, and the flight that it has to lead, if any. */
interface Start {
  readonly call: CreatingCall;
  readonly answer: Promise<unknown>;
  readonly flight?: Flight;
  readonly slot?: Slot | undefined;
}

/**
 * Answers calls that the near shelf could not answer at once, in their order; those of one mangled
 * key are one. A `creator` makes together what has to be made.
 */
export async function fetchAll(
  calls: readonly CreatingCall[],
  creator?: ManyCreator<unknown>,
): Promise<unknown[]> {
  calls[0]?.options.signal?.throwIfAborted();
  // The first call of a key is kept, as the last one put into the map.
  const first = new Map(calls.toReversed().map((call) => [call.mangled, call]));
  const some = [...first.values()];
  const slots = await Promise.all(some.map(judgedSlot));
  const starts = some.map((call, i) => start(call, slots[i] as JudgedSlot));
  const led = starts.filter(({ flight }) => flight !== undefined);
  const meeting = creator && new Meeting(led.map(({ call }) => call), creator);
  for (const { call, flight, slot } of led) {
    const lead = { flight: flight as Flight, entry: slot?.entry, isEarly: false, meeting };
    void recreate(call, lead);
  }
  const answers = new Map(starts.map(({ call, answer }) => [call.mangled, answer]));
  return await Promise.all(calls.map(({ mangled }) => answers.get(mangled)));
}

/** What lies on the near shelf, and how it is judged. */
export interface JudgedSlot {
  /** What lies there. */
  readonly slot: Slot | undefined;
  /** How that is judged, under marks that may be trusted. */
  readonly near: Freshness;
}

/** Looks at the near shelf for a call. */
export async function judgedSlot(call: Call): Promise<JudgedSlot> {
  const slot = slotOf(call);
  if (slot === undefined || isOutworn(call.core, slot)) return { slot, near: "missing" };
  await call.core.invalidator.refresh(slot.entry.tags);
  return { slot, near: judge(call, slot.entry) };
}

// What the answer then has to wait for, it waits for itself.
function start(call: CreatingCall, { slot, near }: JudgedSlot): Start {
  const { core: { pending, invalidator, errors, clock }, mangled, policy } = call;
  if (slot !== undefined && near === "fresh") {
    note(call, "nearHit");
    refreshEarlyIfDue(call, slot.entry);
    extend(call, slot);
    return { call, answer: Promise.resolve(slot.entry.payload) };
  }
  const flight = pending.get(mangled, invalidator.epoch);
  if (flight === undefined) {
    const remembered = errors.get(mangled, clock.now());
    if (remembered !== undefined) return { call, answer: Promise.reject(remembered.error) };
    const own = pending.start(mangled, invalidator.epoch);
    return { call, answer: awaitOwn(call, own), flight: own, slot };
  }
  if (policy.lock.staleWaitMs > 0) return { call, answer: joinPatiently(call, flight) };
  if (slot !== undefined && near === "stale") {
    note(call, "staleHit");
    return { call, answer: Promise.resolve(slot.entry.payload) };
  }
  note(call, "join");
  return { call, answer: flight.join(flight.answer, call.options.signal) };
}

// The leader waits for the new value, with a stale one in hand no longer than the policy says.
async function awaitOwn(call: Call, flight: Flight): Promise<unknown> {
  const joined = flight.join(flight.done, call.options.signal);
  const { softTimeoutMs } = call.policy.creation;
  if (softTimeoutMs === Infinity) return await joined;
  const offered = await Promise.race([flight.answer, joined]);
  if (flight.isDone) return await joined;
  if (softTimeoutMs > 0 && await isSettledWithin(call, joined, softTimeoutMs)) return await joined;
  note(call, "softTimeout");
  call.core.background(flight.done.catch(() => {}));
  return offered;
}

// A caller who would rather wait than have a stale value takes the offered one after its wait.
async function joinPatiently(call: CreatingCall, flight: Flight): Promise<unknown> {
  note(call, "join");
  const { staleWaitMs, onTimeout } = call.policy.lock;
  const joined = flight.join(flight.done, call.options.signal);
  if (await isSettledWithin(call, joined, staleWaitMs)) return await joined;
  note(call, "lockTimeout");
  if (onTimeout === "throw") throw new LockTimeoutError(call.key, staleWaitMs);
  return await Promise.race([flight.answer, joined]);
}

async function isSettledWithin(
  { core: { clock } }: Call,
  work: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  const ended = new AbortController();
  const settled = work.then(() => true, () => true);
  const timeout = clock.sleep(ms, ended.signal).then(() => false);
  const isSettled = await Promise.race([settled, timeout]);
  ended.abort();
  return isSettled;
}
