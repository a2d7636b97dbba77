/**
 * The wheel cache as a Cloudflare Worker: files in R2, the index in D1, pages in KV.
 *
 * What is built from the bindings lives as long as the isolate, so that requests share near shelves
 * and creations. Work that outlives its request is handed to the `waitUntil` of the request that
 * began it.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { d1Index } from "../../backends/index_sql.ts";
import { r2 } from "../../backends/r2.ts";
import { type KVNamespace, workersKVBackend } from "../../backends/workers_kv.ts";
import { json } from "../compose/json_codec.ts";
import { serialized } from "../compose/serialized.ts";
import { NEVER, systemClock } from "../contracts/clock.ts";
import type { Codec } from "../contracts/codec.ts";
import { makeRegion, type Region, type RegionOptions } from "../region/region.ts";
import { parseHtpasswd } from "../wheels/users/htpasswd.ts";
import { parseRights } from "../wheels/users/rights_text.ts";
import { parseTokens } from "../wheels/users/tokens_text.ts";
import type { AccessOptions } from "../wheels/http/access.ts";
import { type App, createApp } from "../wheels/http/app.ts";
import { problemResponse } from "../wheels/http/errors.ts";
import { type Log, reasonOf } from "../wheels/log.ts";
import { cooldownMsOf } from "./cooldown_days.ts";
import { openActionsOf } from "./open_actions.ts";
import { parseRules } from "../wheels/rules/rules_text.ts";
import { pageCodec } from "../wheels/pages/page_codec.ts";
import { Upstream, type UpstreamAnswer } from "../wheels/upstream/upstream.ts";
import { Wheelhouse } from "../wheels/wheelhouse.ts";
import { pageShelf, upstreamShelf } from "./page_shelf.ts";
import { type ReloadEnv, reloadSlice } from "./reload_slice.ts";
import { fixedLengthBody, workersDigests } from "./workers_platform.ts";

/** The bindings and variables of the Worker; see `wrangler.jsonc`. */
export interface Env extends ReloadEnv {
  /** Rendered pages and what the upstream said. It must not outlive the index tables. */
  readonly PAGES: KVNamespace;
  /** The text of an htpasswd file, as a secret. Without it nobody uploads. */
  readonly USERS?: string;
  /** Tokens as JSON, as a secret: what each is good for. */
  readonly TOKENS?: string;
  /** What needs no user: of `list`, `download`, `update`, by commas; or `none`. Default `list,download`. */
  readonly OPEN?: string;
  /** Rights by project as JSON, instead of `OPEN`. With them come PyPICloud's routes. Needs `USERS`. */
  readonly ACCESS?: string;
  /** Rules for projects and files as JSON: what nobody gets, closed projects, limits. */
  readonly RULES?: string;
  /** The https address under which clients reach it, for addresses that must be whole. */
  readonly PUBLIC_URL?: string;
  /** The simple index that visitors are sent to for projects that nobody here knows. */
  readonly FALLBACK?: string;
  /** The simple index that projects we do not have are read through from. */
  readonly UPSTREAM?: string;
  /** Hosts that its files may come from besides its own, separated by commas. */
  readonly UPSTREAM_FILES?: string;
  /** Names that neither is asked for, separated by commas; `acme-*` for all that begin so. */
  readonly RESERVED?: string;
  /** How old its files must be, in days. Default 0. */
  readonly COOLDOWN_DAYS?: string;
  /** Projects whose files may be of any age, separated by commas. */
  readonly COOLDOWN_EXEMPT?: string;
}

/** The part of a request's context that is used. */
export interface Context {
  /** Keeps the isolate going until the work is done. */
  waitUntil(work: Promise<unknown>): void;
}

const context = new AsyncLocalStorage<Context>();
const apps = new WeakMap<Env, Pick<App, "fetch">>();

export default {
  /** Answers a request. */
  fetch(request: Request, env: Env, requestContext: Context): Promise<Response> {
    let app = apps.get(env);
    if (app === undefined) apps.set(env, app = appOrRefusal(env));
    return context.run(requestContext, app.fetch, request);
  },
  /** Does a slice of a reload when the cron trigger fires, if one is due. */
  async scheduled(_event: unknown, env: Env): Promise<void> {
    await reloadSlice(env, log);
  },
};

/** How much of the isolate's 128 MB either near shelf takes at most. */
const MOST_NEAR_BYTES = 16_777_216;

/** Settings that make no sense are told to the log; clients learn that it is not their fault. */
function appOrRefusal(env: Env): Pick<App, "fetch"> {
  try {
    return appOf(env);
  } catch (error) {
    log("error", `Cannot serve: ${reasonOf(error)}`);
    const refusal = {
      status: 500,
      message: "The settings of this server are wrong.",
      code: "settings",
    };
    return { fetch: (request) => Promise.resolve(problemResponse(request, refusal)) };
  }
}

function appOf(env: Env): App {
  const wheelhouse = new Wheelhouse({
    files: r2(env.FILES),
    index: d1Index(env.INDEX),
    pages: regionOf(env, { name: "pages", near: pageShelf(MOST_NEAR_BYTES) }, pageCodec),
    digests: workersDigests,
    log,
    background,
    ...env.RULES ? { rules: parseRules(env.RULES) } : {},
    ...env.PUBLIC_URL ? { publicUrl: env.PUBLIC_URL } : {},
    ...upstreamOf(env),
  });
  return createApp({ wheelhouse, access: accessOf(env), log, bodyOfLength: fixedLengthBody });
}

function regionOf<T>(env: Env, options: RegionOptions, codec: Codec<T>): Region {
  return makeRegion({
    ...options,
    background,
    backend: serialized(codec, workersKVBackend(env.PAGES)),
    // Keys name what their values were made from, so nobody ever invalidates them.
    marksMaxAgeMs: NEVER,
  });
}

function upstreamOf(env: Env): { upstream?: Upstream } {
  if (!env.UPSTREAM) return {};
  const region = regionOf(
    env,
    { name: "upstream", near: upstreamShelf(MOST_NEAR_BYTES) },
    json as Codec<UpstreamAnswer>,
  );
  const options = {
    url: env.UPSTREAM,
    fileHosts: listOf(env.UPSTREAM_FILES),
    reserved: listOf(env.RESERVED),
    cooldownMs: cooldownMsOf(env.COOLDOWN_DAYS || "0"),
    exempt: listOf(env.COOLDOWN_EXEMPT),
  };
  const fetch = (url: string, init: RequestInit) => globalThis.fetch(url, init);
  return { upstream: new Upstream(options, { fetch, region, clock: systemClock, log }) };
}

function accessOf(
  { USERS, TOKENS, OPEN, ACCESS, FALLBACK, UPSTREAM, RESERVED }: Env,
): AccessOptions {
  if (FALLBACK && UPSTREAM) {
    throw new TypeError("Cannot use FALLBACK: with UPSTREAM nobody is sent elsewhere");
  }
  return {
    ...FALLBACK ? { fallback: { url: FALLBACK, reserved: listOf(RESERVED) } } : {},
    ...ACCESS ? { rights: parseRights(ACCESS) } : {},
    ...OPEN === undefined ? {} : { open: openActionsOf(OPEN) },
    ...TOKENS ? { tokens: parseTokens(TOKENS) } : {},
    ...USERS ? { users: parseHtpasswd(USERS) } : {},
    // The platform's own word: it replaces what a client puts there.
    addressOf: (request) => request.headers.get("cf-connecting-ip") ?? undefined,
  };
}

function listOf(text = ""): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

const log: Log = (level, message, facts = {}) => {
  console.log(JSON.stringify({ level, message, ...facts }));
};

function background(work: Promise<unknown>): void {
  context.getStore()?.waitUntil(work.catch(() => {}));
}
