/**
 * Rendered pages as bytes: a line of JSON with what is known of the page, then the page itself
 * untouched. No bytes at all stand for the absence of a project.
 */

import type { Codec } from "../../contracts/codec.ts";
import type { Page } from "./page.ts";

const NEWLINE = 10;

/** A codec of pages, for regions that keep them in a store. */
export const pageCodec: Codec<Page | null> = Object.freeze({
  name: "page",
  encode(page: Page | null): Uint8Array {
    if (page === null) return new Uint8Array(0);
    const { digest, serial, isOwn, body } = page;
    const head = new TextEncoder().encode(JSON.stringify({ digest, serial, isOwn }) + "\n");
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    return bytes;
  },
  decode(bytes: Uint8Array): Page | null {
    if (bytes.length === 0) return null;
    const end = bytes.indexOf(NEWLINE);
    const { digest, serial, isOwn } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    if (
      typeof digest !== "string" || typeof serial !== "number" || typeof isOwn !== "boolean"
    ) {
      throw new TypeError("Cannot decode page: its head lacks digest, serial or isOwn");
    }
    return { digest, serial, isOwn, body: new Uint8Array(bytes.subarray(end + 1)) };
  },
});
