import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { type Page, pageOf } from "../../../src/wheels/pages/page.ts";
import { pageCodec } from "../../../src/wheels/pages/page_codec.ts";

async function roundTrip(page: Page | null): Promise<Page | null> {
  return await pageCodec.decode(await pageCodec.encode(page, "page"), "page");
}

describe("pageCodec", () => {
  it("gives back what it was given, the bytes and what is known of them", async () => {
    for (const isOwn of [true, false]) {
      for (const text of ["", "\n", "a page\nof two lines\n"]) {
        const page = await pageOf(text, { serial: 7, isOwn });
        deepEqual(await roundTrip(page), page);
      }
    }
    equal(await roundTrip(null), null);
  });

  it("refuses bytes that are no page", () => {
    for (
      const text of ["x", "{}\n", '{"digest":"a","serial":1}\n', '{"serial":1,"isOwn":true}\n']
    ) {
      throws(() => pageCodec.decode(new TextEncoder().encode(text), "page"));
    }
  });
});
