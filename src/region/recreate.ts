/**
 * One flight, from the look at the store to the value:
 *
 *  1. It reads the backend; a fresh entry is shelved and answered.
 *  2. It takes its turn at the store's lock (`dogpile.ts`), which may also end in an answer.
 *  3. It creates (`creation.ts`), stores and releases in one step, and shelves (`outcome.ts`).
 *
 * A delete, a set or an invalidation while it runs:
 *
 *  1. The creator reads its source and is slow.
 *  2. The source changes; someone deletes the key (or sets it, or invalidates).
 *  3. The creator answers with what it read. A delete has ended its lease, so the store refuses the
 *     write; in this process delete and set have voided the flight, so it does not even try; an
 *     invalidation has replaced a mark that the entry was stamped with at the start.
 *  4. Its own callers get the value, for they asked before; nobody after them does.
 */

import type { Entry } from "../contracts/entry.ts";
import { LeaseLostError, LockTimeoutError } from "../contracts/errors.ts";
import type { Meeting } from "./batch.ts";
import type { Call } from "./core.ts";
import type { CreatingCall, CreationRight } from "./creation.ts";
import { takeTurn } from "./dogpile.ts";
import { type Freshness, isEarlyDue } from "./freshness.ts";
import { judge, readEntries } from "./look.ts";
import { note } from "./observer.ts";
import { createAndStore, release } from "./outcome.ts";
import type { Flight } from "./pending.ts";
import { shelve } from "./shelf.ts";

/** A flight and what was known when it began. */
export interface Lead {
  /** The flight. */
  readonly flight: Flight;
  /** The entry on the near shelf, if there is one. */
  readonly entry: Entry | undefined;
  /** Whether that entry is fresh, and due for early refresh. */
  readonly isEarly: boolean;
  /** Where the keys of its batch meet, if it is one of a batch. */
  readonly meeting: Meeting | undefined;
}

/** A lease may be lost, and its creation begun anew, so many times. */
const MOST_TRIES = 3;

/** Takes a flight to its end. Never rejects. */
export async function recreate(call: CreatingCall, lead: Lead): Promise<void> {
  const { meeting } = lead;
  let attempt = lead;
  for (let tries = 1;;) {
    try {
      if (await hasLanded(call, attempt)) return;
    } catch (error) {
      if (!(error instanceof LeaseLostError) || tries++ === MOST_TRIES) {
        return lead.flight.fail(error);
      }
    } finally {
      // Nobody who is waited for waits for a lock.
      meeting?.leave(call.key);
    }
    attempt = { ...lead, meeting: undefined };
  }
}

/** Begins to recreate a fresh entry in the background, if the policy says it is time. */
export function refreshEarlyIfDue(call: CreatingCall, entry: Entry): void {
  if (!isDueEarly(call, entry)) return;
  const { pending, invalidator, background } = call.core;
  note(call, "earlyRefresh");
  const flight = pending.start(call.mangled, invalidator.epoch);
  flight.offer(entry);
  // Whoever asks goes on with the fresh value; the flight is for those yet to come.
  flight.hold();
  void recreate(call, { flight, entry, isEarly: true, meeting: undefined });
  background(flight.done.catch(() => {}));
}

function isDueEarly({ core, mangled, policy: { earlyRefresh } }: Call, entry: Entry): boolean {
  if (earlyRefresh === undefined) return false;
  const now = core.clock.now();
  return isEarlyDue(entry, earlyRefresh, { now, chance: core.random() }) &&
    core.pending.get(mangled, core.invalidator.epoch) === undefined &&
    core.earlyErrors.get(mangled) === undefined;
}

/** Takes a flight as far as it can go; answers whether that was to its end, and not to a busy lock. */
async function hasLanded(call: CreatingCall, lead: Lead): Promise<boolean> {
  const { store } = call.core;
  const { flight, entry, isEarly, meeting } = lead;
  if (store === undefined) {
    const stale = judge(call, entry) === "missing" ? undefined : entry;
    return await landNew(call, lead, { flight, lease: undefined, stale, isEarly });
  }
  const seen = await look(call, lead);
  if (seen.freshness === "fresh") return land(call, lead, seen);
  const turn = await takeTurn({
    key: call.mangled,
    locks: store.locks,
    policy: call.policy.lock,
    isHasty: meeting !== undefined,
    judge: (value) => judgeFor(call, lead, value),
    inform: (value) => call.core.invalidator.refresh(value?.tags ?? []),
    signal: flight.signal,
  }, seen.freshness);
  if (turn.act === "busy") return false;
  const isInVain = turn.act === "throw" || turn.act === "create" && turn.lease === undefined;
  if (isInVain) note(call, "lockTimeout");
  if (turn.act === "throw") throw new LockTimeoutError(call.key, turn.waitMs);
  const { lease, value, freshness } = turn;
  if (turn.act === "create") {
    const stale = freshness === "stale" ? value : undefined;
    return await landNew(call, lead, { flight, lease, stale, isEarly });
  }
  await release(call, lease);
  return land(call, lead, { entry: value, freshness });
}

async function landNew(call: CreatingCall, lead: Lead, right: CreationRight): Promise<true> {
  const { meeting } = lead;
  const creator = meeting === undefined ? call.creator : meeting.join.bind(meeting);
  right.flight.settle(await createAndStore(call, right, creator));
  return true;
}

/** What was found in the store, and how it is judged. */
interface Found {
  readonly entry: Entry | undefined;
  readonly freshness: Freshness;
}

function land(call: CreatingCall, { flight, isEarly }: Lead, { entry, freshness }: Found): true {
  // What an early refresh finds is nobody's answer: whoever asked has gone on with the old value.
  if (!isEarly) note(call, freshness === "fresh" ? "backendHit" : "staleHit");
  // What was read before a set or delete may be what it has replaced.
  if (entry !== undefined && !flight.isVoid) shelve(call, entry);
  flight.settle(entry?.payload);
  if (!isEarly && freshness === "fresh") refreshEarlyIfDue(call, entry as Entry);
  return true;
}

async function look(call: Call, lead: Lead): Promise<Found> {
  const { core, mangled, tags, policy } = call;
  try {
    const [entry] = lead.meeting === undefined
      ? await readEntries(core, [mangled], tags)
      : [await lead.meeting.read(call)];
    return { entry, freshness: judgeFor(call, lead, entry) ?? "missing" };
  } catch (error) {
    // A near copy that may stand in for a failed creation may stand in for a failed store.
    const { entry } = lead;
    if (policy.throttleMs === undefined || judge(call, entry) === "missing") throw error;
    note(call, "storeError", { error });
    return { entry, freshness: "fresh" };
  }
}

// An early refresh replaces the fresh entry that it set out from; any other fresh one will do.
function judgeFor(call: Call, lead: Lead, entry: Entry | undefined): Freshness | undefined {
  if (entry !== undefined && !call.core.invalidator.isKnown(entry)) return undefined;
  const freshness = judge(call, entry);
  const isOwn = lead.isEarly && entry?.createdAt === lead.entry?.createdAt;
  return freshness === "fresh" && isOwn ? "stale" : freshness;
}
