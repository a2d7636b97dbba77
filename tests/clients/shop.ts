/** A house on a port of this machine, and what it was asked. */

import { listen, type Listening } from "../../src/apps/listen.ts";
import type { House } from "../core/wheels_http/house.ts";

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly range: string | null;
}

/** A house that real clients reach. */
export class Shop implements AsyncDisposable {
  readonly house: House;
  /** Every request, in order. */
  readonly seen: Seen[] = [];
  #server: Listening | undefined;

  /** Takes the house; it is closed yet. */
  constructor(house: House) {
    this.house = house;
  }

  /** Opens a house on a free loopback port. */
  static async open(house: House): Promise<Shop> {
    const shop = new Shop(house);
    shop.#server = await listen((request) => {
      const { pathname } = new URL(request.url);
      const range = request.headers.get("range");
      shop.seen.push({ method: request.method, path: decodeURIComponent(pathname), range });
      return house.app.fetch(request);
    }, { hostname: "127.0.0.1", port: 0 });
    return shop;
  }

  /** Its address, without a slash at the end. */
  get url(): string {
    return this.#server!.url;
  }

  /** The address of its simple index. */
  get index(): string {
    return `${this.url}/simple/`;
  }

  /** What was asked for files whose path ends so. */
  asked(end: string): Seen[] {
    return this.seen.filter(({ path }) => path.startsWith("/packages/") && path.endsWith(end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop();
  }
}
