/**
 * One run of a creator: its context, its time limits, the lease kept alive meanwhile, and the entry
 * made of its answer.
 */

import type { Clock } from "../contracts/clock.ts";
import { NEVER } from "../contracts/clock.ts";
import type { Entry, Mark } from "../contracts/entry.ts";
import { CreationTimeoutError, LeaseLostError } from "../contracts/errors.ts";
import type { Lease } from "../contracts/locks.ts";
import type { Call, Core } from "./core.ts";
import type { Flight } from "./pending.ts";
import { lifetimesOf } from "./policy.ts";

/** A creator's answer that the stale value it was shown is still right. */
export const NOT_MODIFIED: unique symbol = Symbol("not modified");

/** Makes the value of a key. */
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

/** The tags and marks a creation is done under; the creator may add to them. */
interface Stamped {
  tags: readonly string[];
  marks: readonly Mark[];
}

/** What came of a creation. */
export interface Creation {
  /** The new entry. */
  readonly entry: Entry;
  /** Whether the creator answered {@linkcode NOT_MODIFIED}. */
  readonly isUnmodified: boolean;
}

/** Runs a creator and makes an entry of its answer. Rejects with its error, or when time is up. */
export async function create(
  core: Core,
  call: CreatingCall,
  right: CreationRight,
): Promise<Creation> {
  const { clock, random } = core.fixed;
  const startedAt = clock.now();
  const marks = await core.invalidator.stamp(call.tags, startedAt);
  const stamped: Stamped = { tags: call.tags, marks };
  const answer = await runWithin(core, call, right, stamped);
  const isUnmodified = answer === NOT_MODIFIED;
  const payload = isUnmodified ? payloadOf(call, right.stale) : answer;
  const { softTtlMs, hardTtlMs } = lifetimesOf(call.policy, payload, random);
  const entry: Entry = {
    payload,
    createdAt: startedAt,
    creationMs: Math.max(0, clock.now() - startedAt),
    softExpiresAt: startedAt + softTtlMs,
    hardExpiresAt: startedAt + hardTtlMs,
    ...stamped,
  };
  return { entry, isUnmodified };
}

function payloadOf(call: Call, stale: Entry | undefined): unknown {
  if (stale !== undefined) return stale.payload;
  throw new TypeError(`Cannot create "${call.key}": not modified, but there was no stale value`);
}

function contextOf(
  core: Core,
  run: { call: Call; right: CreationRight; stamped: Stamped; signal: AbortSignal },
): CreationContext {
  const { call, right, stamped, signal } = run;
  return {
    key: call.key,
    signal,
    stale: right.stale,
    async addTags(...tags) {
      const added = tags.filter((tag) => !stamped.tags.includes(tag));
      const [, ...marks] = await core.invalidator.stamp(added, core.fixed.clock.now());
      stamped.tags = [...stamped.tags, ...added];
      stamped.marks = [...stamped.marks, ...marks];
    },
  };
}

async function runWithin(
  core: Core,
  call: CreatingCall,
  right: CreationRight,
  stamped: Stamped,
): Promise<unknown> {
  const { clock } = core.fixed;
  const { hardTimeoutMs } = call.policy.creation;
  const [run, ended] = [new AbortController(), new AbortController()];
  const watch: Watch = { call, clock, run, ended: ended.signal };
  const leave = (): void => run.abort(right.flight.signal.reason);
  if (right.flight.signal.aborted) leave();
  right.flight.signal.addEventListener("abort", leave, { signal: ended.signal });
  if (right.lease !== undefined) void keepAlive(right.lease, watch);
  if (hardTimeoutMs !== NEVER) void timeOut(hardTimeoutMs, watch);
  try {
    const context = contextOf(core, { call, right, stamped, signal: run.signal });
    return await Promise.race([call.creator(context), rejectionOf(run.signal)]);
  } finally {
    ended.abort();
  }
}

// The creator's own end may never come, whatever its signal says; nobody waits for that.
function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** What ends a run early, and what ends the watching. */
interface Watch {
  readonly call: Call;
  readonly clock: Clock;
  readonly run: AbortController;
  readonly ended: AbortSignal;
}

async function timeOut(timeoutMs: number, { call, clock, run, ended }: Watch): Promise<void> {
  await clock.sleep(timeoutMs, ended);
  if (!ended.aborted) run.abort(new CreationTimeoutError(call.key, timeoutMs));
}

/** A lease is renewed so many times in its life; one lost answer does not lose it. */
const RENEWALS_PER_LEASE = 3;

async function keepAlive(lease: Lease<Entry>, { call, clock, run, ended }: Watch): Promise<void> {
  const { leaseMs } = call.policy.lock;
  while (!ended.aborted) {
    await clock.sleep(leaseMs / RENEWALS_PER_LEASE, ended);
    if (ended.aborted) return;
    // A store that cannot be asked has not said no.
    const isHeld = await lease.renew(leaseMs).catch(() => true);
    if (!isHeld && !ended.aborted) return run.abort(new LeaseLostError(call.key));
  }
}
