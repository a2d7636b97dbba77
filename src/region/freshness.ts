/**
 * The one rule of freshness, as pure functions of an entry, the time, and how invalidation stands.
 *
 * Times are the writer's and the reader's wall clocks. A skew between them moves an end by as much
 * and no more, because ends are stored as instants; invalidation compares no clocks at all.
 */

import type { Entry } from "../contracts/entry.ts";
import type { EarlyRefresh } from "./policy.ts";

/** Whether an entry may be answered: as it is, while one caller recreates it, or not. */
export type Freshness = "fresh" | "stale" | "missing";

/** Whether an invalidation concerns an entry: none, a soft one, or a hard one. */
export type Standing = "valid" | "soft" | "hard";

/** Judges an entry. At the very instant of an end it has ended. */
export function freshnessOf(entry: Entry | undefined, now: number, standing: Standing): Freshness {
  if (entry === undefined || standing === "hard" || now >= entry.hardExpiresAt) return "missing";
  return standing === "soft" || now >= entry.softExpiresAt ? "stale" : "fresh";
}

/**
 * From when on a fresh entry may be due for early refresh. Before it, {@linkcode isEarlyDue} need
 * not be asked: XFetch refreshes earlier than that once in 8.9 million.
 */
export function earlyWindowOf(entry: Entry, early: EarlyRefresh | undefined): number {
  if (early === undefined || entry.softExpiresAt === Infinity) return entry.softExpiresAt;
  if ("share" in early) {
    const bornAt = entry.createdAt + entry.creationMs;
    return bornAt + early.share * (entry.softExpiresAt - bornAt);
  }
  return entry.softExpiresAt - XFETCH_REACH * early.beta * entry.creationMs;
}

/** e^-16 is the chance that XFetch looks further ahead than 16 creations. */
const XFETCH_REACH = 16;

/** Whether this reader of a fresh entry is the one to refresh it early; `chance` is in [0, 1). */
export function isEarlyDue(
  entry: Entry,
  early: EarlyRefresh | undefined,
  at: { now: number; chance: number },
): boolean {
  if (early === undefined || entry.softExpiresAt === Infinity) return false;
  if ("share" in early) return at.now >= earlyWindowOf(entry, early);
  const ahead = -Math.log(1 - at.chance) * early.beta * entry.creationMs;
  return at.now + ahead >= entry.softExpiresAt;
}
