/** A framing that stores nothing but the payload, for values that other programs read. */

import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import type { Frame, Framing } from "./frame.ts";

/**
 * Makes a framing whose records are the payload alone.
 *
 * What such a record does not hold is invented when it is read: it was created just now, never
 * expires and has neither tags nor marks. So its life is the store's time to live and nothing else;
 * invalidation and early refresh cannot see it. The clock is the platform's unless given.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { NEVER, rawFraming } from "@cairn/cache";
 *
 * const frame = rawFraming().parse(new TextEncoder().encode("written by someone else"));
 * equal(new TextDecoder().decode(frame.payload), "written by someone else");
 * equal(frame.hardExpiresAt, NEVER);
 * ```
 */
export function rawFraming(options: { readonly clock?: Clock } = {}): Framing {
  const { clock = systemClock } = options;
  return Object.freeze({
    name: "raw",
    format: (frame: Frame): Uint8Array => frame.payload,
    parse: (record: Uint8Array): Frame => ({
      codec: undefined,
      payload: record,
      createdAt: clock.now(),
      creationMs: 0,
      softExpiresAt: NEVER,
      hardExpiresAt: NEVER,
      tags: [],
      marks: [],
    }),
  });
}
