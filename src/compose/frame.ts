/**
 * Frame v1: the record in which a store of bytes keeps an entry.
 *
 * ```text
 * C1            no text in UTF-8 holds this byte, so no other record is taken for a frame
 * 01            the version
 * varint, text  the name of the codec that made the payload
 * kinds         two bits for each time, lowest first: createdAt, creationMs, soft, hard
 * times         varint (kind 0), nothing for NEVER (kind 1), float64 (kind 2)
 * varint, tags  each a varint and UTF-8
 * varint, marks each hard then soft: 00 and 16 bytes for 32 hexadecimal digits, else a varint of
 *               the length plus one, and UTF-8
 * varint        the length of the payload
 * payload       to the very end
 * ```
 *
 * A varint of `soft` counts from `createdAt`, one of `hard` from `soft`. An entry without tags and
 * marks takes some 25 bytes besides its payload. Versions to come must still read this one:
 * `tests/vectors/frame_v1.json` holds records that were once written.
 */

import { NEVER } from "../contracts/clock.ts";
import type { Entry, Mark } from "../contracts/entry.ts";
import { ByteReader, ByteWriter } from "./byte_record.ts";

/** An entry whose payload is still in bytes, and the name of the codec that made them. */
export interface Frame extends Entry<Uint8Array> {
  /** The codec's name, or `undefined` in records that do not tell. */
  readonly codec: string | undefined;
}

/** A way to write frames as records of bytes. Both functions are pure. */
export interface Framing {
  /** For messages. */
  readonly name: string;
  /** The record of a frame. */
  format(frame: Frame): Uint8Array;
  /** The frame of a record; a `SyntaxError` or `TypeError` if it is none. */
  parse(record: Uint8Array): Frame;
}

/**
 * The default framing, which keeps every field of an entry.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { type Frame, frameV1, NEVER } from "@cairn/cache";
 *
 * const frame: Frame = {
 *   codec: "text",
 *   payload: new TextEncoder().encode("hello"),
 *   createdAt: 1_700_000_000_000,
 *   creationMs: 12,
 *   softExpiresAt: 1_700_000_060_000,
 *   hardExpiresAt: NEVER,
 *   tags: ["greeting"],
 *   marks: [],
 * };
 * deepEqual(frameV1.parse(frameV1.format(frame)), frame);
 * ```
 */
export const frameV1: Framing = Object.freeze({
  name: "frame v1",
  format: formatFrame,
  parse: parseFrame,
});

const magic = 0xc1;
const version = 1;
const integerKind = 0;
const neverKind = 1;
const floatKind = 2;

function formatFrame(frame: Frame): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(magic);
  writer.byte(version);
  writer.text(frame.codec ?? "");
  writeTimes(writer, frame);
  writer.varint(frame.tags.length);
  for (const tag of frame.tags) writer.text(tag);
  writer.varint(frame.marks.length);
  for (const { hard, soft } of frame.marks) {
    writeIdentity(writer, hard);
    writeIdentity(writer, soft);
  }
  writer.varint(frame.payload.length);
  writer.bytes(frame.payload);
  return writer.take();
}

function parseFrame(record: Uint8Array): Frame {
  const reader = new ByteReader(record);
  if (reader.byte() !== magic) throw new SyntaxError("Cannot read record: it is no frame");
  const found = reader.byte();
  if (found !== version) throw new SyntaxError(`Cannot read frame: its version is ${found}`);
  const codec = reader.text(reader.varint()) || undefined;
  const times = readTimes(reader);
  const tags = readMany(reader, () => reader.text(reader.varint()));
  const marks = readMany(reader, (): Mark => ({
    hard: readIdentity(reader),
    soft: readIdentity(reader),
  }));
  const payload = reader.bytes(reader.varint());
  reader.end();
  return { codec, payload, ...times, tags, marks };
}

/**
 * The frame of a record without codec and payload, as {@linkcode NO_PAYLOAD} is written under every
 * framing; `undefined` for any other record.
 */
export function bareFrameOf(record: Uint8Array): Frame | undefined {
  if (record[0] !== magic || record[1] !== version || record[2] !== 0) return undefined;
  try {
    const frame = parseFrame(record);
    return frame.payload.length === 0 ? frame : undefined;
  } catch {
    // The bytes are somebody's payload under a framing that adds nothing.
    return undefined;
  }
}

type Times = Pick<Entry, "createdAt" | "creationMs" | "softExpiresAt" | "hardExpiresAt">;

// Each time is written as its distance from a base: integers are exact, and short when near it.
function writeTimes(writer: ByteWriter, times: Times): void {
  const { createdAt, creationMs, softExpiresAt, hardExpiresAt } = times;
  const values = [createdAt, creationMs, softExpiresAt, hardExpiresAt];
  const bases = [0, 0, createdAt, softExpiresAt];
  const kinds = values.map((value, index) => kindOf(value, bases[index]!));
  writer.byte(kinds.reduce((byte, kind, index) => byte | (kind << (2 * index)), 0));
  for (const [index, kind] of kinds.entries()) {
    if (kind === integerKind) writer.varint(values[index]! - bases[index]!);
    else if (kind === floatKind) writer.float64(values[index]!);
  }
}

function readTimes(reader: ByteReader): Times {
  const kinds = reader.byte();
  const createdAt = readTime(reader, kinds & 3, 0);
  const creationMs = readTime(reader, (kinds >> 2) & 3, 0);
  const softExpiresAt = readTime(reader, (kinds >> 4) & 3, createdAt);
  const hardExpiresAt = readTime(reader, kinds >> 6, softExpiresAt);
  return { createdAt, creationMs, softExpiresAt, hardExpiresAt };
}

function kindOf(value: number, base: number): number {
  if (value === NEVER) return neverKind;
  const isExact = Number.isSafeInteger(value) && Number.isSafeInteger(base) &&
    !Object.is(value, -0);
  const distance = value - base;
  return isExact && distance >= 0 && Number.isSafeInteger(distance) ? integerKind : floatKind;
}

function readTime(reader: ByteReader, kind: number, base: number): number {
  if (kind === integerKind) return base + reader.varint();
  if (kind === neverKind) return NEVER;
  if (kind === floatKind) return reader.float64();
  throw new SyntaxError("Cannot read frame: it has a time of unknown kind");
}

function readMany<T>(reader: ByteReader, read: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.varint(); left > 0; left--) items.push(read());
  return items;
}

function writeIdentity(writer: ByteWriter, identity: string): void {
  if (!/^[0-9a-f]{32}$/.test(identity)) return writer.text(identity, 1);
  writer.byte(0);
  for (let index = 0; index < 32; index += 2) {
    writer.byte(parseInt(identity.slice(index, index + 2), 16));
  }
}

function readIdentity(reader: ByteReader): string {
  const length = reader.varint();
  return length > 0 ? reader.text(length - 1) : reader.hex(16);
}
