/** Reading the keys of entries page by page, in the order of their UTF-8. */

/** Where a page begins: at a text, or after the last key of the page before. */
export interface PageStart {
  /** The comparison, as SQL. */
  readonly after: ">=" | ">";
  /** What a key is compared with. */
  readonly key: string;
}

/** How many keys a page has, unless it is the last. */
export const pageKeys = 500;

/**
 * The keys that begin with `prefix`. They lie side by side in their order, so the first page that is
 * not full or ends with another key is the last one read.
 */
export async function* listedKeys(
  prefix: string,
  readPage: (start: PageStart) => Promise<readonly string[]>,
): AsyncGenerator<string> {
  let start: PageStart = { after: ">=", key: prefix };
  for (;;) {
    const keys = await readPage(start);
    for (const key of keys) {
      if (!key.startsWith(prefix)) return;
      yield key;
    }
    if (keys.length < pageKeys) return;
    start = { after: ">", key: keys.at(-1)! };
  }
}
