/** The verbs that create nothing: reading, storing, deleting and touching single keys. */

import type { Entry } from "../contracts/entry.ts";
import { LockTimeoutError } from "../contracts/errors.ts";
import type { Call, Core } from "./core.ts";
import { judgeSlot } from "./fetch.ts";
import type { Freshness } from "./freshness.ts";
import { informOf, judge, readEntries } from "./look.ts";
import { lifetimesOf } from "./policy.ts";
import { extend, shelve, slotOf } from "./shelf.ts";
import { note } from "./observer.ts";

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
  core: Core,
  calls: readonly Call[],
  options: ReadOptions,
): Promise<(Entry | undefined)[]> {
  const entries = await Promise.all(calls.map((call) => readNear(core, call)));
  const unread = calls.filter((_, i) => entries[i] === undefined);
  if (unread.length === 0) return entries;
  const versions = unread.map(({ mangled }) => core.versions.of(mangled));
  const found = await lookUp(core, unread);
  const rest = unread.map((call, i) => {
    const entry = found[i];
    if (
      core.store !== undefined && entry !== undefined &&
      core.versions.of(call.mangled) === versions[i]
    ) shelve(core, call, entry);
    return noteRead(core, call, { entry, freshness: judge(core, call, entry), options });
  });
  return entries.map((entry) => entry ?? rest.shift());
}

async function lookUp(core: Core, calls: readonly Call[]): Promise<(Entry | undefined)[]> {
  if (core.store === undefined) return calls.map(({ mangled }) => slotOf(core, mangled)?.entry);
  return await readEntries(core, calls.map(({ mangled }) => mangled));
}

async function readNear(core: Core, call: Call): Promise<Entry | undefined> {
  const slot = slotOf(core, call.mangled);
  if (slot === undefined || await judgeSlot(core, call, slot) !== "fresh") return undefined;
  extend(core, slot, call.policy);
  note(core, call, { type: "nearHit" });
  return slot.entry;
}

function noteRead(
  core: Core,
  call: Call,
  read: { entry: Entry | undefined; freshness: Freshness; options: ReadOptions },
): Entry | undefined {
  const { entry, freshness, options } = read;
  const isStaleHit = freshness === "stale" && options.allowStale;
  const type = freshness === "fresh" ? "backendHit" : isStaleHit ? "staleHit" : "miss";
  note(core, call, { type });
  const isWanted = freshness === "fresh" || options.ignoreExpiration ||
    options.allowStale && freshness === "stale";
  return isWanted ? entry : undefined;
}

/** The entry a caller's value is kept in from now on. */
export async function entryOf(core: Core, call: Call, payload: unknown): Promise<Entry> {
  const createdAt = core.fixed.clock.now();
  const marks = await core.invalidator.stamp(call.tags, createdAt);
  const { softTtlMs, hardTtlMs } = lifetimesOf(call.policy, payload, core.fixed.random);
  return {
    payload,
    createdAt,
    creationMs: 0,
    softExpiresAt: createdAt + softTtlMs,
    hardExpiresAt: createdAt + hardTtlMs,
    tags: call.tags,
    marks,
  };
}

/** Stores values; a creation under way in this process is voided. */
export async function storeEntries(
  core: Core,
  writes: readonly { readonly call: Call; readonly payload: unknown }[],
): Promise<void> {
  const calls = writes.map(({ call }) => call);
  beginWrite(core, calls);
  const versions = calls.map(({ mangled }) => core.versions.of(mangled));
  const entries = await Promise.all(
    writes.map(({ call, payload }) => entryOf(core, call, payload)),
  );
  await core.store?.backend.set(calls.map(({ mangled: key }, i) => {
    const value = entries[i] as Entry;
    return { key, value, expiresAt: value.hardExpiresAt };
  }));
  const isLast = calls.map(({ mangled }, i) => core.versions.of(mangled) === versions[i]);
  beginWrite(core, calls);
  for (const [i, call] of calls.entries()) {
    if (isLast[i]) shelve(core, call, entries[i] as Entry);
    note(core, call, { type: "set" });
  }
}

/** Removes keys, with the leases of creations under way anywhere. */
export async function removeEntries(core: Core, calls: readonly Call[]): Promise<void> {
  beginWrite(core, calls);
  await core.store?.locks.revoke(calls.map(({ mangled }) => mangled));
  beginWrite(core, calls);
  for (const call of calls) note(core, call, { type: "delete" });
}

// Done when a write begins and when it has ended: what began in between may have read the old value.
function beginWrite(core: Core, calls: readonly Call[]): void {
  for (const { mangled } of calls) {
    core.versions.bump(mangled);
    core.pending.void(mangled);
    core.errors.forget(mangled);
    core.near?.delete(mangled);
  }
}

/**
 * Gives the value of a key the lives of the call's policy from now on, under its lock, so that a
 * delete meanwhile wins; answers whether there was one.
 */
export async function touchEntry(core: Core, call: Call): Promise<boolean> {
  if (core.store === undefined) return touchNear(core, call);
  const { leaseMs, waitMs } = call.policy.lock;
  const [seen] = await readEntries(core, [call.mangled]);
  if (judge(core, call, seen) === "missing") return false;
  const acquired = await core.store.locks.acquire(call.mangled, {
    leaseMs,
    waitMs,
    enough: (entry) => entry === undefined,
  });
  const { lease, value } = acquired;
  await informOf(core, [value]);
  if (lease === undefined && value !== undefined) throw new LockTimeoutError(call.key, waitMs);
  if (value === undefined || judge(core, call, value) === "missing") {
    await lease?.release();
    return false;
  }
  const touched = touchedOf(core, call, value);
  const { mangled: key } = call;
  const isStored = await lease?.commit({ key, value: touched, expiresAt: touched.hardExpiresAt });
  if (isStored) shelve(core, call, touched);
  return isStored ?? false;
}

function touchNear(core: Core, call: Call): boolean {
  const slot = slotOf(core, call.mangled);
  if (slot === undefined || judge(core, call, slot.entry) === "missing") return false;
  shelve(core, call, touchedOf(core, call, slot.entry));
  return true;
}

function touchedOf(core: Core, call: Call, entry: Entry): Entry {
  const now = core.fixed.clock.now();
  const { softTtlMs, hardTtlMs } = lifetimesOf(call.policy, entry.payload, core.fixed.random);
  return { ...entry, softExpiresAt: now + softTtlMs, hardExpiresAt: now + hardTtlMs };
}

/** How long a probe may hold a lock that it finds free, should it never come to release it. */
const PROBE_MS = 1_000;

/** Whether a key is being created, here or elsewhere. */
export async function isLocked(core: Core, { mangled }: Call): Promise<boolean> {
  if (core.pending.get(mangled, core.invalidator.epoch) !== undefined) return true;
  if (core.store === undefined) return false;
  const enough = (): boolean => true;
  const probe = { leaseMs: PROBE_MS, waitMs: 0, enough };
  const { lease } = await core.store.locks.acquire(mangled, probe);
  await lease?.release();
  return lease === undefined;
}
