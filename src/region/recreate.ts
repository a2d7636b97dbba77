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
import { create, type CreatingCall, type Creation, type CreationRight } from "./creation.ts";
import { takeTurn, type Turn } from "./dogpile.ts";
import type { Freshness } from "./freshness.ts";
import { informOf, judge, judgeIfKnown, readEntries } from "./look.ts";
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
      const payload = core.store === undefined
        ? await recreateNear(core, call, lead)
        : await recreateStored(core, call, { ...lead, store: core.store });
      return lead.flight.settle(payload);
    } catch (error) {
      if (error instanceof LeaseLostError && tries < MOST_TRIES) continue;
      return lead.flight.fail(error);
    }
  }
}

async function recreateNear(core: Core, call: CreatingCall, lead: Lead): Promise<unknown> {
  const { flight, entry, isEarly } = lead;
  const stale = judge(core, call, entry) === "missing" ? undefined : entry;
  return await createAndStore(core, call, { flight, lease: undefined, stale, isEarly });
}

async function recreateStored(
  core: Core,
  call: CreatingCall,
  lead: Lead & { store: Store },
): Promise<unknown> {
  const seen = await look(core, call, lead);
  if (seen.freshness === "fresh") return answerStored(core, call, seen);
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
    core.fixed.observer.note("storeError", call.key, { error });
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
): Promise<unknown> {
  if (turn.act === "throw") {
    core.fixed.observer.note("lockTimeout", call.key);
    throw new LockTimeoutError(call.key, turn.waitedMs);
  }
  if (turn.act === "answer") {
    return answerStored(core, call, { entry: turn.value, freshness: turn.freshness });
  }
  const { flight, isEarly } = lead;
  if (turn.lease === undefined) core.fixed.observer.note("lockTimeout", call.key);
  return await createAndStore(core, call, {
    flight,
    lease: turn.lease,
    stale: turn.stale,
    isEarly,
  });
}

/** Shelves and answers an entry that was found. */
export function answerStored(
  core: Core,
  call: Call,
  { entry, freshness }: { entry: Entry | undefined; freshness: Freshness },
): unknown {
  if (entry === undefined) return undefined;
  core.fixed.observer.note(freshness === "fresh" ? "backendHit" : "staleHit", call.key);
  shelve(core, call, entry);
  return entry.payload;
}

async function createAndStore(
  core: Core,
  call: CreatingCall,
  right: CreationRight,
): Promise<unknown> {
  const { clock } = core.fixed;
  beginCreation(core, call, right);
  const startedAt = clock.now();
  const made = await create(core, call, right).catch((error) => ({ error }));
  const durationMs = clock.now() - startedAt;
  if ("error" in made) {
    return await endFailed(core, call, { right, error: made.error, durationMs });
  }
  return await endCreated(core, call, { right, made, durationMs });
}

/** Offers the stale value to those who join, or counts that there was none. */
export function beginCreation(core: Core, call: Call, { flight, stale }: CreationRight): void {
  if (stale === undefined) core.fixed.observer.note("miss", call.key);
  else flight.offer(stale.payload);
}

/** What came of a creation that went well. */
export interface Success {
  /** What it was done under. */
  readonly right: CreationRight;
  /** What it made. */
  readonly made: Creation;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** Stores and shelves what was made, if it may be; answers it in any case. */
export async function endCreated(
  core: Core,
  call: Call,
  { right, made, durationMs }: Success,
): Promise<unknown> {
  const { payload } = made.entry;
  core.fixed.observer.note(made.isUnmodified ? "notModified" : "create", call.key, { durationMs });
  core.errors.forget(call.mangled);
  const { shouldCache } = call.options as { shouldCache?: (value: unknown) => boolean };
  if (shouldCache === undefined || shouldCache(payload)) await store(core, call, { right, made });
  else await release(core, call, right);
  return payload;
}

async function store(
  core: Core,
  call: Call,
  { right, made }: { right: CreationRight; made: Creation },
): Promise<void> {
  const isStored = await commit(core, call, { right, entry: made.entry });
  if (isStored && !right.flight.isVoid) shelve(core, call, made.entry);
  else core.fixed.observer.note("discard", call.key);
}

/** Stores an entry under a creation's right; answers whether others may have it. */
async function commit(
  core: Core,
  call: Call,
  { right, entry }: { right: CreationRight; entry: Entry },
): Promise<boolean> {
  const { flight, lease } = right;
  if (flight.isVoid) {
    await release(core, call, right);
    return false;
  }
  if (core.store === undefined) return true;
  if (lease === undefined) return false;
  try {
    const { mangled: key } = call;
    return await lease.commit({ key, value: entry, expiresAt: entry.hardExpiresAt });
  } catch (error) {
    // The value was made and is right; that it could not be kept is told, not thrown.
    core.fixed.observer.note("storeError", call.key, { error });
    return false;
  }
}

/** Gives a lock back; that it could not be is told, never thrown over a good value. */
export async function release(core: Core, call: Call, { lease }: CreationRight): Promise<void> {
  await lease?.release().catch((error) => {
    core.fixed.observer.note("storeError", call.key, { error });
  });
}

/** What came of a creation that failed. */
export interface Failure {
  /** What it was done under. */
  readonly right: CreationRight;
  /** The creator's error. */
  readonly error: unknown;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** Answers a stale value in place of a failed creation, if the policy has it; or throws. */
export async function endFailed(core: Core, call: Call, failure: Failure): Promise<unknown> {
  const { right, error, durationMs } = failure;
  core.fixed.observer.note("createError", call.key, { error, durationMs });
  const standIn = standInFor(core, call, right);
  if (standIn !== undefined) {
    core.fixed.observer.note("staleOnError", call.key, { error });
    if (await commit(core, call, { right, entry: standIn })) shelve(core, call, standIn);
    return standIn.payload;
  }
  rememberError(core, call, failure);
  await release(core, call, right);
  throw error;
}

function rememberError(core: Core, call: Call, { right, error }: Failure): void {
  const now = core.fixed.clock.now();
  if (right.isEarly) {
    const { throttleMs = EARLY_THROTTLE_MS } = call.policy;
    core.earlyErrors.remember(call.mangled, error, now + throttleMs);
    return;
  }
  const { errorTtlMs = 0 } = call.policy.negative;
  if (errorTtlMs > 0) core.errors.remember(call.mangled, error, now + errorTtlMs);
}

/** How soon a failed early refresh is tried again where the policy has no throttle. */
const EARLY_THROTTLE_MS = 1_000;

/**
 * The stale entry as it is stored to stand in for a failed creation: fresh for a moment, so that no
 * process tries again before. Its hard marks stay its own: what was invalidated meanwhile stays so.
 */
function standInFor(core: Core, call: Call, right: CreationRight): Entry | undefined {
  const { stale, flight, isEarly } = right;
  const { throttleMs } = call.policy;
  if (stale === undefined || throttleMs === undefined || isEarly || flight.isVoid) return undefined;
  if (judge(core, call, stale) === "missing") return undefined;
  const softExpiresAt = Math.min(core.fixed.clock.now() + throttleMs, stale.hardExpiresAt);
  return { ...stale, softExpiresAt, marks: core.invalidator.softened(stale) };
}
