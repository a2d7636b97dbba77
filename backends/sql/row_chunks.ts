/** Rows as JSON texts, so that any number of them travels in a few parameters. */

import type { RowChunk } from "./package_statements.ts";
import type { PackageRow } from "./package_row.ts";

/** D1 takes texts of at most 2,000,000 bytes, and PyPICloud's other databases some more. */
const chunkBytes = 1_000_000;

const encoder = new TextEncoder();

/** Cuts rows into chunks that are each small enough for one parameter. */
export function chunked(rows: readonly PackageRow[]): RowChunk[] {
  const chunks: RowChunk[] = [];
  let texts: string[] = [];
  let start = 0;
  let sizeBytes = 0;
  for (const [index, row] of rows.entries()) {
    const { filename, name, version, last_modified, summary, data } = row;
    const text = JSON.stringify([filename, name, version, last_modified, summary, data]);
    const textBytes = encoder.encode(text).length + 1;
    if (texts.length > 0 && sizeBytes + textBytes > chunkBytes) {
      chunks.push(chunkOf(texts, rows.slice(start, index)));
      [texts, start, sizeBytes] = [[], index, 0];
    }
    texts.push(text);
    sizeBytes += textBytes;
  }
  if (texts.length > 0) chunks.push(chunkOf(texts, rows.slice(start)));
  return chunks;
}

function chunkOf(texts: readonly string[], rows: readonly PackageRow[]): RowChunk {
  return {
    rows: `[${texts.join()}]`,
    filenames: JSON.stringify(rows.map((row) => row.filename)),
    names: JSON.stringify([...new Set(rows.map((row) => row.name))]),
  };
}
