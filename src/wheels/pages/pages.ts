/**
 * The pages of the index, rendered once for each change and kept as bytes.
 *
 * The key of a page names what it was made from: the serial of the project and the identity of the
 * upstream's page. A change of either makes another key, so nothing ever has to be invalidated.
 * Keep pages in no store that outlives the index tables, for new tables count serials from 1 again.
 */

import { HeldBackError } from "../../contracts/errors.ts";
import type { IndexCache } from "../../contracts/index_cache.ts";
import type { Policy } from "../../region/policy.ts";
import type { Region } from "../../region/region.ts";
import type { Log } from "../log.ts";
import type { Note } from "../lookups.ts";
import type { Rules } from "../rules/rules.ts";
import { type Form, gzipped, type Page, pageOf, type Variant } from "./page.ts";
import { conflictsIn, listProject, type Sources } from "./project_listing.ts";
import { renderListHtml, renderProjectHtml } from "./render_html.ts";
import { renderListJson, renderProjectJson } from "./render_json.ts";
import type { Upstream, UpstreamAnswer } from "../upstream/upstream.ts";

/** What pages are made from and kept in. */
export interface PageParts {
  /** Our own projects and files. */
  readonly index: IndexCache;
  /** The upstream that is read through, if any. */
  readonly upstream: Upstream | undefined;
  /** What is laid down for projects and files. */
  readonly rules: Rules;
  /** Where clients reach us, if that is known; it ends in a slash. */
  readonly publicUrl: string | undefined;
  /** Keeps pages. */
  readonly region: Region;
  /** Told of conflicts. */
  readonly log: Log;
}

/** A page as it is answered. */
export interface PageAnswer {
  /** The bytes. */
  readonly page: Page;
  /** When the upstream confirmed it, where it is older than it should be. */
  readonly staleSince?: number;
}

/** Which page as of an instant is meant. */
export interface AsOfOptions {
  /** Its bytes. */
  readonly variant: Variant;
  /** Whether the upstream is asked. */
  readonly mayFill: boolean;
}

const KEPT_MS = 86_400_000;
const POLICY: Policy<Page | null> = Object.freeze({ softTtlMs: KEPT_MS, hardTtlMs: KEPT_MS });

/** Makes and keeps the pages of one index. */
export class Pages {
  readonly #parts: PageParts;
  /** What all pages of projects depend on; settings may change between two processes of one store. */
  readonly #settings: string;

  /** Takes what pages are made from. */
  constructor(parts: PageParts) {
    this.#parts = Object.freeze({ ...parts });
    const { rules, publicUrl = "" } = parts;
    this.#settings = [rules.identity, publicUrl].filter((text) => text !== "").map((text) =>
      `:${text}`
    ).join("");
  }

  /** The list of projects that are held here or claimed. */
  async list(variant: Variant): Promise<Page> {
    const { index } = this.#parts;
    const serial = await index.serial();
    const page = await this.#kept(`list:${serial}`, variant, async (form) => {
      const names = await index.distinct();
      return pageOf(
        form === "json" ? renderListJson(names, serial) : renderListHtml(names),
        { serial, isOwn: true },
      );
    });
    return page!;
  }

  /** The list of those among them that somebody may read. It is made anew for each request. */
  async listOf(mayRead: (project: string) => boolean, variant: Variant): Promise<Page> {
    const { index } = this.#parts;
    const serial = await index.serial();
    const names = (await index.distinct()).filter(mayRead);
    const isJson = variant.form === "json";
    const text = isJson ? renderListJson(names, serial) : renderListHtml(names);
    const page = await pageOf(text, { serial, isOwn: true });
    return variant.encoding === "gzip" ? await gzipped(page) : page;
  }

  /**
   * The page of a project by its normalised name, or `undefined` where nobody knows it. Rejects with
   * an `UpstreamError` where that cannot be told, because the upstream fails, and with a
   * `HeldBackError` for a project of which nobody gets anything.
   */
  async project(
    project: string,
    variant: Variant,
    note: Note = () => {},
  ): Promise<PageAnswer | undefined> {
    this.#checkDenial(project);
    const { index, upstream } = this.#parts;
    const { serial, isClaimed } = await index.project(project);
    const answer = isClaimed ? undefined : await upstream?.page(project, note);
    const source = isClaimed ? "own" : answer?.identity ?? "held";
    const key = `project:${project}:${serial}:${source}${this.#settings}`;
    const page = await this.#kept(key, variant, (form) => this.#render(project, form, answer));
    if (page === null) return undefined;
    const isStale = answer !== undefined && upstream?.isStale(answer) === true;
    return isStale ? { page, staleSince: answer.fetchedAt } : { page };
  }

  /** The page of a project's files that are held here, whatever the upstream has. */
  async held(project: string, variant: Variant): Promise<PageAnswer | undefined> {
    this.#checkDenial(project);
    const { serial } = await this.#parts.index.project(project);
    const key = `project:${project}:${serial}:held${this.#settings}`;
    const page = await this.#kept(key, variant, async (form) => {
      const held = await this.#parts.index.all(project);
      return await this.#page({ held, isReadThrough: false, listing: undefined }, project, form);
    });
    return page === null ? undefined : { page };
  }

  /**
   * The page of a project with nothing but what was uploaded before an instant. It is made anew for each
   * request, for there are as many instants as clients like to name.
   */
  async asOf(
    project: string,
    before: number,
    { variant, mayFill }: AsOfOptions,
  ): Promise<PageAnswer | undefined> {
    this.#checkDenial(project);
    const { index, upstream } = this.#parts;
    const held = await index.all(project);
    const isAsked = mayFill && !held.isClaimed;
    const listing = isAsked ? (await upstream?.page(project))?.listing : undefined;
    const isReadThrough = mayFill && upstream !== undefined;
    const page = await this.#page({ held, isReadThrough, listing, before }, project, variant.form);
    if (page === null) return undefined;
    return { page: variant.encoding === "gzip" ? await gzipped(page) : page };
  }

  #checkDenial(project: string): void {
    const denial = this.#parts.rules.denialOf({ project });
    if (denial !== undefined) throw new HeldBackError(project, denial);
  }

  /** A variant of a page; `null` stands for a project that nobody knows. */
  #kept(
    key: string,
    { form, encoding }: Variant,
    render: (form: Form) => Promise<Page | null>,
  ): Promise<Page | null> {
    const variant = `page:${key}:${form}:${encoding}`;
    return this.#parts.region.getOrCreate<Page | null>(variant, async () => {
      if (encoding === "identity") return await render(form);
      const plain = await this.#kept(key, { form, encoding: "identity" }, render);
      return plain === null ? null : await gzipped(plain);
    }, POLICY);
  }

  async #render(
    project: string,
    form: Form,
    answer: UpstreamAnswer | undefined,
  ): Promise<Page | null> {
    const { index, upstream, log } = this.#parts;
    const held = await index.all(project);
    // It may have been claimed since the upstream was asked.
    const listing = held.isClaimed ? undefined : answer?.listing;
    const sources: Sources = { held, isReadThrough: upstream !== undefined, listing };
    for (const filename of conflictsIn(sources)) {
      log("error", `Kept "${filename}": the upstream now has other content under this name`);
    }
    return await this.#page(sources, project, form);
  }

  async #page(sources: Sources, project: string, form: Form): Promise<Page | null> {
    const page = listProject(project, sources, this.#parts);
    if (page === undefined) return null;
    return await pageOf(form === "json" ? renderProjectJson(page) : renderProjectHtml(page), {
      serial: page.serial,
      isOwn: isOwn(sources),
    });
  }
}

function isOwn({ held, isReadThrough }: Sources): boolean {
  return held.isClaimed || !isReadThrough ||
    held.files.some(({ upstream }) => upstream === undefined);
}
