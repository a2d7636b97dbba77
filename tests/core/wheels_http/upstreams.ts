/** Upstreams for tests: another wheel cache, or answers made up one by one. */

import type { FileStore } from "../../../src/contracts/file_store.ts";
import type { UpstreamOptions } from "../../../src/wheels/upstream/upstream.ts";
import type { Fetch } from "../../../src/wheels/upstream/upstream_fetch.ts";
import { House, type HouseOptions, type PublishedWheel } from "./house.ts";

/** What came to an upstream. */
export interface Asked {
  readonly url: string;
  readonly headers: Headers;
}

/** Answers a request in place of the real upstream; `undefined` leaves it to the real one. */
export type Twist = (request: Request) => Response | Promise<Response> | undefined;

/** A second wheel cache, served as an upstream, that a test may make misbehave. */
export class TwistedUpstream {
  readonly house = new House();
  /** Every request, in order. */
  readonly asked: Asked[] = [];
  /** Set it to misbehave. */
  twist: Twist = () => undefined;

  /** The `fetch` of whoever reads it through. */
  readonly fetch: Fetch = async (url, init) => {
    const request = new Request(url, init);
    this.asked.push({ url, headers: request.headers });
    return await (this.twist(request) ?? this.house.app.fetch(request));
  };

  /** How many requests there were for addresses with this in them. */
  count(part: string): number {
    return this.asked.filter(({ url }) => url.includes(part)).length;
  }

  /** Passes the real answer on, changed. */
  async changed(
    request: Request,
    change: (response: Response) => Response | Promise<Response>,
  ): Promise<Response> {
    return await change(await this.house.app.fetch(request));
  }
}

/** The same answer with other bytes, its headers kept. */
export function withBody(response: Response, body: BodyInit | null): Response {
  return new Response(body, { status: response.status, headers: response.headers });
}

/** A body that is cut after so many bytes: ended as if whole, or broken off with an error. */
export function cutBody(
  bytes: Uint8Array<ArrayBuffer>,
  options: { at: number; chunkBytes?: number; isBroken?: boolean },
): ReadableStream<Uint8Array> {
  const { at, chunkBytes = 65_536, isBroken = false } = options;
  let position = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (position < at) {
        const end = Math.min(at, position + chunkBytes);
        controller.enqueue(bytes.slice(position, end));
        position = end;
      } else if (isBroken) {
        controller.error(new TypeError("the connection was reset"));
      } else {
        controller.close();
      }
    },
  }, { highWaterMark: 0 });
}

/** A house that reads another one through, which has one wheel. */
export interface ReadThrough {
  readonly upstream: TwistedUpstream;
  readonly house: House;
  readonly wheel: PublishedWheel;
  /** Where the wheel lies in our store once it is filled. */
  readonly held: string;
}

/** Sets up a house over an upstream with version 1.0 of `demo`. */
export async function readThrough(
  options: { paddingBytes?: number; house?: HouseOptions; rules?: Partial<UpstreamOptions> } = {},
): Promise<ReadThrough> {
  const upstream = new TwistedUpstream();
  const { paddingBytes = 300_000, rules = {} } = options;
  const wheel = await upstream.house.publish({ name: "demo", version: "1.0", paddingBytes });
  const house = new House({ ...options.house, upstream: { ...rules, fetch: upstream.fetch } });
  return { upstream, house, wheel, held: `upstream.main/demo/${wheel.filename}` };
}

/** Lets what was started in the background come to its end. */
export async function settled(house: House): Promise<void> {
  await Promise.allSettled(house.background);
  await house.clock.advance(0);
}

/** The paths of everything in a house's store. */
export async function storedPaths(house: House): Promise<string[]> {
  return (await house.files.list({ limit: 100 })).files.map(({ path }) => path);
}

/** Reads a body to its end or to its failure. */
export async function readOut(
  response: Response,
): Promise<{ sizeBytes: number; isWhole: boolean }> {
  let sizeBytes = 0;
  try {
    for await (const chunk of response.body!) sizeBytes += chunk.byteLength;
    return { sizeBytes, isWhole: true };
  } catch {
    return { sizeBytes, isWhole: false };
  }
}

/** An answer of JSON under the index's media type. */
export function jsonAnswer(page: unknown): Response {
  return new Response(JSON.stringify(page), {
    headers: { "content-type": "application/vnd.pypi.simple.v1+json" },
  });
}

/** A store's methods as own properties, to replace some. */
export function bound(store: FileStore): FileStore {
  return {
    name: store.name,
    head: (path) => store.head(path),
    read: (path, range) => store.read(path, range),
    put: (path, body, expected) => store.put(path, body, expected),
    stage: (body, maxBytes) => store.stage(body, maxBytes),
    delete: (path) => store.delete(path),
    list: (options) => store.list(options),
  };
}
