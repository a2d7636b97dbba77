/**
 * Asking an upstream: redirects by hand, credentials for its own origin only, no host that is not
 * allowed, and an end to every wait.
 *
 * Redirects are followed by hand because some platforms' `fetch` passes all headers on, credentials
 * included, to wherever a redirect points.
 */

import type { Clock } from "../../contracts/clock.ts";
import { UpstreamError } from "../../contracts/errors.ts";
import { within } from "./time_limit.ts";

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How an upstream is asked. */
export interface FetcherOptions {
  /** The address of the simple index; may hold credentials, which go to its origin only. */
  readonly url: string;
  /** The platform's `fetch`, or a stand-in. */
  readonly fetch: Fetch;
  /** For time limits. */
  readonly clock: Clock;
  /** The hosts, with port if not the usual one, that files may come from besides the index's. */
  readonly fileHosts: readonly string[];
  /** How long to wait for the head of an answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** An answer, the address it came from, and what ends the transfer. */
export interface Fetched {
  /** The answer; no redirect. */
  readonly response: Response;
  /** The address after redirects. */
  readonly url: string;
  /** Breaks the transfer off. */
  readonly abort: () => void;
}

const MOST_REDIRECTS = 5;

/** Asks one upstream. */
export class UpstreamFetcher {
  /** The address of the index, ending in a slash, without credentials. */
  readonly url: string;
  readonly #options: FetcherOptions;
  readonly #authorization: string | undefined;
  readonly #hosts: ReadonlySet<string>;

  /** Takes the credentials out of the address. Throws a `TypeError` for an address that is none. */
  constructor(options: FetcherOptions) {
    // The address may hold credentials, so the message does not repeat it.
    const url = URL.parse(options.url);
    if (url === null) throw new TypeError("Cannot use upstream: its address is no URL");
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw new TypeError(`Cannot use upstream: "${url.protocol}" is neither https: nor http:`);
    }
    this.#authorization = basicOf(url);
    [url.username, url.password, url.search, url.hash] = ["", "", "", ""];
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    this.url = url.href;
    this.#hosts = new Set([url.host, ...options.fileHosts.map(hostOf)]);
    this.#options = Object.freeze({ ...options });
  }

  /** Whether an address may be asked at all: no host but those named, and none less safely. */
  isAllowed(url: string): boolean {
    const { protocol, host } = new URL(url);
    const isSafe = protocol === "https:" || protocol === "http:" && this.url.startsWith("http:");
    return isSafe && this.#hosts.has(host);
  }

  /** Asks for an address, following redirects. Every failure is an `UpstreamError`. */
  async get(url: string, headers: Readonly<Record<string, string>>): Promise<Fetched> {
    const controller = new AbortController();
    let address = url;
    let status: number | undefined;
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      if (!this.isAllowed(address)) {
        throw refused(address, "its host is not among the allowed ones", status);
      }
      const response = await this.#ask(address, headers, controller);
      const location = isRedirect(response.status) ? response.headers.get("location") : null;
      if (location === null) {
        return { response, url: address, abort: () => controller.abort() };
      }
      await response.body?.cancel();
      status = response.status;
      if (!URL.canParse(location, address)) {
        throw refused(address, "it redirects to an address that is none", response.status);
      }
      address = new URL(location, address).href;
    }
    throw refused(url, `more than ${MOST_REDIRECTS} redirects`, status);
  }

  async #ask(
    url: string,
    headers: Readonly<Record<string, string>>,
    controller: AbortController,
  ): Promise<Response> {
    const { fetch, clock, timeoutMs } = this.#options;
    const init: RequestInit = {
      headers: this.#headersFor(url, headers),
      redirect: "manual",
      signal: controller.signal,
    };
    const asked = fetch(url, init).catch((cause: unknown) => {
      throw new UpstreamError(url, "it cannot be reached", { cause });
    });
    return await within(asked, {
      clock,
      limitMs: timeoutMs,
      late: () => {
        controller.abort();
        throw new UpstreamError(url, `no answer after ${timeoutMs} ms`);
      },
    });
  }

  #headersFor(url: string, headers: Readonly<Record<string, string>>): Record<string, string> {
    const isHome = new URL(url).origin === new URL(this.url).origin;
    if (this.#authorization === undefined || !isHome) return { ...headers };
    return { ...headers, authorization: this.#authorization };
  }
}

function refused(url: string, reason: string, status: number | undefined): UpstreamError {
  return new UpstreamError(url, reason, status === undefined ? {} : { status });
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function hostOf(text: string): string {
  const address = `https://${text}`;
  const host = URL.canParse(address) ? new URL(address).host : "";
  if (host !== "" && host === text.toLowerCase()) return host;
  throw new TypeError(`Cannot take files from "${text}": it is no host like files.example:8443`);
}

function basicOf(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`;
}
