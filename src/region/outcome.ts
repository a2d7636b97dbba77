/**
 * How creations end: what they made is stored and shelved if it still may be; a stale value stands in
 * for a failure if the policy says so; the lock is given back in any case.
 */

import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import type { Creation, CreationRight } from "./creation.ts";
import type { Freshness } from "./freshness.ts";
import { judge } from "./look.ts";
import { note } from "./observer.ts";
import { shelve } from "./shelf.ts";

/** Shelves and answers an entry that was found. */
export function answerStored(
  core: Core,
  call: Call,
  { entry, freshness }: { entry: Entry | undefined; freshness: Freshness },
): unknown {
  if (entry === undefined) return undefined;
  note(core, call, { type: freshness === "fresh" ? "backendHit" : "staleHit" });
  shelve(core, call, entry);
  return entry.payload;
}

/** Offers the stale value to those who join, or counts that there was none. */
export function beginCreation(core: Core, call: Call, { flight, stale }: CreationRight): void {
  if (stale === undefined) note(core, call, { type: "miss" });
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
  note(core, call, { type: made.isUnmodified ? "notModified" : "create", durationMs });
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
  else note(core, call, { type: "discard" });
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
    note(core, call, { type: "storeError", error });
    return false;
  }
}

/** Gives a lock back; that it could not be is told, never thrown over a good value. */
export async function release(core: Core, call: Call, { lease }: CreationRight): Promise<void> {
  await lease?.release().catch((error) => {
    note(core, call, { type: "storeError", error });
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
  // That everybody left is no failure of the creator.
  if (!right.flight.signal.aborted) note(core, call, { type: "createError", error, durationMs });
  const standIn = standInFor(core, call, right);
  if (standIn !== undefined) {
    note(core, call, { type: "staleOnError", error });
    if (await commit(core, call, { right, entry: standIn })) shelve(core, call, standIn);
    return standIn.payload;
  }
  rememberError(core, call, failure);
  await release(core, call, right);
  throw error;
}

function rememberError(core: Core, call: Call, { right, error }: Failure): void {
  // What ended because its callers left, or its key was written, says nothing about the next one.
  if (right.flight.isVoid) return;
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
