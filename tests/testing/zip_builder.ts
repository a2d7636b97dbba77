/** Zip archives made by hand, sound ones and ones with one thing wrong. */

import type { ByteRange } from "../../src/contracts/file_store.ts";
import { crc32 } from "../../src/wheels/packages/crc32.ts";

/** One entry, and what its records shall state instead of the truth. */
export interface ZipSpec {
  readonly path: string;
  /** Its content; a number stands for so many zeros that are never held in memory. */
  readonly content?: string | Uint8Array | number;
  readonly isDeflated?: boolean;
  /** Which descriptor follows the data. */
  readonly descriptor?: "plain" | "signed" | "long";
  /** Sizes in 64-bit fields. */
  readonly isLong?: boolean;
  readonly flags?: number;
  readonly extra?: Uint8Array;
  /** Stated by the directory only. */
  readonly directory?: Stated;
  /** Stated by the local header only. */
  readonly local?: Stated;
}

/** What a record states. */
export interface Stated {
  readonly path?: string;
  readonly method?: number;
  readonly crc32?: number;
  readonly compressedBytes?: number;
  readonly contentBytes?: number;
  readonly offset?: number;
}

/** What the end of the archive is like. */
export interface ZipEnd {
  readonly comment?: Uint8Array;
  /** A 64-bit end record besides the short one. */
  readonly isLong?: boolean;
  /** Bytes between the entries and the directory. */
  readonly gap?: Uint8Array;
  /** The number of entries stated. */
  readonly count?: number;
}

/** Bytes, or a number of zeros. */
export type Parts = readonly (Uint8Array | number)[];

const FULL = 0xffffffff;

/** The bytes of an archive. */
export async function zipOf(specs: readonly ZipSpec[], end: ZipEnd = {}): Promise<Uint8Array> {
  return joined(await zipParts(specs, end));
}

/** An archive in parts, so that large entries need no memory. */
export async function zipParts(specs: readonly ZipSpec[], end: ZipEnd = {}): Promise<Parts> {
  const parts: (Uint8Array | number)[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const spec of specs) {
    const entry = await entryParts(spec, offset);
    parts.push(...entry.parts);
    directory.push(entry.directory);
    offset += sizeOf(entry.parts);
  }
  if (end.gap !== undefined) parts.push(end.gap);
  const start = offset + (end.gap?.length ?? 0);
  return [...parts, ...directory, endRecord(directory, start, end)];
}

/** A source over parts, which counts how often it is read. */
export class PartsSource {
  readonly sizeBytes: number;
  reads = 0;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.sizeBytes = sizeOf(parts);
  }

  async read({ offset, length }: ByteRange): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(`Cannot read: ${offset} + ${length} is beyond ${this.sizeBytes}`);
    }
    this.reads++;
    const found = new Uint8Array(length);
    let at = 0;
    for (const part of this.#parts) {
      const end = at + (typeof part === "number" ? part : part.length);
      const [from, to] = [Math.max(at, offset), Math.min(end, offset + length)];
      if (from < to && typeof part !== "number") {
        found.set(part.subarray(from - at, to - at), from - offset);
      }
      at = end;
    }
    return found;
  }
}

/** Deflates or gzips by the platform. */
export async function compressed(
  bytes: Uint8Array,
  format: "deflate-raw" | "gzip",
): Promise<Uint8Array> {
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Bytes and texts one after the other. */
export function joined(parts: Parts): Uint8Array {
  const whole = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    if (typeof part !== "number") whole.set(part, at);
    at += typeof part === "number" ? part : part.length;
  }
  return whole;
}

function sizeOf(parts: Parts): number {
  return parts.reduce<number>(
    (sum, part) => sum + (typeof part === "number" ? part : part.length),
    0,
  );
}

async function entryParts(spec: ZipSpec, offset: number) {
  const content = typeof spec.content === "string"
    ? new TextEncoder().encode(spec.content)
    : spec.content ?? new Uint8Array(0);
  const isZeros = typeof content === "number";
  const data = spec.isDeflated && !isZeros ? await compressed(content, "deflate-raw") : content;
  const truth = {
    path: spec.path,
    method: spec.isDeflated ? 8 : 0,
    crc32: isZeros ? 0 : crc32(content),
    compressedBytes: typeof data === "number" ? data : data.length,
    contentBytes: isZeros ? content : content.length,
    offset,
  };
  const flags = (spec.flags ?? 0x0800) | (spec.descriptor === undefined ? 0 : 0x0008);
  const later = spec.descriptor === undefined
    ? {}
    : { crc32: 0, compressedBytes: 0, contentBytes: 0 };
  const local = localHeader({ ...truth, ...later, ...spec.local }, { ...spec, flags });
  const described = descriptorOf(truth, spec.descriptor);
  return {
    parts: [local, data, described],
    directory: directoryEntry({ ...truth, ...spec.directory }, { ...spec, flags }),
  };
}

function localHeader(stated: Required<Stated>, spec: ZipSpec & { flags: number }): Uint8Array {
  const path = new TextEncoder().encode(stated.path);
  const long = spec.isLong
    ? uints([2, 1], [2, 16], [8, stated.contentBytes], [8, stated.compressedBytes])
    : new Uint8Array(0);
  const extra = joined([long, spec.extra ?? new Uint8Array(0)]);
  const [compressedBytes, contentBytes] = spec.isLong
    ? [FULL, FULL]
    : [stated.compressedBytes, stated.contentBytes];
  return joined([
    uints([4, 0x04034b50], [2, 20], [2, spec.flags], [2, stated.method], [4, 0], [4, stated.crc32]),
    uints([4, compressedBytes], [4, contentBytes], [2, path.length], [2, extra.length]),
    path,
    extra,
  ]);
}

function directoryEntry(stated: Required<Stated>, spec: ZipSpec & { flags: number }): Uint8Array {
  const path = new TextEncoder().encode(stated.path);
  const long = spec.isLong
    ? uints([2, 1], [2, 24], [8, stated.contentBytes], [8, stated.compressedBytes], [
      8,
      stated.offset,
    ])
    : new Uint8Array(0);
  const extra = joined([long, spec.extra ?? new Uint8Array(0)]);
  const short = (value: number) => spec.isLong ? FULL : value;
  return joined([
    uints([4, 0x02014b50], [2, 20], [2, 20], [2, spec.flags], [2, stated.method], [4, 0]),
    uints([4, stated.crc32], [4, short(stated.compressedBytes)], [4, short(stated.contentBytes)]),
    uints([2, path.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0], [
      4,
      short(stated.offset),
    ]),
    path,
    extra,
  ]);
}

function descriptorOf(
  truth: { crc32: number; compressedBytes: number; contentBytes: number },
  kind: ZipSpec["descriptor"],
): Uint8Array {
  if (kind === undefined) return new Uint8Array(0);
  const signature = kind === "plain" ? new Uint8Array(0) : uints([4, 0x08074b50]);
  const width = kind === "long" ? 8 : 4;
  const rest = uints([4, truth.crc32], [width, truth.compressedBytes], [width, truth.contentBytes]);
  return joined([signature, rest]);
}

function endRecord(directory: readonly Uint8Array[], start: number, end: ZipEnd): Uint8Array {
  const comment = end.comment ?? new Uint8Array(0);
  const count = end.count ?? directory.length;
  const sizeBytes = sizeOf(directory);
  const long = end.isLong
    ? joined([
      uints([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count]),
      uints([8, sizeBytes], [8, start], [4, 0x07064b50], [4, 0], [8, start + sizeBytes], [4, 1]),
    ])
    : new Uint8Array(0);
  const short = (value: number, full: number) => end.isLong ? full : value;
  return joined([
    long,
    uints([4, 0x06054b50], [4, 0], [2, short(count, 0xffff)], [2, short(count, 0xffff)]),
    uints([4, short(sizeBytes, FULL)], [4, short(start, FULL)], [2, comment.length]),
    comment,
  ]);
}

/** Little-endian numbers of so many bytes each. */
export function uints(...fields: readonly (readonly [bytes: number, value: number])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [count, value] of fields) {
    for (let index = 0; index < count; index++) {
      bytes.push(Number((BigInt(value) >> BigInt(8 * index)) & 0xffn));
    }
  }
  return Uint8Array.from(bytes);
}
