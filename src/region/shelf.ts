/**
 * The near shelf: live values in this process, each with what makes a hit on it cheap.
 *
 * A slot carries the instant until which it may be served without another thought: the earliest of
 * its soft end, its early refresh, the age a near copy may have, and the trust in the marks it was
 * judged under. From the instant of that judgement until then, under the same epoch of invalidations,
 * a hit is one lookup, two comparisons and a promise that was made before. Where the clock has
 * stepped back behind the judgement, the slot is judged anew.
 */

import { NEVER } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import { earlyWindowOf, type Standing } from "./freshness.ts";
import type { EarlyRefresh } from "./policy.ts";

/** What a region needs of its near shelf; a `MemoryCache` is one. */
export interface NearShelf {
  /** The value at `key`, or `undefined`. */
  get(key: string): unknown;
  /** Keeps a value until an instant. */
  set(key: string, value: unknown, options: { readonly expiresAt: number }): unknown;
  /** Removes a value. */
  delete(key: string): unknown;
}

/** An entry on the shelf. */
export interface Slot {
  /** The entry. */
  readonly entry: Entry;
  /** When it was shelved. */
  readonly shelvedAt: number;
  /** When it was last judged fresh, */
  judgedAt: number;
  /** until when it may be served without another thought, */
  servableUntil: number;
  /** under which epoch of invalidations, */
  epoch: number;
  /** and by which rule of early refresh. */
  early: EarlyRefresh | undefined;
  /** The payload as a promise, made at the first hit. */
  answer: Promise<unknown> | undefined;
}

/** Whether a call that states `early`, or nothing, may be served a slot without another thought. */
export function isServable(core: Core, slot: Slot, early: EarlyRefresh | undefined): boolean {
  const { invalidator, clock, policy } = core;
  if (slot.epoch !== invalidator.epoch || slot.early !== (early ?? policy.earlyRefresh)) {
    return false;
  }
  if (slot.servableUntil === NEVER) return true;
  const now = clock.now();
  return now < slot.servableUntil && now >= slot.judgedAt;
}

/** What the shelf holds for a call, unless it has ended. */
export function slotOf({ core, mangled }: Call): Slot | undefined {
  const slot = core.near?.get(mangled) as Slot | undefined;
  return slot !== undefined && core.clock.now() < slot.entry.hardExpiresAt ? slot : undefined;
}

/** Whether the backend must be asked again, because it was not for as long as a near copy may be. */
export function isOutworn({ store, nearMaxAgeMs, clock }: Core, { shelvedAt }: Slot): boolean {
  if (store === undefined || nearMaxAgeMs === NEVER) return false;
  const ageMs = clock.now() - shelvedAt;
  return ageMs < 0 || ageMs >= nearMaxAgeMs;
}

/** Puts an entry on the shelf, unless it was invalidated while it was made or read. */
export function shelve(call: Call, entry: Entry): void {
  const { near, clock, invalidator } = call.core;
  if (near === undefined) return;
  const standingOf = (entry: Entry): Standing => invalidator.standingOf(call.key, entry);
  const standing = standingOf(entry);
  const shelved = slotOf(call)?.entry;
  // A creation from before an invalidation may end after one from after it.
  const isObsolete = standing === "soft" && shelved && standingOf(shelved) === "valid";
  if (standing === "hard" || isObsolete) return;
  const slot: Slot = {
    entry,
    shelvedAt: clock.now(),
    judgedAt: 0,
    servableUntil: 0,
    epoch: 0,
    early: undefined,
    answer: undefined,
  };
  if (standing === "valid") extend(call, slot);
  near.set(call.mangled, slot, { expiresAt: entry.hardExpiresAt });
}

/** Lets a slot just judged fresh be served for as long as nothing can have changed. */
export function extend({ core, policy }: Call, slot: Slot): void {
  const { entry, shelvedAt } = slot;
  slot.epoch = core.invalidator.epoch;
  slot.early = policy.earlyRefresh;
  slot.judgedAt = core.clock.now();
  slot.servableUntil = Math.min(
    earlyWindowOf(entry, policy.earlyRefresh),
    entry.softExpiresAt,
    shelvedAt + core.nearMaxAgeMs,
    core.invalidator.trustedUntil(entry.tags),
  );
}
