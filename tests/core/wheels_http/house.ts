/** A wheel cache in memory, for tests: everything real but the stores, which are the memory ones. */

import { memoryFiles } from "../../../backends/memory_files.ts";
import { memoryIndex } from "../../../backends/index_memory.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import type { IndexCache } from "../../../src/contracts/index_cache.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { type App, type AppOptions, createApp } from "../../../src/wheels/http/app.ts";
import type { Log } from "../../../src/wheels/log.ts";
import { Rules, type RulesOptions } from "../../../src/wheels/rules/rules.ts";
import { Upstream, type UpstreamOptions } from "../../../src/wheels/upstream/upstream.ts";
import type { Fetch } from "../../../src/wheels/upstream/upstream_fetch.ts";
import { Wheelhouse } from "../../../src/wheels/wheelhouse.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { type MadeWheel, makeWheel, sha256Of, type WheelSpec } from "../../testing/make_wheel.ts";

/** What a test changes of its house. */
export interface HouseOptions {
  readonly clock?: ManualClock;
  readonly app?: Partial<Omit<AppOptions, "wheelhouse" | "clock" | "log">>;
  readonly files?: (clock: ManualClock) => FileStore;
  readonly index?: IndexCache;
  readonly upstream?: { readonly fetch: Fetch } & Partial<UpstreamOptions>;
  readonly rules?: RulesOptions;
  readonly publicUrl?: string;
}

/** A wheel that was uploaded, and where it is served. */
export interface PublishedWheel extends MadeWheel {
  readonly sha256: string;
  readonly path: string;
}

/** One line that was logged. */
export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly facts: unknown;
}

/** A running house. */
export class House {
  readonly clock: ManualClock;
  readonly logged: Logged[] = [];
  readonly index: IndexCache;
  readonly files: FileStore;
  readonly wheelhouse: Wheelhouse;
  readonly app: App;
  /** What was left to be done without a client. */
  readonly background: Promise<unknown>[] = [];

  constructor(options: HouseOptions = {}) {
    const { clock = new ManualClock() } = options;
    this.clock = clock;
    const log: Log = (level, message, facts) => this.logged.push({ level, message, facts });
    this.index = options.index ?? memoryIndex();
    this.files = options.files?.(clock) ?? memoryFiles({ clock });
    const background = (work: Promise<unknown>): void => void this.background.push(work);
    const region = makeRegion({ clock, random: () => 0.5, background });
    const upstream = options.upstream && new Upstream(
      { url: "https://upstream.test/simple/", ...options.upstream },
      { fetch: options.upstream.fetch, region, clock, log },
    );
    this.wheelhouse = new Wheelhouse({
      index: this.index,
      files: this.files,
      pages: region,
      clock,
      log,
      background,
      ...(upstream === undefined ? {} : { upstream }),
      ...(options.rules === undefined ? {} : { rules: new Rules(options.rules) }),
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
    });
    this.app = createApp({
      access: { open: ["list", "download", "update"] },
      ...options.app,
      wheelhouse: this.wheelhouse,
      clock,
      log,
    });
  }

  /** Answers a request for a path. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`https://cairn.test${path}`, init);
    // A browser keeps some headers to itself; a server sees them all.
    const headers = new Headers(request.headers);
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    Object.defineProperty(request, "headers", { value: headers });
    return this.app.fetch(request);
  }

  /** Reads a project's JSON page. */
  async page(project: string): Promise<JsonPage> {
    const response = await this.fetch(`/simple/${project}/`, { headers: { accept: JSON_TYPE } });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return await response.json();
  }

  /** Uploads a wheel as clients do; answers the response. */
  async upload(wheel: MadeWheel, fields: Record<string, string> = {}): Promise<Response> {
    return await this.fetch("/legacy/", await postOf(await uploadForm(wheel, fields)));
  }

  /** Makes and uploads a wheel. */
  async publish(spec: WheelSpec): Promise<PublishedWheel> {
    const wheel = makeWheel(spec);
    const response = await this.upload(wheel);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    const sha256 = await sha256Of(wheel.bytes);
    return { ...wheel, sha256, path: packagePath(sha256, wheel.filename) };
  }
}

/** The media type of JSON pages. */
export const JSON_TYPE = "application/vnd.pypi.simple.v1+json";

/** A JSON page as far as tests look into it. */
export interface JsonPage {
  readonly meta: Record<string, unknown>;
  readonly name: string;
  readonly versions: string[];
  readonly files: JsonFile[];
  readonly "project-status": { status: string };
}

/** A file of a JSON page. */
export interface JsonFile {
  readonly filename: string;
  readonly url: string;
  readonly hashes: { readonly sha256?: string };
  readonly size?: number;
  readonly "upload-time"?: string;
  readonly "requires-python"?: string;
  readonly "core-metadata": false | { readonly sha256: string };
  readonly yanked: boolean | string;
}

/** Where a file of this digest and name is served. */
export function packagePath(sha256: string, filename: string): string {
  const name = encodeURIComponent(filename);
  return `/packages/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256.slice(4)}/${name}`;
}

/** The form that upload clients send. An empty value leaves a field out. */
export async function uploadForm(
  wheel: MadeWheel,
  fields: Record<string, string> = {},
): Promise<FormData> {
  const [name = "", version = ""] = wheel.filename.split("-");
  const form = new FormData();
  const all = {
    ":action": "file_upload",
    protocol_version: "1",
    metadata_version: "2.1",
    name,
    version,
    filetype: "bdist_wheel",
    pyversion: "py3",
    sha256_digest: await sha256Of(wheel.bytes),
    ...fields,
  };
  for (const [field, value] of Object.entries(all)) if (value !== "") form.append(field, value);
  form.append("content", new Blob([wheel.bytes]), wheel.filename);
  return form;
}

/** A form as a request: its bytes made beforehand, for Node trips over a form half read. */
export async function postOf(
  form: FormData,
  headers: Record<string, string> = {},
): Promise<RequestInit> {
  const message = new Response(form);
  const type = message.headers.get("content-type")!;
  return {
    method: "POST",
    body: await message.arrayBuffer(),
    headers: { ...headers, "content-type": type },
  };
}

/** A response's body. */
export async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await response.arrayBuffer());
}
