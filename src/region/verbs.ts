/** The verbs that create nothing: reading, storing, deleting and touching keys. */

import type { LockedStore } from "../compose/proxied_locks.ts";
import type { Entry } from "../contracts/entry.ts";
import { LockTimeoutError } from "../contracts/errors.ts";
import type { Call } from "./core.ts";
import { endsOf, entryOf } from "./creation.ts";
import { informNear, judge, lookNear, readEntries } from "./look.ts";
import { note } from "./observer.ts";
import { release } from "./outcome.ts";
import { extend, shelve, slotOf } from "./shelf.ts";

/** What a read answers besides fresh values. */
export interface ReadOptions {
  /** A value older than this counts as stale, in milliseconds. Default: `NEVER`. */
  readonly maxAgeMs?: number;
  /** Whether a stale value is answered too. Default: `false`. */
  readonly allowStale?: boolean;
  /** Whether whatever is still there is answered, invalidated or not. Default: `false`. */
  readonly ignoreExpiration?: boolean;
}

/** The entries of keys that are fresh or that the options are content with; one trip for all. */
export async function readMany(
  calls: readonly Call[],
  options: ReadOptions,
): Promise<(Entry | undefined)[]> {
  const isSure = await informNear(calls);
  const entries = calls.map((call) => readNear(call, isSure));
  const unread = calls.filter((_, i) => entries[i] === undefined);
  if (unread.length === 0) return entries;
  const versions = unread.map(versionOf);
  const found = await readRest(unread);
  const rest = unread.map((call, i) => {
    const entry = found[i];
    const isWritten = versionOf(call) !== versions[i];
    if (entry !== undefined && call.core.store !== undefined && !isWritten) shelve(call, entry);
    return noteRead(call, entry, options);
  });
  return entries.map((entry) => entry ?? rest.shift());
}

function readNear(call: Call, isSure: boolean): Entry | undefined {
  const { slot, near } = lookNear(call, isSure);
  if (slot === undefined || near !== "fresh") return undefined;
  extend(call, slot);
  note(call, "nearHit");
  return slot.entry;
}

async function readRest(calls: readonly Call[]): Promise<(Entry | undefined)[]> {
  const [{ core }] = calls as [Call];
  if (core.store === undefined) return calls.map((call) => slotOf(call)?.entry);
  return await readEntries(core, calls.map(({ mangled }) => mangled));
}

function noteRead(
  call: Call,
  entry: Entry | undefined,
  { allowStale, ignoreExpiration }: ReadOptions,
): Entry | undefined {
  const freshness = judge(call, entry);
  const isStaleHit = freshness === "stale" && allowStale;
  note(call, freshness === "fresh" ? "backendHit" : isStaleHit ? "staleHit" : "miss");
  return freshness === "fresh" || isStaleHit || ignoreExpiration ? entry : undefined;
}

/**
 * Stores values, at least one. A creation under way in this process is voided; where it is being
 * stored already, this write follows it.
 */
export async function storeAll(
  writes: readonly { readonly call: Call; readonly payload: unknown }[],
): Promise<void> {
  const calls = writes.map(({ call }) => call);
  const [{ core }] = calls as [Call];
  const isFollowing = Promise.all(calls.map(markWritten));
  const versions = calls.map(versionOf);
  const entries = await Promise.all(writes.map(async ({ call, payload }) => {
    const startedAt = core.clock.now();
    const marks = await core.invalidator.stamp(call.tags);
    return entryOf(call, payload, { startedAt, tags: call.tags, marks });
  }));
  await isFollowing;
  await core.store?.backend.set(calls.map(({ mangled: key }, i) => {
    const value = entries[i] as Entry;
    return { key, value, expiresAt: value.hardExpiresAt };
  }));
  const isLast = calls.map((call, i) => versionOf(call) === versions[i]);
  calls.forEach(markWritten);
  for (const [i, call] of calls.entries()) {
    if (isLast[i]) shelve(call, entries[i] as Entry);
    note(call, "set");
  }
}

/** Removes keys, at least one, with the leases of creations under way anywhere. */
export async function removeAll(calls: readonly Call[]): Promise<void> {
  calls.forEach(markWritten);
  await calls[0]?.core.store?.locks.revoke(calls.map(({ mangled }) => mangled));
  calls.forEach(markWritten);
  for (const call of calls) note(call, "delete");
}

function versionOf({ core, mangled }: Call): number {
  return core.versions.of(mangled);
}

// Done when a write begins and when it has ended: what began in between may have read the old value.
function markWritten({ core, mangled }: Call): Promise<void> {
  core.versions.bump(mangled);
  core.errors.forget(mangled);
  core.near?.delete(mangled);
  return core.pending.void(mangled);
}

/**
 * Gives the value of a key the lives of the call's policy from now on; answers whether there was one.
 * A delete that comes meanwhile wins, and so does a set in this process.
 */
export async function touch(call: Call): Promise<boolean> {
  const { store } = call.core;
  const version = versionOf(call);
  const seen = store === undefined ? slotOf(call)?.entry : (await readRest([call]))[0];
  if (seen === undefined || judge(call, seen) === "missing") return false;
  if (store !== undefined) return await touchStored(call, store, version);
  shelve(call, touched(call, seen));
  return true;
}

async function touchStored(
  call: Call,
  { locks }: LockedStore,
  version: number,
): Promise<boolean> {
  const { core: { invalidator }, key, mangled, policy: { lock } } = call;
  const enough = (entry: Entry | undefined): boolean => entry === undefined;
  const { lease, value } = await locks.acquire(mangled, { ...lock, enough });
  let isStored = false;
  try {
    if (value === undefined) return false;
    if (lease === undefined) throw new LockTimeoutError(key, lock.waitMs);
    await invalidator.refresh(value.tags);
    if (judge(call, value) === "missing") return false;
    // Who has set or deleted it here since has the last word.
    if (versionOf(call) !== version) return true;
    const entry = touched(call, value);
    isStored = await lease.commit({ key: mangled, value: entry, expiresAt: entry.hardExpiresAt });
    if (isStored && versionOf(call) === version) shelve(call, entry);
    return isStored;
  } finally {
    if (!isStored) await release(call, lease);
  }
}

function touched(call: Call, entry: Entry): Entry {
  return { ...entry, ...endsOf(call, entry.payload) };
}

/** How long a probe may hold a lock that it finds free, should it never come to release it. */
const PROBE_MS = 1_000;

/** Whether a key is being created, here or elsewhere. */
export async function isLocked({ core, mangled }: Call): Promise<boolean> {
  if (core.pending.get(mangled, core.invalidator.epoch) !== undefined) return true;
  if (core.store === undefined) return false;
  const probe = { leaseMs: PROBE_MS, waitMs: 0, enough: () => true };
  const { lease } = await core.store.locks.acquire(mangled, probe);
  await lease?.release();
  return lease === undefined;
}
