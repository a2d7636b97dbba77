/** Tar archives made by hand, sound ones and ones with one thing wrong. */

import { compressed, joined } from "./zip_builder.ts";

/** One member. */
export interface TarSpec {
  readonly path: string;
  readonly content?: string | Uint8Array;
  /** The type flag. Default `"0"`, a file. */
  readonly type?: string;
  /** The target of a link. */
  readonly target?: string;
  /** The size stated instead of the true one. */
  readonly sizeBytes?: number;
  /** Added to the check sum. */
  readonly sumError?: number;
  /** Bytes written over the header before the check sum is made. */
  readonly patch?: { readonly at: number; readonly text: string };
}

/** A gzipped tar archive. */
export async function tarGzOf(specs: readonly TarSpec[], end?: Uint8Array): Promise<Uint8Array> {
  return await compressed(tarOf(specs, end), "gzip");
}

/** A tar archive, ended by two blocks of zeros or by what is given. */
export function tarOf(
  specs: readonly TarSpec[],
  end: Uint8Array = new Uint8Array(1024),
): Uint8Array {
  return joined([...specs.flatMap(member), end]);
}

/** The content of a pax record member. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = new TextEncoder().encode(rest).length;
  let length = bytes + 1;
  while (String(length).length + bytes !== length) length++;
  return `${length}${rest}`;
}

function member(spec: TarSpec): Uint8Array[] {
  const content = typeof spec.content === "string"
    ? new TextEncoder().encode(spec.content)
    : spec.content ?? new Uint8Array(0);
  const filling = new Uint8Array((512 - content.length % 512) % 512);
  return [headerOf(spec, content.length), content, filling];
}

function headerOf(spec: TarSpec, contentBytes: number): Uint8Array {
  const header = new Uint8Array(512);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  put(0, spec.path.slice(0, 100));
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${(spec.sizeBytes ?? contentBytes).toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, spec.type ?? "0");
  put(157, spec.target ?? "");
  put(257, "ustar\x0000");
  if (spec.patch !== undefined) put(spec.patch.at, spec.patch.text);
  const sum = header.reduce((total, byte) => total + byte, 0) + (spec.sumError ?? 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}
