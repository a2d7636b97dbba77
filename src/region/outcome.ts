/**
 * How creations end: what they made is stored and shelved if it still may be; a stale value stands in
 * for a failure if the policy says so; the lock is given back in any case.
 */

import type { Entry } from "../contracts/entry.ts";
import { LeaseLostError } from "../contracts/errors.ts";
import type { Lease } from "../contracts/locks.ts";
import type { Call } from "./core.ts";
import { create, type CreationRight, type Creator, LEFT_OUT } from "./creation.ts";
import { judge } from "./look.ts";
import { note } from "./observer.ts";
import { shelve } from "./shelf.ts";

/** Runs a creator, stores and shelves what it made, if it may be, and answers that in any case. */
export async function createAndStore(
  call: Call,
  right: CreationRight,
  creator: Creator<unknown>,
): Promise<unknown> {
  const { core } = call;
  right.flight.stage = "creating";
  if (right.stale === undefined) note(call, "miss");
  else right.flight.offer(right.stale);
  const startedAt = core.clock.now();
  const made = await create(call, right, creator).catch((error) => ({ error }));
  const durationMs = core.clock.now() - startedAt;
  if (made === LEFT_OUT) return await release(call, right.lease);
  if ("error" in made) return await endFailed(call, right, { ...made, durationMs });
  const { entry, isUnmodified, isKept } = made;
  note(call, isUnmodified ? "notModified" : "create", { durationMs });
  core.errors.forget(call.mangled);
  if (!isKept) await release(call, right.lease);
  else if (!await store(call, right, entry)) note(call, "discard");
  return entry.payload;
}

/** Stores and shelves an entry under a creation's right; answers whether others may have it. */
async function store(call: Call, right: CreationRight, entry: Entry): Promise<boolean> {
  const { flight, lease } = right;
  flight.stage = "storing";
  if (flight.isVoid) await release(call, lease);
  else if (await commit(call, lease, entry) && !flight.isVoid) {
    // Who has read the entry that this one replaces while it was fresh must not shelve it any more.
    if (right.isEarly) call.core.versions.bump(call.mangled);
    shelve(call, entry);
    return true;
  }
  return false;
}

async function commit(
  call: Call,
  lease: Lease<Entry> | undefined,
  entry: Entry,
): Promise<boolean> {
  if (call.core.store === undefined) return true;
  try {
    const write = { key: call.mangled, value: entry, expiresAt: entry.hardExpiresAt };
    return await lease?.commit(write) ?? false;
  } catch (error) {
    // The value was made and is right; that it could not be kept is told, not thrown.
    note(call, "storeError", { error });
    await release(call, lease);
    return false;
  }
}

/** Gives a lock back; that it could not be is told, never thrown over a good value. */
export async function release(call: Call, lease: Lease<Entry> | undefined): Promise<void> {
  await lease?.release().catch((error) => note(call, "storeError", { error }));
}

/** Answers a stale value in place of a failed creation, if the policy has it; or throws. */
async function endFailed(
  call: Call,
  right: CreationRight,
  failed: { readonly error: unknown; readonly durationMs: number },
): Promise<unknown> {
  const { error } = failed;
  // That everybody left is no failure of the creator.
  if (!right.flight.signal.aborted) note(call, "createError", failed);
  const standIn = standInFor(call, right);
  if (standIn !== undefined) {
    note(call, "staleOnError", { error });
    await store(call, right, standIn);
    return standIn.payload;
  }
  rememberError(call, right, error);
  await release(call, right.lease);
  throw error;
}

/** How soon a failed early refresh is tried again where the policy has no throttle. */
const EARLY_THROTTLE_MS = 1_000;

function rememberError(
  { core, mangled, policy }: Call,
  right: CreationRight,
  error: unknown,
): void {
  // What ended because its callers left, its key was written or its lease lost says nothing about
  // the next one.
  if (right.flight.isVoid || error instanceof LeaseLostError) return;
  const [table, ms] = right.isEarly
    ? [core.earlyErrors, policy.throttleMs ?? EARLY_THROTTLE_MS]
    : [core.errors, policy.negative.errorTtlMs ?? 0];
  if (ms > 0) table.remember(mangled, error, ms);
}

/**
 * The stale entry as it is stored to stand in for a failed creation: fresh for a moment, so that no
 * process tries again before. Its hard marks stay its own: what was invalidated meanwhile stays so.
 */
function standInFor(call: Call, right: CreationRight): Entry | undefined {
  const { stale, flight, isEarly } = right;
  const { core: { clock, invalidator }, policy: { throttleMs } } = call;
  if (stale === undefined || throttleMs === undefined || isEarly || flight.isVoid) return undefined;
  if (judge(call, stale) === "missing") return undefined;
  const softExpiresAt = Math.min(clock.now() + throttleMs, stale.hardExpiresAt);
  return { ...stale, softExpiresAt, marks: invalidator.softened(stale) };
}
