/** What a curdling server says that it has, by its lists of versions. */

import { UpstreamError } from "../contracts/errors.ts";
import { normalizeName, parseFilename } from "../wheels/packages/names.ts";
import { UpstreamFetcher } from "../wheels/upstream/upstream_fetch.ts";
import { type HeldFiles, type IndexPagesOptions, textOf, TIMEOUT_MS } from "./push_pages.ts";

/** The SHA-256 of files by their names. */
type Known = Map<string, string>;

/** Asks for each project once. */
export class CurdlingListings implements HeldFiles {
  readonly #fetcher: UpstreamFetcher;
  readonly #listings = new Map<string, Promise<Known>>();

  /** Throws a `TypeError` for an address that is none. */
  constructor({ url, fetch, clock }: Omit<IndexPagesOptions, "filenames">) {
    this.#fetcher = new UpstreamFetcher({
      url,
      fetch,
      clock,
      fileHosts: [],
      timeoutMs: TIMEOUT_MS,
    });
  }

  async sha256Of(project: string, filename: string): Promise<string | undefined> {
    const name = nameIn(filename, project);
    let listing = this.#listings.get(name);
    if (listing === undefined) this.#listings.set(name, listing = this.#read(name));
    return (await listing).get(filename);
  }

  async note(project: string, filename: string, sha256: string): Promise<void> {
    const listing = await this.#listings.get(nameIn(filename, project))?.catch(() => undefined);
    listing?.set(filename, sha256);
  }

  forget(project: string): void {
    for (const name of this.#listings.keys()) {
      if (normalizeName(name) === project) this.#listings.delete(name);
    }
  }

  async #read(name: string): Promise<Known> {
    const fetched = await this.#fetcher.get(`${this.#fetcher.url}${encodeURIComponent(name)}`, {});
    const { response: { status, body }, url } = fetched;
    if (status === 200) return knownIn(await textOf(fetched), url);
    await body?.cancel();
    // Only this one says that there is nothing.
    if (status === 404) return new Map();
    throw new UpstreamError(url, `its status is ${status}`, { status });
  }
}

/** The name that curdling files a package under: its file's, in lower case and with its dots. */
function nameIn(filename: string, project: string): string {
  const { kind, version } = parseFilename(filename, project)!;
  const end = kind === "wheel" ? filename.indexOf("-") : filename.lastIndexOf(`-${version}`);
  return filename.slice(0, end).toLowerCase().replaceAll("_", "-");
}

function knownIn(text: string, url: string): Known {
  try {
    const releases = JSON.parse(text) as { urls: { url: string; sha256: string }[] }[];
    return new Map(
      releases.flatMap(({ urls }) => urls.map((file) => [filenameAt(file.url), file.sha256])),
    );
  } catch (cause) {
    throw new UpstreamError(url, "it is no list of versions", { status: 200, cause });
  }
}

function filenameAt(url: string): string {
  return decodeURIComponent(new URL(url).pathname.split("/").at(-1)!);
}
