/** What an index says that it has, by its simple pages. */

import { UpstreamError } from "../contracts/errors.ts";
import {
  type Fetched,
  type FetcherOptions,
  UpstreamFetcher,
} from "../wheels/upstream/upstream_fetch.ts";
import type { UpstreamListing } from "../wheels/upstream/upstream_page.ts";
import { parseUpstreamHtml, parseUpstreamJson } from "../wheels/upstream/upstream_parse.ts";

/** What an index has. Rejects where it cannot be asked. */
export interface HeldFiles {
  /** The SHA-256 of a file of a project by its normalised name; `undefined` where there is none. */
  sha256Of(project: string, filename: string): Promise<string | undefined>;
  /** Notes what the index has got meanwhile. */
  note(project: string, filename: string, sha256: string): Promise<void>;
  /** Forgets what is known of a project, so that it is asked for again. */
  forget(project: string): void;
}

/** Which index, and of which files it is asked. */
export interface IndexPagesOptions extends Pick<FetcherOptions, "url" | "fetch" | "clock"> {
  /** The names that matter. */
  readonly filenames: ReadonlySet<string>;
}

/** The SHA-256 of files by their names. */
type Known = Map<string, string>;

const ACCEPT = "application/vnd.pypi.simple.v1+json, " +
  "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/** How long an index may take to answer. */
export const TIMEOUT_MS = 30_000;

const MOST_PAGE_BYTES = 64 * 1024 * 1024;

/** Asks for the page of each project once. */
export class IndexPages implements HeldFiles {
  readonly #fetcher: UpstreamFetcher;
  readonly #filenames: ReadonlySet<string>;
  readonly #pages = new Map<string, Promise<Known>>();

  /** Throws a `TypeError` for an address that is none. */
  constructor({ filenames, ...options }: IndexPagesOptions) {
    this.#fetcher = new UpstreamFetcher({ ...options, fileHosts: [], timeoutMs: TIMEOUT_MS });
    this.#filenames = filenames;
  }

  /**
   * The SHA-256 of a file of the project by its normalised name; `undefined` where the index does
   * not have it or does not tell. Rejects where the index cannot be asked, and then always.
   */
  async sha256Of(project: string, filename: string): Promise<string | undefined> {
    let page = this.#pages.get(project);
    if (page === undefined) this.#pages.set(project, page = this.#read(project));
    return (await page).get(filename);
  }

  /** Notes what the index has got meanwhile. */
  async note(project: string, filename: string, sha256: string): Promise<void> {
    const page = await this.#pages.get(project)?.catch(() => undefined);
    page?.set(filename, sha256);
  }

  /** Forgets the page of a project, so that it is asked for again. */
  forget(project: string): void {
    this.#pages.delete(project);
  }

  async #read(project: string): Promise<Known> {
    const fetched = await this.#fetcher.get(`${this.#fetcher.url}${project}/`, { accept: ACCEPT });
    const { response, url } = fetched;
    if (response.status === 404) {
      await response.body?.cancel();
      return new Map();
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new UpstreamError(url, `its status is ${response.status}`);
    }
    const { files } = await listingIn(project, fetched);
    return new Map(
      files.flatMap(({ filename, sha256 }): [string, string][] =>
        sha256 !== undefined && this.#filenames.has(filename) ? [[filename, sha256]] : []
      ),
    );
  }
}

async function listingIn(project: string, fetched: Fetched): Promise<UpstreamListing> {
  const origin = { project, baseUrl: fetched.url };
  const type = fetched.response.headers.get("content-type") ?? "";
  const text = await textOf(fetched);
  return /\bhtml\b/.test(type) ? parseUpstreamHtml(text, origin) : parseUpstreamJson(text, origin);
}

/** The text of an answer. Rejects where it is longer than any page may be. */
export async function textOf({ response, url, abort }: Fetched): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length <= MOST_PAGE_BYTES) continue;
    abort();
    throw new UpstreamError(url, `it has more than ${MOST_PAGE_BYTES} bytes`);
  }
  return text + decoder.decode();
}
