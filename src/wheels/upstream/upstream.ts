/**
 * An upstream index that is read through: its pages, remembered in a region, and its files.
 *
 * A page is asked for as JSON first and taken as HTML where there is nothing better, conditionally
 * where an older one is held. That the upstream does not know a project is remembered briefly, so
 * that a new project soon appears; every other failure is an `UpstreamError` and never an absence,
 * for an absence makes installers look in the next index, where a stranger may wait.
 */

import type { Clock } from "../../contracts/clock.ts";
import type { Entry } from "../../contracts/entry.ts";
import { UpstreamError } from "../../contracts/errors.ts";
import type { ByteRange } from "../../contracts/file_store.ts";
import type { Policy } from "../../region/policy.ts";
import type { Region } from "../../region/region.ts";
import { Circuit } from "./circuit.ts";
import { Doubts } from "./doubts.ts";
import { Endings } from "./endings.ts";
import { type Log, noLog, reasonOf } from "../log.ts";
import type { Note } from "../lookups.ts";
import { sha256Hex } from "../sha256_hex.ts";
import { isRange } from "./passed_range.ts";
import { type Fetch, type Fetched, UpstreamFetcher } from "./upstream_fetch.ts";
import type { UpstreamFile, UpstreamListing } from "./upstream_page.ts";
import { UpstreamPolicy, type UpstreamPolicyOptions } from "./upstream_policy.ts";
import { parseUpstreamPage } from "./upstream_parse.ts";

/** How an upstream is reached. */
export interface UpstreamOptions extends UpstreamPolicyOptions {
  /** Names it in records and paths: lower-case letters, digits and dashes. Default `"main"`. */
  readonly id?: string;
  /** The address of its simple index; may hold credentials, which go to its origin only. */
  readonly url: string;
  /** Hosts that its files may come from besides its own, with port if not the usual one. */
  readonly fileHosts?: readonly string[];
  /** How long to wait for the head of an answer, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** The largest page that is read, in bytes. Default 64 MiB. */
  readonly maxPageBytes?: number;
  /**
   * How many bytes of its files are kept at most; what is least in use goes and is fetched again when it
   * is asked for. Default: any.
   */
  readonly maxHeldBytes?: number;
  /** Projects whose files stay whatever is kept; `acme-*` for all that begin so. Default: none. */
  readonly pinned?: readonly string[];
  /**
   * Whether a part of a large file that is not held is passed on while the whole is fetched, though only
   * the digest of the whole could be checked. Default `true`.
   */
  readonly passesRanges?: boolean;
}

/** What an upstream needs from its surroundings. */
export interface UpstreamParts {
  /** The platform's `fetch`, or a stand-in. */
  readonly fetch: Fetch;
  /** Remembers pages. */
  readonly region: Region;
  /** For time limits and freshness. */
  readonly clock: Clock;
  /** Told of failures. */
  readonly log?: Log;
}

/** What is remembered of an upstream's page: plain data. */
export interface UpstreamAnswer {
  /** The page, or `undefined` where the upstream does not know the project. */
  readonly listing: UpstreamListing | undefined;
  /** Changes with the bytes of the page. */
  readonly identity: string;
  /** When the upstream last confirmed it, in epoch milliseconds. */
  readonly fetchedAt: number;
  /** The upstream's own serial of it. */
  readonly serial?: number;
  /** Its entity tag, for the next question. */
  readonly etag?: string;
  /** Its date of change, for the next question. */
  readonly lastModified?: string;
}

/** What is let through of an upstream's page. */
export interface UpstreamPage extends UpstreamAnswer {
  /** Changes with the bytes of the page, and with what is held back. */
  readonly identity: string;
  /** The files that are held back. */
  readonly heldBack: readonly UpstreamFile[];
}

const ACCEPT = "application/vnd.pypi.simple.v1+json, " +
  "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

const SOFT_TTL_MS = 600_000;
const HARD_TTL_MS = 86_400_000;
const ABSENCE_TTL_MS = 60_000;

const POLICY: Policy<UpstreamAnswer> = Object.freeze({
  softTtlMs: (answer: UpstreamAnswer) => answer.listing ? SOFT_TTL_MS : ABSENCE_TTL_MS,
  hardTtlMs: (answer: UpstreamAnswer) => answer.listing ? HARD_TTL_MS : ABSENCE_TTL_MS,
  staleOnError: true,
  // Whoever holds a stale page has it at once; the refresh is nobody's wait.
  creation: { softTimeoutMs: 0 },
  // Longer than a lease, so that of a leader that died somebody else takes over, not everybody.
  lock: { waitMs: 20_000 },
});

/**
 * Reads one upstream.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { makeRegion, systemClock } from "@cairn/cache";
 * import { Upstream } from "@cairn/cache/wheels";
 *
 * const html = '<title>Links for demo</title><a href="/f/demo-1.0-py3-none-any.whl">demo</a>';
 * const upstream = new Upstream({ url: "https://index.example/simple/" }, {
 *   fetch: async () => new Response(html, { headers: { "content-type": "text/html" } }),
 *   region: makeRegion(),
 *   clock: systemClock,
 * });
 * const { listing } = await upstream.page("demo");
 * assert.equal(listing?.files[0]?.url, "https://index.example/f/demo-1.0-py3-none-any.whl");
 * ```
 */
export class Upstream {
  /** Its name in records and paths. */
  readonly id: string;
  /** Asks it. */
  readonly fetcher: UpstreamFetcher;
  /** What of it is let through. */
  readonly policy: UpstreamPolicy;
  /** How much of its files is kept, and whether parts of them are passed on. */
  readonly keeping: Required<Pick<UpstreamOptions, "maxHeldBytes" | "pinned" | "passesRanges">>;
  readonly #parts: UpstreamParts;
  readonly #log: Log;
  readonly #timeoutMs: number;
  readonly #maxPageBytes: number;
  readonly #circuit = new Circuit();
  readonly #endings = new Endings();
  readonly #doubts = new Doubts();

  /** Throws a `TypeError` or `RangeError` for an address, an id or a rule that is none. */
  constructor(options: UpstreamOptions, parts: UpstreamParts) {
    this.id = options.id ?? "main";
    if (!/^[a-z0-9-]+$/.test(this.id)) {
      throw new TypeError(
        `Cannot use upstream: id "${this.id}" has other than a-z, 0-9 and dashes`,
      );
    }
    this.policy = new UpstreamPolicy(options);
    const { maxHeldBytes = Infinity, pinned = [], passesRanges = true } = options;
    this.keeping = Object.freeze({
      maxHeldBytes,
      pinned: Object.freeze([...pinned]),
      passesRanges,
    });
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#maxPageBytes = options.maxPageBytes ?? 64 * 1_048_576;
    this.#parts = Object.freeze({ ...parts });
    this.#log = parts.log ?? noLog;
    this.fetcher = new UpstreamFetcher({
      url: options.url,
      fetch: parts.fetch,
      clock: parts.clock,
      fileHosts: [...(options.fileHosts ?? [])],
      timeoutMs: this.#timeoutMs,
    });
  }

  /**
   * What is let through of the page of a project by its normalised name, fresh or, while the upstream
   * fails, stale.
   */
  async page(project: string, note: Note = () => {}): Promise<UpstreamPage> {
    const now = this.#parts.clock.now();
    if (this.policy.isReserved(project)) {
      return { listing: undefined, identity: "reserved", fetchedAt: now, heldBack: [] };
    }
    const answer = await this.#answer(project, note);
    if (answer.listing === undefined) return { ...answer, heldBack: [] };
    const sifted = this.policy.sift(project, answer.listing, now);
    const count = sifted.heldBack.length;
    // Files grow old in one order, so their number tells which are held back.
    const identity = count === 0 ? answer.identity : `${answer.identity}-${count}`;
    return { ...answer, ...sifted, identity };
  }

  async #answer(project: string, note: Note): Promise<UpstreamAnswer> {
    const since = this.#endings.now;
    let made: UpstreamAnswer | undefined;
    const answer = await this.#parts.region.getOrCreate<UpstreamAnswer>(
      `upstream:${this.id}:${project}`,
      async ({ stale }) => {
        made = await this.#fetchPage(project, stale as Entry<UpstreamAnswer> | undefined);
        this.#endings.note(project);
        return made;
      },
      POLICY,
    );
    // What this call made may also come too late for it, which then has the stale answer.
    if (made !== undefined && made.fetchedAt === answer.fetchedAt) note("fill");
    else if (this.isStale(answer)) note("stale");
    else if (this.#endings.hasEnded(project, since)) note("wait");
    return answer;
  }

  /** Whether a page is older than it should be, because the upstream fails. */
  isStale(answer: UpstreamAnswer): boolean {
    return this.#parts.clock.now() - answer.fetchedAt > SOFT_TTL_MS;
  }

  /** Begins the transfer of a file, or of the metadata beside it. */
  async open(url: string): Promise<Fetched> {
    const fetched = await this.#guarded(
      url,
      () => this.fetcher.get(url, { "accept-encoding": "identity" }),
    );
    const { response } = fetched;
    const encoding = response.headers.get("content-encoding") ?? "identity";
    const type = response.headers.get("content-type") ?? "";
    const flaw = response.status !== 200
      ? `its status is ${response.status}`
      : encoding !== "identity"
      ? `it is encoded as "${encoding}"`
      : type.startsWith("text/html")
      ? "it is HTML"
      : undefined;
    if (flaw === undefined) return fetched;
    fetched.abort();
    throw new UpstreamError(url, flaw, { status: response.status });
  }

  /** Begins the transfer of a part of a file; `undefined` where the upstream gives none. */
  async openRange(url: string, range: ByteRange, sizeBytes: number): Promise<Fetched | undefined> {
    const { offset, length } = range;
    const headers = {
      "accept-encoding": "identity",
      range: `bytes=${offset}-${offset + length - 1}`,
    };
    const fetched = await this.#guarded(url, () => this.fetcher.get(url, headers));
    if (isRange(fetched, range, sizeBytes)) return fetched;
    fetched.abort();
    return undefined;
  }

  async #fetchPage(
    project: string,
    stale: Entry<UpstreamAnswer> | undefined,
  ): Promise<UpstreamAnswer> {
    const url = `${this.fetcher.url}${project}/`;
    try {
      return await this.#guarded(url, async () => {
        const held = stale?.payload.listing === undefined ? undefined : stale.payload;
        const fetched = await this.fetcher.get(url, { accept: ACCEPT, ...conditionsOf(held) });
        return await this.#judge(project, fetched, held);
      });
    } catch (error) {
      this.#log("warn", `Cannot refresh "${project}": ${reasonOf(error)}`, { upstream: this.id });
      throw error;
    }
  }

  /** Runs a question under the circuit breaker. */
  async #guarded<T>(url: string, ask: () => Promise<T>): Promise<T> {
    const { clock } = this.#parts;
    const waitMs = this.#circuit.waitMs(clock.now());
    if (waitMs > 0) {
      throw new UpstreamError(url, "it failed too often a moment ago", { retryAfterMs: waitMs });
    }
    try {
      const answer = await ask();
      this.#circuit.succeeded();
      return answer;
    } catch (error) {
      if (!(error instanceof UpstreamError) || isOutage(error)) {
        this.#circuit.failed(clock.now(), (error as UpstreamError).retryAfterMs);
      } else {
        this.#circuit.succeeded();
      }
      throw error;
    }
  }

  async #judge(
    project: string,
    fetched: Fetched,
    held: UpstreamAnswer | undefined,
  ): Promise<UpstreamAnswer> {
    const { response, url } = fetched;
    const { status } = response;
    const fetchedAt = this.#parts.clock.now();
    if (status === 200) {
      const next = await this.#read(project, fetched);
      const doubt = this.#doubts.of(project, { held, next }, fetchedAt);
      if (doubt !== undefined) throw new UpstreamError(url, doubt, { status });
      return next;
    }
    await response.body?.cancel();
    if (status === 304 && held !== undefined) return { ...held, fetchedAt };
    if (status === 404 || status === 410) {
      return { listing: undefined, identity: "absent", fetchedAt };
    }
    const retryAfterMs = this.#retryAfterOf(response);
    throw new UpstreamError(url, `its status is ${status}`, {
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  async #read(project: string, fetched: Fetched): Promise<UpstreamAnswer> {
    const { response, url } = fetched;
    const bytes = await this.#bytesOf(fetched);
    const listing = this.#withAllowedFiles(
      project,
      parseUpstreamPage({ project, baseUrl: url }, response, bytes),
    );
    const etag = response.headers.get("etag");
    const lastModified = response.headers.get("last-modified");
    const serial = response.headers.get("x-pypi-last-serial");
    return {
      listing,
      identity: (await sha256Hex(bytes)).slice(0, 32),
      fetchedAt: this.#parts.clock.now(),
      ...(serial !== null && /^[0-9]{1,15}$/.test(serial) ? { serial: Number(serial) } : {}),
      ...(etag === null ? {} : { etag }),
      ...(lastModified === null ? {} : { lastModified }),
    };
  }

  /** Reads a page, within bounds of size and time. */
  async #bytesOf(fetched: Fetched): Promise<Uint8Array<ArrayBuffer>> {
    const { response, url, abort } = fetched;
    const done = new AbortController();
    const timeout = this.#parts.clock.sleep(this.#timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) abort();
    });
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let sizeBytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > this.#maxPageBytes) {
          const { status } = response;
          throw new UpstreamError(url, `it has more than ${this.#maxPageBytes} bytes`, { status });
        }
        parts.push(new Uint8Array(chunk));
      }
    } catch (cause) {
      abort();
      if (cause instanceof UpstreamError) throw cause;
      throw new UpstreamError(url, "the transfer broke off", { cause });
    } finally {
      done.abort();
      await timeout;
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }

  #withAllowedFiles(project: string, listing: UpstreamListing): UpstreamListing {
    const isAllowed = (file: UpstreamFile): boolean => this.fetcher.isAllowed(file.url);
    const files = listing.files.filter(isAllowed);
    const refused = listing.files.find((file) => !isAllowed(file));
    if (refused === undefined) return listing;
    const { host } = new URL(refused.url);
    if (files.length === 0) {
      throw new UpstreamError(refused.url, `files on "${host}" are not allowed`, { status: 200 });
    }
    this.#log("warn", `Left out files of "${project}": "${host}" is not an allowed host`, {
      upstream: this.id,
      files: listing.files.length - files.length,
    });
    return { ...listing, files };
  }

  #retryAfterOf(response: Response): number | undefined {
    const header = response.headers.get("retry-after");
    if (header === null || (response.status !== 429 && response.status !== 503)) return undefined;
    const waitMs = /^\d+$/.test(header)
      ? Number(header) * 1_000
      : Date.parse(header) - this.#parts.clock.now();
    return waitMs > 0 ? waitMs : undefined;
  }
}

// One project's bad page says nothing about the other projects.
function isOutage({ status }: UpstreamError): boolean {
  return status === undefined || status === 429 || status >= 500;
}

function conditionsOf(held: UpstreamAnswer | undefined): Record<string, string> {
  if (held?.etag !== undefined) return { "if-none-match": held.etag };
  if (held?.lastModified !== undefined) return { "if-modified-since": held.lastModified };
  return {};
}
