/** Traces of requests: gzip of little-endian 32-bit numbers, ids or pairs of id and size. */

import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";

/** Requests in their order. */
export interface Trace {
  /** What it is called. */
  readonly name: string;
  /** The ids asked for. */
  readonly ids: Uint32Array;
  /** The sizes of what was asked for, by request, where the trace tells them. */
  readonly sizes: Uint32Array | undefined;
  /** How many ids there are. */
  readonly distinct: number;
}

/** Reads `<name>.u32.gz`, or `<name>.u32pair.gz` for traces with sizes. */
export async function readTrace(folder: string, name: string, hasSizes: boolean): Promise<Trace> {
  const file = `${folder}/${name}.${hasSizes ? "u32pair" : "u32"}.gz`;
  const bytes = new Uint8Array(gunzipSync(await readFile(file)));
  const numbers = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const ids = hasSizes ? numbers.filter((_, at) => at % 2 === 0) : numbers;
  const sizes = hasSizes ? numbers.filter((_, at) => at % 2 === 1) : undefined;
  return { name, ids, sizes, distinct: new Set(ids).size };
}
