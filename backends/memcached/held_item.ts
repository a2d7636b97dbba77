/**
 * An item of memcached that a lease is written in, changed only while the lease is the holder's.
 *
 * The cas says so, with one exception: a server that starts anew counts from 1 again, so that another
 * item may come by the same cas. Once a connection to the server has been lost, the item is read again
 * and searched for the holder's own mark before a cas is trusted; that costs one more trip.
 */

import { randomBytes } from "../../src/contracts/random.ts";
import { flagOf, type MetaCommand, type MetaReply } from "./protocol.ts";
import { cairnItems } from "./record.ts";
import type { MemcachedServer } from "./server.ts";

/** What is held, and since when. */
export interface Hold {
  /** The server of the item. */
  readonly server: MemcachedServer;
  /** The key of the item. */
  readonly key: string;
  /** The holder's mark. */
  readonly token: string;
  /** The era of the server before the item was written. */
  readonly era: number;
}

/** An item with the holder's lease in it. */
export class HeldItem {
  readonly #hold: Hold;
  #era: number;
  #cas: string;

  /** Holds the item that a reply says was written. */
  constructor(hold: Hold, written: MetaReply) {
    this.#hold = hold;
    this.#era = hold.era;
    this.#cas = casOf(written);
  }

  /** The cas that the server gave when the lease was last written. */
  get fence(): number {
    return Number(this.#cas);
  }

  /** Takes over the cas of a reply that says that the lease was written again. */
  rewritten(reply: MetaReply): void {
    this.#cas = casOf(reply);
  }

  /** Sends a command under the cas; `undefined`, and nothing is done, where the lease is lost. */
  async change(
    operation: string,
    commandOf: (cas: string) => MetaCommand,
  ): Promise<MetaReply | undefined> {
    const { server } = this.#hold;
    const replies = await server.runIn(this.#era, operation, [commandOf(this.#cas)]);
    if (replies) return replies[0];
    if (!await this.#findAgain(operation)) return undefined;
    const [reply] = await server.run(operation, [commandOf(this.#cas)]);
    return reply;
  }

  async #findAgain(operation: string): Promise<boolean> {
    const { server, key, token } = this.#hold;
    const { era } = server;
    const [found] = await server.run(operation, [{ verb: "mg", key, flags: ["v", "c"] }]);
    const lease = found?.value && cairnItems.parse(found.value, 0).lease;
    if (!found || !lease || lease.token !== token) return false;
    this.#era = era;
    this.#cas = casOf(found);
    return true;
  }
}

/** Whether a command was carried out. */
export function isDone(reply: MetaReply | undefined): reply is MetaReply {
  return reply?.code === "HD";
}

/** The cas in a reply. */
export function casOf(reply: MetaReply): string {
  return flagOf(reply, "c") ?? "";
}

/** A mark that no other holder has. */
export function newToken(): string {
  return Array.from(randomBytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
