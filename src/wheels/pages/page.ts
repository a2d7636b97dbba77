/** A rendered page of the index: the bytes, and what HTTP needs to know of them. */

import { sha256Hex } from "../sha256_hex.ts";

/** How a page is written: PEP 691's JSON, or HTML. */
export type Form = "json" | "html";

/** How its bytes are packed. */
export type Encoding = "identity" | "gzip";

/** Which bytes of a page are meant. */
export interface Variant {
  /** The form. */
  readonly form: Form;
  /** The packing. */
  readonly encoding: Encoding;
}

/** One variant of a page, ready to be sent untouched. */
export interface Page {
  /** The bytes, packed as the variant says. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The first 32 hexadecimal digits of their SHA-256: the core of a strong entity tag. */
  readonly digest: string;
  /** The serial they were rendered at; 0 where none is known. */
  readonly serial: number;
  /** Whether it lists what is ours, and so may change at any moment. */
  readonly isOwn: boolean;
}

/** A page of unpacked bytes. */
export async function pageOf(text: string, facts: Pick<Page, "serial" | "isOwn">): Promise<Page> {
  return digested(new TextEncoder().encode(text), facts);
}

/** The same page, packed. */
export async function gzipped(page: Page): Promise<Page> {
  const packed = new Blob([page.body]).stream().pipeThrough(new CompressionStream("gzip"));
  return digested(new Uint8Array(await new Response(packed).arrayBuffer()), page);
}

async function digested(
  body: Uint8Array<ArrayBuffer>,
  { serial, isOwn }: Pick<Page, "serial" | "isOwn">,
): Promise<Page> {
  return { body, digest: (await sha256Hex(body)).slice(0, 32), serial, isOwn };
}
