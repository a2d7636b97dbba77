/**
 * A codec around a codec: what is large and shrinks is compressed.
 *
 * ```text
 * 00, length, payload             as it was
 * 01, length, length, deflate     compressed with raw deflate (RFC 1951)
 * ```
 *
 * Deflate is the one format that `CompressionStream` has on every runtime and that adds no header.
 * The lengths, varints, are of the payload and of what was made of it. With the first, a record that
 * would grow beyond the bound is refused before it is inflated, and one that inflates to another
 * length in any case; with the second, one that is cut short, which not every runtime's
 * `DecompressionStream` notices.
 */

import type { Codec } from "../contracts/codec.ts";
import { ByteReader, ByteWriter } from "./byte_record.ts";

/** When to compress, and how far to trust what was compressed. */
export interface CompressedOptions {
  /** Payloads of fewer bytes are left alone. Default: 1,024. */
  readonly fromBytes?: number;
  /** A record of a payload longer than this is refused on both ways. Default: 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * Compresses what `codec` makes, where it is large enough and becomes smaller.
 *
 * Decoding more than `maxBytes` is a `TypeError`, so a small hostile record cannot fill the memory;
 * encoding more than that is a `RangeError`.
 *
 * @example
 * ```ts
 * import { deepEqual, ok } from "node:assert/strict";
 * import { compressed, json } from "@cairn/cache";
 *
 * const codec = compressed(json);
 * const value = Array.from({ length: 1_000 }, () => "again");
 * const bytes = await codec.encode(value, "key");
 * ok(bytes.length < 100);
 * deepEqual(await codec.decode(bytes, "key"), value);
 * ```
 */
export function compressed<T>(codec: Codec<T>, options: CompressedOptions = {}): Codec<T> {
  const bounds = checkedBounds(options);
  return Object.freeze({
    name: `z-${codec.name}`.slice(0, 8),
    encode: async (value: T, key: string): Promise<Uint8Array> =>
      await pack(await codec.encode(value, key), bounds),
    decode: async (bytes: Uint8Array, key: string): Promise<T> =>
      await codec.decode(await unpack(bytes, bounds), key),
  });
}

const stored = 0;
const deflated = 1;

type Bounds = Required<CompressedOptions>;

function checkedBounds(options: CompressedOptions): Bounds {
  const { fromBytes = 1_024, maxBytes = 64 << 20 } = options;
  for (const [name, value] of Object.entries({ fromBytes, maxBytes })) {
    if (!(value >= 0)) throw new RangeError(`Cannot compress: "${name}" is ${value}`);
  }
  return { fromBytes, maxBytes };
}

async function pack(payload: Uint8Array, bounds: Bounds): Promise<Uint8Array> {
  if (payload.length > bounds.maxBytes) {
    const state = `it has ${payload.length} bytes, more than ${bounds.maxBytes}`;
    throw new RangeError(`Cannot compress payload: ${state}`);
  }
  if (payload.length >= bounds.fromBytes) {
    const body = await through(new CompressionStream("deflate-raw"), payload, Infinity);
    const writer = new ByteWriter();
    writer.byte(deflated);
    writer.varint(payload.length);
    writer.varint(body.length);
    writer.bytes(body);
    const record = writer.take();
    if (record.length <= payload.length) return record;
  }
  return asStored(payload);
}

function asStored(payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(stored);
  writer.varint(payload.length);
  writer.bytes(payload);
  return writer.take();
}

async function unpack(record: Uint8Array, bounds: Bounds): Promise<Uint8Array> {
  const reader = new ByteReader(record);
  const kind = reader.byte();
  if (kind > deflated) throw new SyntaxError(`Cannot decompress: the record's kind is ${kind}`);
  const length = reader.varint();
  if (length > bounds.maxBytes) {
    throw new TypeError(`Cannot decompress: ${length} bytes are more than ${bounds.maxBytes}`);
  }
  const body = reader.bytes(kind === stored ? length : reader.varint());
  reader.end();
  if (kind === stored) return body;
  const payload = await through(new DecompressionStream("deflate-raw"), body, length);
  if (payload.length === length) return payload;
  throw new SyntaxError(`Cannot decompress: ${payload.length} bytes, not ${length}`);
}

/** What a stream makes of bytes; a `SyntaxError` as soon as it is more than `maxBytes`. */
async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  const writer = new ByteWriter();
  let length = 0;
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  for await (const chunk of source.pipeThrough(stream)) {
    length += chunk.length;
    if (length > maxBytes) throw new SyntaxError(`Cannot decompress: more than ${maxBytes} bytes`);
    writer.bytes(chunk);
  }
  return writer.take();
}
