/** The wheel cache on this machine: a folder of files, an SQLite index in it, and memory. */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { folder } from "../../backends/folder.ts";
import { sqliteIndex } from "../../backends/index_sql.ts";
import { systemClock } from "../contracts/clock.ts";
import { makeRegion } from "../region/region.ts";
import type { AccessOptions } from "../wheels/http/access.ts";
import { createApp } from "../wheels/http/app.ts";
import { type Log, reasonOf } from "../wheels/log.ts";
import type { Rules } from "../wheels/rules/rules.ts";
import { parseRules } from "../wheels/rules/rules_text.ts";
import type { ScanReport } from "../wheels/scan.ts";
import { Upstream } from "../wheels/upstream/upstream.ts";
import type { Rights } from "../wheels/users/rights.ts";
import { parseRights } from "../wheels/users/rights_text.ts";
import type { Tokens } from "../wheels/users/tokens.ts";
import { parseTokens } from "../wheels/users/tokens_text.ts";
import { Wheelhouse } from "../wheels/wheelhouse.ts";
import { FirstScan } from "./first_scan.ts";
import { openFolderIndex } from "./folder_index.ts";
import { listen } from "./listen.ts";
import { ClientAddresses } from "./client_addresses.ts";
import { nodeDigests } from "./node_digests.ts";
import { pageShelf, upstreamShelf } from "./page_shelf.ts";
import type { ServeOptions } from "./serve_options.ts";
import { UsersFile } from "./users_file.ts";
import { WatchedFile } from "./watched_file.ts";

/** A wheel cache at work. */
export interface Served {
  /** Its address. */
  readonly url: string;
  /** What its folder holds, as the scan at the start found it. */
  readonly scan: ScanReport;
  /** Lets running responses and fills end, then closes everything. */
  stop(): Promise<void>;
}

/** How much memory rendered pages, and the upstream's pages, take at most. */
const MOST_PAGE_BYTES = 134_217_728;
const MOST_UPSTREAM_BYTES = 134_217_728;

/** Serves a folder. Rejects where the folder, the users file or the port cannot be had. */
export async function serve(options: ServeOptions, log: Log): Promise<Served> {
  const root = resolve(options.directory);
  const access = await accessOf(options, log);
  const rules = await rulesOf(options);
  const database = await databaseIn(root);
  const work = new RunningWork();
  const firstScan = new FirstScan(log);
  const wheelhouse = new Wheelhouse({
    files: folder(root),
    index: sqliteIndex(database),
    pages: makeRegion({ name: "pages", near: pageShelf(MOST_PAGE_BYTES) }),
    digests: nodeDigests,
    log: firstScan.log,
    ...rules,
    background: (promise) => work.add(promise),
    ...upstreamOf(options, log),
  });
  const scan = await firstScan.run(wheelhouse);
  const { isProxied } = options;
  const clients = new ClientAddresses(options);
  const addressOf = (request: Request): string | undefined => clients.of(request);
  const app = createApp({ wheelhouse, access: { ...access, addressOf }, isProxied, log });
  const server = await listen((request, peer) => {
    clients.note(request, peer);
    return app.fetch(request);
  }, { hostname: options.host, port: options.port });
  return {
    url: server.url,
    scan,
    async stop() {
      await server.stop();
      await work.ended();
      database.close();
    },
  };
}

async function databaseIn(root: string): Promise<DatabaseSync> {
  try {
    return await openFolderIndex(root);
  } catch (cause) {
    throw new Error(`Cannot serve "${root}": ${reasonOf(cause)}`, { cause });
  }
}

async function accessOf({ access }: ServeOptions, log: Log): Promise<AccessOptions> {
  const { usersFile, tokensFile, rightsFile, open, fallback } = access;
  return {
    ...open && { open },
    ...fallback && { fallback },
    ...usersFile !== undefined && { users: await UsersFile.open(usersFile, log) },
    ...tokensFile !== undefined && { tokens: await tokensIn(tokensFile, log) },
    ...rightsFile !== undefined && { rights: await rightsIn(rightsFile) },
  };
}

async function tokensIn(path: string, log: Log): Promise<Pick<Tokens, "bearerOf">> {
  const file = await WatchedFile.open(path, { what: "tokens", parse: parseTokens, log });
  return { bearerOf: async (token) => await (await file.now()).bearerOf(token) };
}

async function rightsIn(path: string): Promise<Rights> {
  try {
    return parseRights(await readFile(path, "utf8"));
  } catch (cause) {
    throw new Error(`Cannot open access file "${path}": ${reasonOf(cause)}`, { cause });
  }
}

async function rulesOf(
  { house: { rulesFile, publicUrl } }: ServeOptions,
): Promise<{ rules?: Rules; publicUrl?: string }> {
  const address = publicUrl === undefined ? {} : { publicUrl };
  if (rulesFile === undefined) return address;
  try {
    return { ...address, rules: parseRules(await readFile(rulesFile, "utf8")) };
  } catch (cause) {
    throw new Error(`Cannot open rules file "${rulesFile}": ${reasonOf(cause)}`, { cause });
  }
}

function upstreamOf(options: ServeOptions, log: Log): { upstream?: Upstream } {
  if (options.upstream === undefined) return {};
  const region = makeRegion({ name: "upstream", near: upstreamShelf(MOST_UPSTREAM_BYTES) });
  const upstream = new Upstream(options.upstream, {
    fetch: globalThis.fetch,
    region,
    clock: systemClock,
    log,
  });
  return { upstream };
}

/** Work that no client waits for. */
class RunningWork {
  readonly #running = new Set<Promise<unknown>>();

  add(work: Promise<unknown>): void {
    this.#running.add(work);
    work.catch(() => {}).finally(() => this.#running.delete(work));
  }

  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
