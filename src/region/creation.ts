/**
 * One run of a creator: its context, its time limits, the lease kept alive meanwhile, and the entry
 * made of its answer.
 */

import { NEVER } from "../contracts/clock.ts";
import type { Entry, Mark } from "../contracts/entry.ts";
import { CreationTimeoutError, LeaseLostError } from "../contracts/errors.ts";
import type { Lease } from "../contracts/locks.ts";
import type { Call } from "./core.ts";
import type { Flight } from "./pending.ts";
import { lifetimesOf } from "./policy.ts";

/** A creator's answer that the stale value it was shown is still right. */
export const NOT_MODIFIED: unique symbol = Symbol("not modified");

/** The answer of a creator of many that has left a key out: nothing is kept, `undefined` answered. */
export const LEFT_OUT: unique symbol = Symbol("left out");

/**
 * Makes the value of a key. One that asks its region for that very key waits for itself; only a hard
 * creation timeout ends that.
 */
export type Creator<T> = (
  context: CreationContext,
) => T | typeof NOT_MODIFIED | Promise<T | typeof NOT_MODIFIED>;

/** What a creator is given. */
export interface CreationContext {
  /** The caller's key. */
  readonly key: string;
  /** Aborted when nobody waits any more, time is up, or the lease was lost. */
  readonly signal: AbortSignal;
  /** The entry that this creation replaces, if there is a stale one. */
  readonly stale: Entry | undefined;
  /**
   * Adds tags to what is being created. Call it before reading what the tags stand for: an
   * invalidation of a tag counts from then on.
   */
  addTags(...tags: string[]): Promise<void>;
}

/** A call that can create. */
export interface CreatingCall extends Call {
  /** Makes the value. */
  readonly creator: Creator<unknown>;
}

/** What a creation is done under. */
export interface CreationRight {
  /** The flight it belongs to. */
  readonly flight: Flight;
  /** The lease, if there is one. */
  readonly lease: Lease<Entry> | undefined;
  /** The entry to be replaced, if there is one. */
  readonly stale: Entry | undefined;
  /** Whether that entry is still fresh. */
  readonly isEarly: boolean;
}

/**
 * Runs a creator within its time limits, and keeps its lease alive meanwhile; answers its value's
 * entry, {@linkcode NOT_MODIFIED}'s too, or {@linkcode LEFT_OUT}. Rejects with the creator's error,
 * or when time is up.
 */
export async function create(
  call: Call,
  right: CreationRight,
  creator: Creator<unknown>,
): Promise<Creation | typeof LEFT_OUT> {
  const { core: { clock, invalidator }, key } = call;
  const { stale } = right;
  const startedAt = clock.now();
  const label: Label = { tags: [...call.tags], marks: [...await invalidator.stamp(call.tags)] };
  // As they are now, so that what is invalidated from now on counts.
  const staleMarks = stale === undefined ? [] : invalidator.softened(stale);
  const addTags = async (...more: string[]): Promise<void> => {
    addTo(label, more, await invalidator.stamp(more));
  };
  const answer = await runWithin(call, right, (signal) => creator({ key, signal, stale, addTags }));
  if (answer === LEFT_OUT) return LEFT_OUT;
  const isUnmodified = answer === NOT_MODIFIED;
  const payload = isUnmodified ? unmodifiedPayload(call, stale) : answer;
  // The old value is still about what it was about.
  if (isUnmodified) addTo(label, (stale as Entry).tags, staleMarks);
  const { shouldCache } = call.options as { shouldCache?: (value: unknown) => boolean };
  const isKept = shouldCache === undefined || shouldCache(payload);
  return { entry: entryOf(call, payload, { startedAt, ...label }), isUnmodified, isKept };
}

/** The tags of what is being created, and the marks of the region and of each of them. */
interface Label {
  readonly tags: string[];
  readonly marks: Mark[];
}

function addTo(label: Label, tags: readonly string[], [, ...marks]: readonly Mark[]): void {
  for (const [i, tag] of tags.entries()) {
    if (label.tags.includes(tag)) continue;
    label.tags.push(tag);
    // A strategy of the user's own has no marks.
    label.marks.push(...marks.slice(i, i + 1));
  }
}

/** What came of a creation. */
export interface Creation {
  /** The new entry. */
  readonly entry: Entry;
  /** Whether the creator answered {@linkcode NOT_MODIFIED}. */
  readonly isUnmodified: boolean;
  /** Whether the caller wants it kept. */
  readonly isKept: boolean;
}

/** The entry that a value is kept in from now on. */
export function entryOf(
  call: Call,
  payload: unknown,
  made: { startedAt: number; tags: readonly string[]; marks: readonly Mark[] },
): Entry {
  const { startedAt: createdAt, tags, marks } = made;
  const creationMs = Math.max(0, call.core.clock.now() - createdAt);
  return { payload, createdAt, creationMs, ...endsOf(call, payload), tags, marks };
}

/**
 * When a value ends that begins to live now. Lives do not count from the start of a creation, so that
 * what takes longer to make than it lives is not born dead.
 */
export function endsOf(
  { core: { clock, random }, policy }: Call,
  payload: unknown,
): Pick<Entry, "softExpiresAt" | "hardExpiresAt"> {
  const { softTtlMs, hardTtlMs } = lifetimesOf(policy, payload, random);
  const now = clock.now();
  return { softExpiresAt: now + softTtlMs, hardExpiresAt: now + hardTtlMs };
}

function unmodifiedPayload({ key }: Call, stale: Entry | undefined): unknown {
  if (stale !== undefined) return stale.payload;
  throw new TypeError(`Cannot create "${key}": not modified, but there was no stale value`);
}

async function runWithin(
  call: Call,
  { flight, lease }: CreationRight,
  work: (signal: AbortSignal) => unknown,
): Promise<unknown> {
  const [run, ended] = [new AbortController(), new AbortController()];
  const leave = (): void => run.abort(flight.signal.reason);
  flight.signal.addEventListener("abort", leave, { signal: ended.signal });
  if (flight.signal.aborted) leave();
  const watch = { run, ended: ended.signal };
  if (lease !== undefined) void keepAlive(call, lease, watch);
  if (call.policy.creation.hardTimeoutMs !== NEVER) void timeOut(call, watch);
  try {
    run.signal.throwIfAborted();
    // The creator's own end may never come, whatever its signal says; nobody waits for that.
    const aborted = new Promise((_, reject) => {
      run.signal.addEventListener("abort", () => reject(run.signal.reason));
    });
    return await Promise.race([work(run.signal), aborted]);
  } finally {
    ended.abort();
  }
}

/** What ends a run early, and what ends the watching. */
interface Watch {
  readonly run: AbortController;
  readonly ended: AbortSignal;
}

async function timeOut({ core, key, policy }: Call, { run, ended }: Watch): Promise<void> {
  const { hardTimeoutMs } = policy.creation;
  await core.clock.sleep(hardTimeoutMs, ended);
  if (!ended.aborted) run.abort(new CreationTimeoutError(key, hardTimeoutMs));
}

/** A lease is renewed so many times in its life; one lost answer does not lose it. */
const RENEWALS_PER_LEASE = 3;

async function keepAlive(
  { core, key, policy: { lock: { leaseMs } } }: Call,
  lease: Lease<Entry>,
  { run, ended }: Watch,
): Promise<void> {
  let isHeld = true;
  while (isHeld) {
    await core.clock.sleep(leaseMs / RENEWALS_PER_LEASE, ended);
    if (ended.aborted) return;
    // A store that cannot be asked has not said no.
    isHeld = await lease.renew(leaseMs).catch(() => true);
  }
  if (!ended.aborted) run.abort(new LeaseLostError(key));
}
