/**
 * An item of memcached that a lease is written in, changed only while the lease is the holder's.
 *
 * The cas says so, with one exception: a server that starts anew counts from 1 again, so that another
 * item may come by the same cas. Once a connection to the server has been lost, the item is read again
 * and searched for the holder's own mark before a cas is trusted; that costs one more trip.
 */

import { NEVER } from "../../src/contracts/clock.ts";
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
  readonly token: bigint;
  /** The era of the server before the item was written. */
  readonly era: number;
}

/** An item with the holder's lease in it. */
export class HeldItem {
  readonly #hold: Hold;
  #era: number;
  #cas: string;
  /** Until when the lease is held, in epoch milliseconds; in the past once it has ended. */
  until: number;

  /** Holds the item that a reply says was written. */
  constructor(hold: Hold, written: MetaReply, until: number) {
    this.#hold = hold;
    this.#era = hold.era;
    this.#cas = casOf(written);
    this.until = until;
  }

  /** The cas that the server gave when the lease was last written. */
  get fence(): number {
    return Number(this.#cas);
  }

  /**
   * Sends a command under the cas, after which the item is held until `until`, and answers whether it
   * was carried out. Where it was not, the lease is lost.
   */
  async change(
    operation: string,
    until: number,
    commandOf: (cas: string) => MetaCommand,
  ): Promise<boolean> {
    const reply = await this.#send(operation, commandOf);
    if (!isDone(reply)) {
      this.until = -NEVER;
      return false;
    }
    this.until = until;
    this.#cas = casOf(reply);
    return true;
  }

  async #send(
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
    const [found] = await server.run(operation, [looking(key)]);
    if (!found?.value || cairnItems.parse(found.value, 0).lease?.token !== token) return false;
    this.#era = era;
    this.#cas = casOf(found);
    return true;
  }
}

/** The command that reads an item and its cas. */
export function looking(key: string): MetaCommand {
  return { verb: "mg", key, flags: ["v", "c"] };
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
export function newToken(): bigint {
  return new DataView(randomBytes(8).buffer).getBigUint64(0);
}
