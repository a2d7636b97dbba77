/** Upstreams for tests: another wheel cache, or answers made up one by one. */

import type { Fetch } from "../../../src/wheels/upstream_fetch.ts";
import { House } from "./house.ts";

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
