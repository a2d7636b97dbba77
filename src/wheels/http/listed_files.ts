/** The files of a project's page as it is for somebody, for answers that say them in other words. */

import type { Page } from "../pages/page.ts";
import { pageFor, type Reading, type SimpleParts } from "./simple.ts";

/** A file as a JSON page lists it. */
export interface ListedFile {
  readonly filename: string;
  readonly url: string;
  readonly hashes: { readonly sha256?: string };
  readonly size?: number;
  readonly "upload-time"?: string;
  readonly "requires-python"?: string;
  readonly yanked: boolean | string;
}

/** The files, and the page that lists them; `undefined` where there is none for this visitor. */
export async function listedFiles(
  parts: SimpleParts,
  asked: Reading,
): Promise<{ readonly files: readonly ListedFile[]; readonly page: Page } | undefined> {
  const found = await pageFor(parts, asked, { form: "json", encoding: "identity" });
  if (found === undefined) return undefined;
  const { page } = found;
  const { files } = JSON.parse(new TextDecoder().decode(page.body)) as { files: ListedFile[] };
  return { files, page };
}
