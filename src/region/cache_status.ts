/** The `Cache-Status` header field (RFC 9211) for a call of a region. */

import type { Entry } from "../contracts/entry.ts";
import type { RegionEvent, RegionEventType } from "./observer.ts";

/** What is told of a call besides its events. */
export interface CacheStatusOptions {
  /** The entry that was answered, for `ttl`. */
  readonly entry?: Entry | undefined;
  /** The present instant, for `ttl`. */
  readonly now?: number;
  /** Whether the key is told. Default: `false`. */
  readonly hasKey?: boolean;
}

/**
 * The field's value for what happened to one call; give it the events that the call's `onEvent` was
 * told.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { cacheStatus, makeRegion, type RegionEvent } from "@cairn/cache";
 *
 * const region = makeRegion();
 * const events: RegionEvent[] = [];
 * const onEvent = (event: RegionEvent) => events.push(event);
 * await region.getOrCreate("page", () => "<html>", { onEvent });
 * equal(cacheStatus("cairn", events), "cairn; fwd=uri-miss; stored");
 * events.length = 0;
 * await region.getOrCreate("page", () => "<html>", { onEvent });
 * equal(cacheStatus("cairn", events), "cairn; hit");
 * ```
 */
export function cacheStatus(
  cache: string,
  events: readonly RegionEvent[],
  options: CacheStatusOptions = {},
): string {
  const has = (type: RegionEventType): boolean => events.some((event) => event.type === type);
  const { entry, now, hasKey = false } = options;
  const parts = [itemOf(cache), ...outcome(has)];
  if (entry !== undefined && now !== undefined && entry.softExpiresAt !== Infinity) {
    parts.push(`ttl=${Math.floor((entry.softExpiresAt - now) / 1_000)}`);
  }
  const key = events[0]?.key;
  if (hasKey && key !== undefined) parts.push(`key=${stringOf(key)}`);
  if (has("staleOnError")) parts.push("detail=stale-on-error");
  return parts.join("; ");
}

function outcome(has: (type: RegionEventType) => boolean): string[] {
  const isMade = has("create") || has("notModified");
  if (!isMade && !has("createError")) {
    if (has("nearHit") || has("backendHit") || has("staleHit") || has("softTimeout")) {
      return ["hit"];
    }
    return has("join") ? ["fwd=uri-miss", "collapsed"] : ["fwd=bypass"];
  }
  const parts = [has("miss") ? "fwd=uri-miss" : "fwd=stale"];
  return isMade && !has("discard") ? [...parts, "stored"] : parts;
}

// RFC 9651, 3.3.4 and 3.3.3: a cache is named by a token where its name is one, or else by a string.
function itemOf(name: string): string {
  return /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/.test(name) ? name : stringOf(name);
}

function stringOf(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, (char) => encodeURIComponent(char));
  return `"${printable.replace(/["\\]/g, "\\$&")}"`;
}
