/**
 * One flight, from the look at the store to the value:
 *
 *  1. It reads the backend; a fresh entry is shelved and answered.
 *  2. It takes its turn at the store's lock (`dogpile.ts`), which may also end in an answer.
 *  3. It creates (`creation.ts`), stores and releases in one step, and shelves.
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
import type { Call, Core, Store } from "./core.ts";
import { create, type CreatingCall, type CreationRight } from "./creation.ts";
import { takeTurn, type Turn } from "./dogpile.ts";
import { type Freshness, isEarlyDue } from "./freshness.ts";
import { informOf, judge, judgeIfKnown, readEntries } from "./look.ts";
import { note } from "./observer.ts";
import { answerStored, beginCreation, endCreated, endFailed } from "./outcome.ts";
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
}

/** A lease may be lost, and its creation begun anew, so many times. */
const MOST_TRIES = 3;

/** Takes a flight to its end. Never rejects. */
export async function recreate(core: Core, call: CreatingCall, lead: Lead): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      const landing = core.store === undefined
        ? await recreateNear(core, call, lead)
        : await recreateStored(core, call, { ...lead, store: core.store });
      lead.flight.settle(landing.payload);
      if (landing.found !== undefined) refreshEarlyIfDue(core, call, landing.found);
      return;
    } catch (error) {
      if (error instanceof LeaseLostError && tries < MOST_TRIES) continue;
      return lead.flight.fail(error);
    }
  }
}

/** Begins to recreate a fresh entry in the background, if the policy says it is time. */
export function refreshEarlyIfDue(core: Core, call: CreatingCall, entry: Entry): void {
  if (!isDueEarly(core, call, entry)) return;
  note(core, call, { type: "earlyRefresh" });
  // Nobody leads: the value is still fresh, and whoever asks goes on with it.
  const flight = core.pending.start(call.mangled, core.invalidator.epoch);
  flight.offer(entry.payload);
  void flight.join(flight.done, undefined);
  void recreate(core, call, { flight, entry, isEarly: true });
  core.fixed.background(flight.done.catch(() => {}));
}

function isDueEarly(core: Core, call: Call, entry: Entry): boolean {
  const { clock, random } = core.fixed;
  const { earlyRefresh } = call.policy;
  if (earlyRefresh === undefined) return false;
  const now = clock.now();
  return isEarlyDue(entry, earlyRefresh, { now, chance: random() }) &&
    core.pending.get(call.mangled, core.invalidator.epoch) === undefined &&
    core.earlyErrors.get(call.mangled, now) === undefined;
}

/** What a flight ended in: a value that was made, or one that was found fresh. */
interface Landing {
  readonly payload: unknown;
  readonly found?: Entry;
}

async function recreateNear(core: Core, call: CreatingCall, lead: Lead): Promise<Landing> {
  const { flight, entry, isEarly } = lead;
  const stale = judge(core, call, entry) === "missing" ? undefined : entry;
  return await createAndStore(core, call, { flight, lease: undefined, stale, isEarly });
}

async function recreateStored(
  core: Core,
  call: CreatingCall,
  lead: Lead & { store: Store },
): Promise<Landing> {
  const seen = await look(core, call, lead);
  if (seen.freshness === "fresh") return land(core, call, { ...seen, lead });
  const turn = await takeTurn({
    key: call.mangled,
    locks: lead.store.locks,
    policy: call.policy.lock,
    judge: (entry) => judgeFor(core, call, { lead, entry }),
    inform: (entry) => informOf(core, [entry]),
    signal: lead.flight.signal,
  }, seen.freshness);
  return await act(core, call, { lead, turn });
}

// What an early refresh finds is nobody's answer: whoever asked has gone on with the old value.
function land(
  core: Core,
  call: CreatingCall,
  at: { lead: Lead; entry: Entry | undefined; freshness: Freshness },
): Landing {
  const { lead, entry, freshness } = at;
  if (!lead.isEarly) answerStored(core, call, { entry, freshness });
  else if (entry !== undefined) shelve(core, call, entry);
  const isFound = freshness === "fresh" && !lead.isEarly && entry !== undefined;
  return isFound ? { payload: entry.payload, found: entry } : { payload: entry?.payload };
}

async function look(
  core: Core,
  call: CreatingCall,
  lead: Lead,
): Promise<{ entry: Entry | undefined; freshness: Freshness }> {
  try {
    const [entry] = await readEntries(core, [call.mangled], call.tags);
    return { entry, freshness: judgeFor(core, call, { lead, entry }) ?? "missing" };
  } catch (error) {
    // A near copy that may stand in for a failed creation may stand in for a failed store.
    const { entry } = lead;
    const canStandIn = call.policy.throttleMs !== undefined &&
      judge(core, call, entry) !== "missing";
    if (!canStandIn) throw error;
    note(core, call, { type: "storeError", error });
    return { entry, freshness: "fresh" };
  }
}

// An early refresh replaces the fresh entry that it set out from; any other fresh one will do.
function judgeFor(
  core: Core,
  call: Call,
  { lead, entry }: { lead: Lead; entry: Entry | undefined },
): Freshness | undefined {
  const freshness = judgeIfKnown(core, call, entry);
  const isOwn = lead.isEarly && entry?.createdAt === lead.entry?.createdAt;
  return freshness === "fresh" && isOwn ? "stale" : freshness;
}

async function act(
  core: Core,
  call: CreatingCall,
  { lead, turn }: { lead: Lead; turn: Turn<Entry> },
): Promise<Landing> {
  if (turn.act === "throw") {
    note(core, call, { type: "lockTimeout" });
    throw new LockTimeoutError(call.key, turn.waitedMs);
  }
  if (turn.act === "answer") {
    return land(core, call, { lead, entry: turn.value, freshness: turn.freshness });
  }
  const { flight, isEarly } = lead;
  if (turn.lease === undefined) note(core, call, { type: "lockTimeout" });
  return await createAndStore(core, call, {
    flight,
    lease: turn.lease,
    stale: turn.stale,
    isEarly,
  });
}

async function createAndStore(
  core: Core,
  call: CreatingCall,
  right: CreationRight,
): Promise<Landing> {
  const { clock } = core.fixed;
  beginCreation(core, call, right);
  const startedAt = clock.now();
  const made = await create(core, call, right).catch((error) => ({ error }));
  const durationMs = clock.now() - startedAt;
  if ("error" in made) {
    return { payload: await endFailed(core, call, { right, error: made.error, durationMs }) };
  }
  return { payload: await endCreated(core, call, { right, made, durationMs }) };
}
