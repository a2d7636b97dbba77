/**
 * Records that dogpile.cache (1.1 and later) reads and writes.
 *
 * ```text
 * {"ct": 1700000000.25, "v": 2}|payload
 * ```
 *
 * JSON of the metadata in ASCII, a bar, and the payload to the end: `ct` is when the entry was
 * created, in seconds, and `v` the version of the format. dogpile ignores other members, so cairn
 * adds one, `cairn`, with what its own entries have besides. A record without it, one of dogpile's
 * own, has neither tags nor marks, and expires as the options say after its creation.
 */

import { NEVER } from "../contracts/clock.ts";
import type { Mark } from "../contracts/entry.ts";
import type { Frame, Framing } from "./frame.ts";

/** How long records that dogpile.cache wrote live: its `expiration_time`, which it does not store. */
export interface DogpileFramingOptions {
  /** When they become stale, in milliseconds after their creation. Default: `NEVER`. */
  readonly softTtlMs?: number;
  /** When they become missing; not before they are stale. Default: `NEVER`. */
  readonly hardTtlMs?: number;
}

/**
 * Makes a framing that shares a store with dogpile.cache. The codec must make what dogpile's
 * deserializer reads: `json` over plain JSON for `json.loads`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { dogpileFraming } from "@cairn/cache";
 *
 * const framing = dogpileFraming({ softTtlMs: 60_000 });
 * const record = new TextEncoder().encode('{"ct": 1700000000.25, "v": 2}|[1, 2]');
 * const frame = framing.parse(record);
 * equal(new TextDecoder().decode(frame.payload), "[1, 2]");
 * equal(frame.softExpiresAt, 1_700_000_060_250);
 * ```
 */
export function dogpileFraming(options: DogpileFramingOptions = {}): Framing {
  const { softTtlMs = NEVER, hardTtlMs = NEVER } = options;
  for (const [name, value] of Object.entries({ softTtlMs, hardTtlMs })) {
    if (!(value >= 0)) throw new RangeError(`Cannot frame for dogpile: "${name}" is ${value}`);
  }
  if (softTtlMs > hardTtlMs) {
    const state = `"softTtlMs" is ${softTtlMs}, more than "hardTtlMs", ${hardTtlMs}`;
    throw new RangeError(`Cannot frame for dogpile: ${state}`);
  }
  return Object.freeze({
    name: "dogpile",
    format: formatDogpile,
    parse: (record: Uint8Array): Frame => parseDogpile(record, { softTtlMs, hardTtlMs }),
  });
}

const bar = 0x7c;
const formatVersion = 2;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What dogpile's metadata hold, and the member of cairn's own. */
interface Metadata {
  readonly ct: number;
  readonly v: number;
  readonly cairn?: Details;
}

/** `null` stands for `NEVER`, which JSON has not. */
interface Details {
  readonly codec: string | null;
  readonly ms: number;
  readonly soft: number | null;
  readonly hard: number | null;
  readonly tags: readonly string[];
  readonly marks: readonly (readonly [hard: string, soft: string])[];
}

function formatDogpile(frame: Frame): Uint8Array {
  const metadata: Metadata = {
    ct: frame.createdAt / 1_000,
    v: formatVersion,
    cairn: {
      codec: frame.codec ?? null,
      ms: frame.creationMs,
      soft: frame.softExpiresAt === NEVER ? null : frame.softExpiresAt,
      hard: frame.hardExpiresAt === NEVER ? null : frame.hardExpiresAt,
      tags: frame.tags,
      marks: frame.marks.map(({ hard, soft }) => [hard, soft] as const),
    },
  };
  const head = encoder.encode(asciiJson(metadata));
  const record = new Uint8Array(head.length + 1 + frame.payload.length);
  record.set(head);
  record[head.length] = bar;
  record.set(frame.payload, head.length + 1);
  return record;
}

function parseDogpile(record: Uint8Array, ttls: Required<DogpileFramingOptions>): Frame {
  const end = record.indexOf(bar);
  if (end < 0) throw new SyntaxError("Cannot read dogpile record: it has no bar");
  const metadata: unknown = JSON.parse(decoder.decode(record.subarray(0, end)));
  if (!isMetadata(metadata)) throw new SyntaxError("Cannot read dogpile record: no metadata of it");
  // dogpile's times have microseconds; a float of seconds holds them no more exactly than that.
  const createdAt = Math.round(metadata.ct * 1e6) / 1e3;
  const payload = record.subarray(end + 1);
  const { cairn } = metadata;
  if (cairn !== undefined) return { payload, createdAt, ...detailsOf(cairn) };
  return {
    codec: undefined,
    payload,
    createdAt,
    creationMs: 0,
    softExpiresAt: createdAt + ttls.softTtlMs,
    hardExpiresAt: createdAt + ttls.hardTtlMs,
    tags: [],
    marks: [],
  };
}

function isMetadata(value: unknown): value is Metadata {
  if (typeof value !== "object" || value === null) return false;
  const { ct, v, cairn } = value as Partial<Metadata>;
  return typeof ct === "number" && v === formatVersion &&
    (cairn === undefined || isDetails(cairn));
}

function isDetails(value: unknown): value is Details {
  if (typeof value !== "object" || value === null) return false;
  const { codec, ms, soft, hard, tags, marks } = value as Partial<Details>;
  const isTime = (time: unknown): boolean => time === null || typeof time === "number";
  const isText = (text: unknown): boolean => typeof text === "string";
  const isMark = (pair: unknown): boolean =>
    Array.isArray(pair) && pair.length === 2 && pair.every(isText);
  return (codec === null || isText(codec)) && typeof ms === "number" && isTime(soft) &&
    isTime(hard) && Array.isArray(tags) && tags.every(isText) && Array.isArray(marks) &&
    marks.every(isMark);
}

function detailsOf(details: Details): Omit<Frame, "payload" | "createdAt"> {
  return {
    codec: details.codec ?? undefined,
    creationMs: details.ms,
    softExpiresAt: details.soft ?? NEVER,
    hardExpiresAt: details.hard ?? NEVER,
    tags: details.tags,
    marks: details.marks.map(([hard, soft]): Mark => ({ hard, soft })),
  };
}

/** JSON without bars, at the first of which the record is split, and without more than ASCII. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[|\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
