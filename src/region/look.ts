/** Reading entries together with the marks they are judged under. */

import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import { type Freshness, freshnessOf } from "./freshness.ts";

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
  const found = await store.backend.get([...keys, ...marks.keys]);
  marks.learn(found.splice(keys.length));
  await invalidator.refresh(found.flatMap((entry) => entry?.tags ?? []));
  return found;
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
