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
export interface Stamped {
  /** When the creation started. */
  readonly startedAt: number;
  /** The tags. */
  tags: readonly string[];
  /** The region's mark and theirs. */
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
  const stamped = await stampOf(core, call.tags);
  const { key } = call;
  const addTags = tagAdder(core, stamped);
  const answer = await runWithin(core, call, {
    rights: [right],
    work: (signal) => call.creator({ key, signal, stale: right.stale, addTags }),
  });
  return creationOf(core, call, { answer, stale: right.stale, stamped });
}

/** The marks that a creation starting now is done under. */
export async function stampOf(core: Core, tags: readonly string[]): Promise<Stamped> {
  const startedAt = core.fixed.clock.now();
  return { startedAt, tags, marks: await core.invalidator.stamp(tags, startedAt) };
}

/** What adds tags to a creation under way. */
export function tagAdder(core: Core, stamped: Stamped): (...tags: string[]) => Promise<void> {
  return async (...tags) => {
    const added = tags.filter((tag) => !stamped.tags.includes(tag));
    const [, ...marks] = await core.invalidator.stamp(added, core.fixed.clock.now());
    stamped.tags = [...stamped.tags, ...added];
    stamped.marks = [...stamped.marks, ...marks];
  };
}

/** Makes an entry of a creator's answer. */
export function creationOf(
  core: Core,
  call: Call,
  made: { answer: unknown; stale: Entry | undefined; stamped: Stamped },
): Creation {
  const { clock, random } = core.fixed;
  const { startedAt, tags, marks } = made.stamped;
  const isUnmodified = made.answer === NOT_MODIFIED;
  const payload = isUnmodified ? unmodifiedPayload(call, made.stale) : made.answer;
  const { softTtlMs, hardTtlMs } = lifetimesOf(call.policy, payload, random);
  // Lives count from the end, so that what takes longer than its life to make is not born dead.
  const endedAt = clock.now();
  const entry: Entry = {
    payload,
    createdAt: startedAt,
    creationMs: Math.max(0, endedAt - startedAt),
    softExpiresAt: endedAt + softTtlMs,
    hardExpiresAt: endedAt + hardTtlMs,
    tags,
    marks,
  };
  return { entry, isUnmodified };
}

function unmodifiedPayload(call: Call, stale: Entry | undefined): unknown {
  if (stale !== undefined) return stale.payload;
  throw new TypeError(`Cannot create "${call.key}": not modified, but there was no stale value`);
}

/** A run of a creator, for one key or for many. */
export interface Run {
  /** What it is done under; it is aborted when every flight was left, or every lease lost. */
  readonly rights: readonly CreationRight[];
  /** Calls the creator. */
  readonly work: (signal: AbortSignal) => unknown;
}

/** Runs a creator within its time limits, and keeps its leases alive meanwhile. */
export async function runWithin(core: Core, call: Call, { rights, work }: Run): Promise<unknown> {
  const { clock } = core.fixed;
  const { hardTimeoutMs } = call.policy.creation;
  const [run, ended] = [new AbortController(), new AbortController()];
  const watch: Watch = { call, clock, run, ended: ended.signal };
  abortWhenLeft(rights.map(({ flight }) => flight.signal), watch);
  void keepAlive(rights.flatMap(({ lease }) => lease ?? []), watch);
  if (hardTimeoutMs !== NEVER) void timeOut(hardTimeoutMs, watch);
  try {
    run.signal.throwIfAborted();
    return await Promise.race([work(run.signal), rejectionOf(run.signal)]);
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

function abortWhenLeft(flights: readonly AbortSignal[], { run, ended }: Watch): void {
  let waited = flights.length;
  for (const flight of flights) {
    const leave = (): void => {
      if (--waited === 0) run.abort(flight.reason);
    };
    if (flight.aborted) leave();
    else flight.addEventListener("abort", leave, { signal: ended });
  }
}

async function timeOut(timeoutMs: number, { call, clock, run, ended }: Watch): Promise<void> {
  await clock.sleep(timeoutMs, ended);
  if (!ended.aborted) run.abort(new CreationTimeoutError(call.key, timeoutMs));
}

/** A lease is renewed so many times in its life; one lost answer does not lose it. */
const RENEWALS_PER_LEASE = 3;

async function keepAlive(
  leases: readonly Lease<Entry>[],
  { call, clock, run, ended }: Watch,
): Promise<void> {
  const { leaseMs } = call.policy.lock;
  let held = leases;
  while (held.length > 0 && !ended.aborted) {
    await clock.sleep(leaseMs / RENEWALS_PER_LEASE, ended);
    if (ended.aborted) return;
    // A store that cannot be asked has not said no.
    const answers = await Promise.all(held.map((lease) => lease.renew(leaseMs).catch(() => true)));
    held = held.filter((_, i) => answers[i]);
  }
  if (leases.length > 0 && !ended.aborted) run.abort(new LeaseLostError(call.key));
}
