/** The near shelves of the apps: bounded by bytes, because one page may be a thousand times another. */

import type { MemoryCacheOptions } from "../memory/memory_cache.ts";
import type { Page } from "../wheels/pages/page.ts";
import type { UpstreamAnswer } from "../wheels/upstream/upstream.ts";

const ENTRY_BYTES = 200;
/** About what a file of an upstream's page takes as an object. */
const UPSTREAM_FILE_BYTES = 700;

/** A shelf of rendered pages of at most so many bytes. A page over a quarter of them is not kept. */
export function pageShelf(mostBytes: number): MemoryCacheOptions {
  const weigh = (page: unknown): number => ENTRY_BYTES + ((page as Page | null)?.body.length ?? 0);
  return { maxWeight: mostBytes, weigh };
}

/** A shelf of what an upstream said, of at most about so many bytes. */
export function upstreamShelf(mostBytes: number): MemoryCacheOptions {
  const weigh = (answer: unknown): number => {
    const files = (answer as UpstreamAnswer).listing?.files.length ?? 0;
    return ENTRY_BYTES + files * UPSTREAM_FILE_BYTES;
  };
  return { maxWeight: mostBytes, weigh };
}
