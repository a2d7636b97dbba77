/**
 * How entries lie in a DynamoDB table: its one key is `id`, text of a kind and a key.
 *
 * ```text
 * e:KEY   content, until_ms          an entry
 * c:KEY   counted, until_ms          a counter
 * l:KEY   fence, until_ms            a lease; without until_ms it is free
 * ```
 *
 * Without `until_ms` an entry or counter never ends. `ttl_s` is DynamoDB's own expiry, which only frees
 * space, and may take days. A lease's item stays for a day after its end, so that the next fence can be
 * greater; after that, the clock is: fences of a new item begin at the present instant.
 */

import { fromBase64, toBase64 } from "../../src/compose/base64.ts";
import type { Write } from "../../src/contracts/backend.ts";
import { NEVER } from "../../src/contracts/clock.ts";

/** A value as DynamoDB's JSON has it. */
export interface Attribute {
  readonly S?: string;
  readonly N?: string;
  readonly B?: string;
}

/** Attributes by name. */
export type Item = Readonly<Record<string, Attribute>>;

/** What an item is. */
export type ItemKind = "e" | "c" | "l";

/** The key of an item. */
export function idOf(kind: ItemKind, key: string): Item {
  return { id: { S: `${kind}:${key}` } };
}

/** The item of an entry. */
export function entryItem({ key, value, expiresAt }: Write<Uint8Array>): Item {
  return { ...idOf("e", key), content: binary(value), ...deadlineOf(expiresAt) };
}

/** The live value of an entry's item. */
export function liveContent(item: Item | undefined, now: number): Uint8Array | undefined {
  if (item?.["content"]?.B === undefined || untilOf(item) <= now) return undefined;
  return fromBase64(item["content"].B);
}

/** When an item ends. */
export function untilOf(item: Item): number {
  const until = item["until_ms"]?.N;
  return until === undefined ? NEVER : Number(until);
}

/** How long DynamoDB keeps an item past its deadline at least: its clock may be ahead of ours. */
const marginMs = 60_000;
/** How long a lease's item is kept past its end at least. */
const fenceMs = 86_400_000;

/** The attributes of a deadline; none for `NEVER`. */
export function deadlineOf(expiresAt: number): Item {
  const until = Math.max(0, expiresAt);
  if (until > latest) return {};
  return { until_ms: number(until), ttl_s: secondsOf(until + marginMs) };
}

/** The deadline at which DynamoDB may drop a lease's item. */
export function fenceLifeOf(until: number): Attribute {
  return secondsOf(until + fenceMs);
}

/** The latest instant that is written: DynamoDB's numbers end at 10^126, dates long before. */
const latest = 1e15;

function secondsOf(ms: number): Attribute {
  return number(Math.ceil(ms / 1_000));
}

/** A number as an attribute. */
export function number(value: number): Attribute {
  return { N: String(value) };
}

/** Bytes as an attribute. */
export function binary(value: Uint8Array): Attribute {
  return { B: toBase64(value) };
}
