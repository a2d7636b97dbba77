/**
 * Looking at entries, near and in the backend, and judging them under marks that may be trusted.
 *
 * What judging takes is read first, with waiting; then entries are looked at and judged without. So
 * nothing that is invalidated or deleted while marks are read is taken for what it was before.
 */

import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import { type Freshness, freshnessOf } from "./freshness.ts";
import { isOutworn, type Slot, slotOf } from "./shelf.ts";

/**
 * Reads entries from the backend. The marks of the region and of `tags` come in the same trip where
 * their copies are too old; those of further tags found on the entries take a second one.
 */
export async function readEntries(
  { store, invalidator }: Core,
  keys: readonly string[],
  tags: readonly string[] = [],
): Promise<(Entry | undefined)[]> {
  if (store === undefined) return keys.map(() => undefined);
  const marks = invalidator.query(tags);
  const found = await store.backend.get(marks === undefined ? keys : [...keys, ...marks.keys]);
  marks?.learn(found.splice(keys.length));
  const theirs = found.flatMap((entry) => entry?.tags ?? []);
  if (theirs.length > 0) await invalidator.refresh(theirs);
  return found;
}

/**
 * Reads what judging the near copies of calls takes, in one trip at most. Answers whether they may be
 * judged; where the store is down they may not, and whoever asks it next is told so.
 */
export async function informNear(calls: readonly Call[]): Promise<boolean> {
  const slots = calls.flatMap((call) => slotOf(call) ?? []);
  const [call] = calls;
  if (call === undefined || slots.length === 0) return true;
  const tags = slots.flatMap(({ entry }) => entry.tags);
  return await call.core.invalidator.refresh(tags).then(() => true, () => false);
}

/** What lies on the near shelf, and how it is judged. */
export interface NearLook {
  /** What lies there. */
  readonly slot: Slot | undefined;
  /** How that is judged; as missing where the backend has to be asked. */
  readonly near: Freshness;
}

/** Looks at the near shelf for a call. */
export function lookNear(call: Call, isSure: boolean): NearLook {
  const slot = slotOf(call);
  const isJudged = isSure && slot !== undefined && !isOutworn(call.core, slot);
  return { slot, near: isJudged ? judge(call, slot.entry) : "missing" };
}

/** Judges an entry for a call by what is known of the marks. */
export function judge({ core, key, options }: Call, entry: Entry | undefined): Freshness {
  if (entry === undefined) return "missing";
  const now = core.clock.now();
  const freshness = freshnessOf(entry, now, core.invalidator.standingOf(key, entry));
  const { maxAgeMs } = options;
  if (freshness !== "fresh" || maxAgeMs === undefined) return freshness;
  return now - entry.createdAt < maxAgeMs ? "fresh" : "stale";
}
