/**
 * getOrCreate beyond the near hit, for one key or many, up to where a value has to be made:
 *
 *  1. What lies on the near shelf is judged again; it may be fresh after all.
 *  2. A creation under way in this process is joined; with a stale value in hand, that is the answer.
 *  3. Else this caller leads a flight (`recreate.ts`), which ends in a value or an error for all who
 *     joined it. Every key that is led has its flight at once, so that single calls and batches join
 *     each other's.
 */

import { NEVER } from "../contracts/clock.ts";
import { LockTimeoutError } from "../contracts/errors.ts";
import { type ManyCreator, Meeting } from "./batch.ts";
import type { Call } from "./core.ts";
import type { CreatingCall } from "./creation.ts";
import { informNear, lookNear } from "./look.ts";
import { note } from "./observer.ts";
import type { Flight } from "./pending.ts";
import { type Lead, recreate, refreshEarlyIfDue } from "./recreate.ts";
import { extend, slotOf } from "./shelf.ts";

/** A call's answer to come, and the flight that it has to lead, if any. */
interface Start {
  readonly call: CreatingCall;
  readonly answer: Promise<unknown>;
  readonly lead?: Lead;
}

/** Answers a call that the near shelf could not answer at once. */
export async function fetchOne(call: CreatingCall): Promise<unknown> {
  call.options.signal?.throwIfAborted();
  const isSure = slotOf(call) === undefined || await informNear([call]);
  const { answer, lead } = start(call, isSure);
  if (lead !== undefined) void recreate(call, lead);
  return await answer;
}

/**
 * Answers many of them, in their order; those of one mangled key are one. The `creator` makes
 * together what has to be made.
 */
export async function fetchAll(
  calls: readonly CreatingCall[],
  creator: ManyCreator<unknown>,
): Promise<unknown[]> {
  calls[0]?.options.signal?.throwIfAborted();
  // The first call of a key is kept, as the last one put into the map.
  const first = new Map(calls.toReversed().map((call) => [call.mangled, call]));
  const some = [...first.values()];
  const isSure = await informNear(some);
  const starts = some.map((call) => start(call, isSure));
  const led = starts.flatMap(({ call, lead }) => lead === undefined ? [] : { call, lead });
  const meeting = new Meeting(led.map(({ call }) => call), creator);
  for (const { call, lead } of led) void recreate(call, { ...lead, meeting });
  const answers = new Map(starts.map(({ call, answer }) => [call.mangled, answer]));
  return await Promise.all(calls.map(({ mangled }) => answers.get(mangled)));
}

// All that decides is looked at in one go: between a judgement and what follows from it, nothing can
// be invalidated or deleted. What the answer then has to wait for, it waits for itself.
function start(call: CreatingCall, isSure: boolean): Start {
  const { core: { pending, invalidator, errors, clock }, mangled, policy, options } = call;
  const { slot, near } = lookNear(call, isSure);
  if (slot !== undefined && near === "fresh") {
    note(call, "nearHit");
    refreshEarlyIfDue(call, slot.entry);
    extend(call, slot);
    return { call, answer: Promise.resolve(slot.entry.payload) };
  }
  const flight = pending.get(mangled, invalidator.epoch);
  if (flight === undefined) {
    const remembered = errors.get(mangled);
    if (remembered !== undefined) return { call, answer: Promise.reject(remembered.error) };
    const own = pending.start(mangled, invalidator.epoch);
    const lead = { flight: own, entry: slot?.entry, isEarly: false, meeting: undefined };
    return { call, answer: awaitOwn(call, own), lead };
  }
  // What a flight finds may be too old for this caller; what it creates is not.
  if (options.maxAgeMs !== undefined && flight.stage === "looking") {
    return { call, answer: startOver(call, flight) };
  }
  const isStale = slot !== undefined && near === "stale";
  const offer = isStale ? Promise.resolve(slot.entry.payload) : flight.answerAt(clock.now());
  const { staleWaitMs } = policy.lock;
  const isPatient = staleWaitMs > 0;
  note(call, isStale && !isPatient ? "staleHit" : "join");
  const answer = isPatient
    ? awaitNew(call, flight, { offer, ms: staleWaitMs, isJoined: true })
    : isStale
    ? offer
    : flight.join(offer, options.signal);
  return { call, answer };
}

async function startOver(call: CreatingCall, flight: Flight): Promise<unknown> {
  await flight.join(flight.done, call.options.signal).catch(() => {});
  return await fetchOne(call);
}

function awaitOwn(call: CreatingCall, flight: Flight): Promise<unknown> {
  const { core: { clock }, policy, options } = call;
  const { softTimeoutMs } = policy.creation;
  // Without a limit on the wait there is nothing to do but wait.
  if (softTimeoutMs === NEVER) return flight.join(flight.done, options.signal);
  return awaitNew(call, flight, { offer: flight.answerAt(clock.now()), ms: softTimeoutMs });
}

/** For how long a caller waits for a new value who has an old one to go on with. */
interface Patience {
  /** The old value, as soon as there is one; the new one if it comes first. */
  readonly offer: Promise<unknown>;
  /** How long, from then on. */
  readonly ms: number;
  /** Whether the value is made for somebody else. */
  readonly isJoined?: boolean;
}

// Without an old value there is nothing to go on with: then the wait has no end but the flight's.
async function awaitNew(
  call: Call,
  flight: Flight,
  { offer, ms, isJoined = false }: Patience,
): Promise<unknown> {
  const joined = flight.join(flight.done, call.options.signal);
  const offered = await Promise.race([offer, joined]);
  const isDone = flight.stage === "done" || ms > 0 && await isSettledWithin(call, joined, ms);
  if (isDone) return await joined;
  note(call, isJoined ? "lockTimeout" : "softTimeout");
  if (isJoined && call.policy.lock.onTimeout === "throw") throw new LockTimeoutError(call.key, ms);
  // It is for those yet to come now, and goes on when this caller is gone.
  flight.hold();
  call.core.background(flight.done.catch(() => {}));
  return offered;
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
