/** Small package files made from nothing, so that tests need neither Python nor a file system. */

import { crc32 } from "../../src/wheels/packages/crc32.ts";

/** What a made wheel says and holds. */
export interface WheelSpec {
  /** As its name and metadata state it. */
  readonly name: string;
  /** As its name and metadata state it. */
  readonly version: string;
  /** Further lines of METADATA, e.g. `"Requires-Python: >=3.9"`. */
  readonly metadata?: readonly string[];
  /** How many bytes of reproducible noise it carries. Default 0. */
  readonly paddingBytes?: number;
  /** Tells otherwise equal wheels apart. Default 0. */
  readonly seed?: number;
}

/** A made wheel. */
export interface MadeWheel {
  /** Its name. */
  readonly filename: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its METADATA. */
  readonly metadata: string;
}

/** Makes a sound pure-Python wheel. */
export function makeWheel(spec: WheelSpec): MadeWheel {
  const { name, version, paddingBytes = 0, seed = 0 } = spec;
  const escaped = name.replace(/[-_.]+/g, "_").toLowerCase();
  const folder = `${escaped}-${version}.dist-info`;
  const lines = ["Metadata-Version: 2.1", `Name: ${name}`, `Version: ${version}`];
  const metadata = `${[...lines, ...(spec.metadata ?? [])].join("\n")}\n`;
  const tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
  const files: [string, Uint8Array][] = [
    [`${escaped}/__init__.py`, textBytes(`SEED = ${seed}\n`)],
    [`${escaped}/data.bin`, noise(paddingBytes, seed + 1)],
    [`${folder}/METADATA`, textBytes(metadata)],
    [`${folder}/WHEEL`, textBytes(tag)],
  ];
  const record = [...files.map(([path]) => `${path},,`), `${folder}/RECORD,,`].join("\n");
  files.push([`${folder}/RECORD`, textBytes(`${record}\n`)]);
  const filename = `${escaped}-${version}-py3-none-any.whl`;
  return { filename, bytes: makeZip(files), metadata };
}

/** Makes a zip archive of stored entries. */
export function makeZip(
  files: readonly (readonly [string, Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [path, bytes] of files) {
    const name = textBytes(path);
    const facts = [
      [2, 20], // version needed
      [2, 0x800], // UTF-8 names
      [2, 0], // stored
      [2, 0],
      [2, 0x21], // 1 January 1980
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, name.length],
      [2, 0],
    ] as const;
    const head = packed([[4, 0x04034b50], ...facts]);
    parts.push(head, name, bytes);
    const place = [[2, 0], [2, 0], [2, 0], [4, 0], [4, offset]] as const;
    directory.push(packed([[4, 0x02014b50], [2, 20], ...facts, ...place]), name);
    offset += head.length + name.length + bytes.length;
  }
  const sizeBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const counts = [[2, 0], [2, 0], [2, files.length], [2, files.length]] as const;
  const end = packed([[4, 0x06054b50], ...counts, [4, sizeBytes], [4, offset], [2, 0]]);
  return joined([...parts, ...directory, end]);
}

/** Reproducible bytes that do not compress. */
export function noise(lengthBytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes);
  let word = (seed * 2_654_435_761) >>> 0 || 1;
  for (let at = 0; at < lengthBytes; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    bytes[at] = word;
  }
  return bytes;
}

/** SHA-256 in hexadecimal. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function packed(fields: readonly (readonly [number, number])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [width, value] of fields) {
    for (let at = 0; at < width; at++) bytes.push(Math.floor(value / 256 ** at) % 256);
  }
  return Uint8Array.from(bytes);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
