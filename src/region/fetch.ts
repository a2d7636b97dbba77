/**
 * getOrCreate beyond the near hit, up to where a value has to be made:
 *
 *  1. What lies on the near shelf is judged again; it may be fresh after all.
 *  2. A creation under way in this process is joined; with a stale value in hand, that is the answer.
 *  3. Else this caller leads a flight (`recreate.ts`), which ends in a value or an error for all who
 *     joined it.
 */

import { LockTimeoutError } from "../contracts/errors.ts";
import type { Call, Core } from "./core.ts";
import type { CreatingCall } from "./creation.ts";
import type { Freshness } from "./freshness.ts";
import { judge } from "./look.ts";
import type { Flight } from "./pending.ts";
import { type Lead, recreate, refreshEarlyIfDue } from "./recreate.ts";
import { extend, type Slot, slotOf } from "./shelf.ts";
import { note } from "./observer.ts";

/** What the near shelf has to say to a call. */
export interface Glance {
  /** What lies there. */
  readonly slot: Slot | undefined;
  /** How that is judged. */
  readonly near: Freshness;
}

/** A call's answer to come, and the flight that it has to lead, if any. */
export interface Start {
  /** The answer. */
  readonly answer: Promise<unknown>;
  /** The flight to be taken to its end. */
  readonly lead: Lead | undefined;
}

/** Answers a call that the near shelf could not answer at once. */
export async function fetchPayload(core: Core, call: CreatingCall): Promise<unknown> {
  call.options.signal?.throwIfAborted();
  const { answer, lead } = startFrom(core, call, await glance(core, call));
  if (lead !== undefined) void recreate(core, call, lead);
  return await answer;
}

/** Looks at the near shelf for a call. */
export async function glance(core: Core, call: Call): Promise<Glance> {
  const slot = slotOf(core, call.mangled);
  return { slot, near: slot === undefined ? "missing" : await judgeSlot(core, call, slot) };
}

/** Finds where the answer of a call comes from; what it then has to wait for, it waits for itself. */
export function startFrom(core: Core, call: CreatingCall, { slot, near }: Glance): Start {
  if (slot !== undefined && near === "fresh") return ready(answerFromNear(core, call, slot));
  const flight = core.pending.get(call.mangled, core.invalidator.epoch);
  if (flight === undefined) return startFlight(core, call, slot);
  if (call.policy.lock.staleWaitMs > 0) {
    return { answer: joinPatiently(core, call, flight), lead: undefined };
  }
  if (slot !== undefined && near === "stale") {
    note(core, call, { type: "staleHit" });
    return ready(slot.entry.payload);
  }
  note(core, call, { type: "join" });
  return { answer: flight.join(flight.answer, call.options.signal), lead: undefined };
}

function ready(payload: unknown): Start {
  return { answer: Promise.resolve(payload), lead: undefined };
}

/** Judges what lies on the shelf, under marks that may be trusted. */
export async function judgeSlot(core: Core, call: Call, slot: Slot): Promise<Freshness> {
  const now = core.fixed.clock.now();
  if (core.store !== undefined && now >= slot.nearUntil) return "missing";
  await core.invalidator.refresh(slot.entry.tags, now);
  return judge(core, call, slot.entry);
}

function answerFromNear(core: Core, call: CreatingCall, slot: Slot): unknown {
  note(core, call, { type: "nearHit" });
  refreshEarlyIfDue(core, call, slot.entry);
  extend(core, slot, call.policy);
  return slot.entry.payload;
}

function startFlight(core: Core, call: CreatingCall, slot: Slot | undefined): Start {
  const remembered = core.errors.get(call.mangled, core.fixed.clock.now());
  if (remembered !== undefined) {
    return { answer: Promise.reject(remembered.error), lead: undefined };
  }
  const flight = core.pending.start(call.mangled, core.invalidator.epoch);
  const answer = awaitOwn(core, call, flight);
  return { answer, lead: { flight, entry: slot?.entry, isEarly: false } };
}

// The leader waits for the new value, with a stale one in hand no longer than the policy says.
async function awaitOwn(core: Core, call: Call, flight: Flight): Promise<unknown> {
  const joined = flight.join(flight.done, call.options.signal);
  const { softTimeoutMs } = call.policy.creation;
  if (softTimeoutMs === Infinity) return await joined;
  const offered = await Promise.race([flight.answer, joined]);
  if (flight.isDone) return await joined;
  if (softTimeoutMs > 0 && await isSettledWithin(core, joined, softTimeoutMs)) return await joined;
  note(core, call, { type: "softTimeout" });
  core.fixed.background(flight.done.catch(() => {}));
  return offered;
}

// A caller who would rather wait than have a stale value takes the offered one after its wait.
async function joinPatiently(core: Core, call: CreatingCall, flight: Flight): Promise<unknown> {
  note(core, call, { type: "join" });
  const { staleWaitMs, onTimeout } = call.policy.lock;
  const joined = flight.join(flight.done, call.options.signal);
  if (await isSettledWithin(core, joined, staleWaitMs)) return await joined;
  note(core, call, { type: "lockTimeout" });
  if (onTimeout === "throw") throw new LockTimeoutError(call.key, staleWaitMs);
  return await Promise.race([flight.answer, joined]);
}

async function isSettledWithin(core: Core, work: Promise<unknown>, ms: number): Promise<boolean> {
  const ended = new AbortController();
  const settled = work.then(() => true, () => true);
  const timeout = core.fixed.clock.sleep(ms, ended.signal).then(() => false);
  const isSettled = await Promise.race([settled, timeout]);
  ended.abort();
  return isSettled;
}
