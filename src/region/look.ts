/** Reading entries together with the marks they are judged under. */

import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import { type Freshness, freshnessOf } from "./freshness.ts";

/**
 * Reads entries from the backend. The marks of the region and of `tags` come in the same trip where
 * their copies are too old; those of further tags found on the entries take a second one.
 */
export async function readEntries(
  core: Core,
  keys: readonly string[],
  tags: readonly string[] = [],
): Promise<(Entry | undefined)[]> {
  if (core.store === undefined) return keys.map(() => undefined);
  const query = core.invalidator.query(tags, core.fixed.clock.now());
  const found = await core.store.backend.get([...keys, ...query.keys]);
  core.invalidator.learn(query, found.splice(keys.length));
  await informOf(core, found);
  return found;
}

/** Brings the marks that `entries` are judged under up to date. */
export async function informOf(core: Core, entries: readonly (Entry | undefined)[]): Promise<void> {
  const tags = new Set<string>();
  for (const entry of entries) for (const tag of entry?.tags ?? []) tags.add(tag);
  await core.invalidator.refresh([...tags], core.fixed.clock.now());
}

/** Judges an entry for a call by what is known of the marks. */
export function judge(core: Core, call: Call, entry: Entry | undefined): Freshness {
  if (entry === undefined) return "missing";
  const now = core.fixed.clock.now();
  const freshness = freshnessOf(entry, now, core.invalidator.standingOf(call.key, entry));
  const { maxAgeMs } = call.options;
  if (freshness !== "fresh" || maxAgeMs === undefined) return freshness;
  return now - entry.createdAt < maxAgeMs ? "fresh" : "stale";
}

/** As {@linkcode judge}, but `undefined` where the marks are not known at all. */
export function judgeIfKnown(
  core: Core,
  call: Call,
  entry: Entry | undefined,
): Freshness | undefined {
  if (entry !== undefined && !core.invalidator.isKnown(entry)) return undefined;
  return judge(core, call, entry);
}
