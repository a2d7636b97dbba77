/**
 * The near shelf: live values in this process, each with what makes a hit on it cheap.
 *
 * A slot carries the instant until which it may be served without another thought: the earliest of
 * its soft end, its early refresh, the age a near copy may have, and the trust in the marks it was
 * judged under. Before that instant, under the same epoch of invalidations, a hit is one lookup and
 * two comparisons.
 */

import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import { earlyWindowOf } from "./freshness.ts";
import type { ResolvedPolicy } from "./policy.ts";

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
  /** From when on the backend must be asked again. */
  readonly nearUntil: number;
  /** Until when it may be served without another thought. */
  servableUntil: number;
  /** The epoch of invalidations it was judged under. */
  epoch: number;
}

/** What the shelf holds for a key. */
export function slotOf(core: Core, mangled: string): Slot | undefined {
  return core.near?.get(mangled) as Slot | undefined;
}

/** Puts an entry on the shelf, unless it was invalidated while it was made or read. */
export function shelve(core: Core, call: Call, entry: Entry): void {
  if (core.near === undefined) return;
  const standing = core.invalidator.standingOf(call.key, entry);
  if (standing === "hard") return;
  const nearUntil = core.fixed.clock.now() + core.nearMaxAgeMs;
  const slot: Slot = { entry, nearUntil, servableUntil: 0, epoch: 0 };
  if (standing === "valid") extend(core, slot, call.policy);
  core.near.set(call.mangled, slot, { expiresAt: entry.hardExpiresAt });
}

/** Lets a slot just judged fresh be served for as long as nothing can have changed. */
export function extend(core: Core, slot: Slot, policy: ResolvedPolicy): void {
  const { entry, nearUntil } = slot;
  slot.epoch = core.invalidator.epoch;
  slot.servableUntil = Math.min(
    earlyWindowOf(entry, policy.earlyRefresh),
    entry.softExpiresAt,
    core.store === undefined ? Infinity : nearUntil,
    core.invalidator.trustedUntil(entry.tags),
  );
}
