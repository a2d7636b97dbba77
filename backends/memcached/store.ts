/**
 * Items of one memcached server: read, stored, and changed by whoever finds them unchanged.
 *
 * Everything atomic is one loop: read an item and its cas, decide, and write on the condition that the
 * cas is still the same. Where it is not, another client has got further, and the loop goes round.
 */

import {
  blankOrControl,
  requireKeys,
  requireWrites,
  unusableKey,
  utf8Bytes,
} from "../../src/compose/limits.ts";
import { type Limits, UNLIMITED, type Write } from "../../src/contracts/backend.ts";
import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { Replies } from "./connection.ts";
import { isDone, looking } from "./held_item.ts";
import {
  flagOf,
  longestEncodedKey,
  longestKey,
  type MetaCommand,
  type MetaReply,
} from "./protocol.ts";
import {
  bareItems,
  cairnItems,
  type ItemFormat,
  type ItemRecord,
  type LeaseMark,
  ttlFlag,
} from "./record.ts";
import type { MemcachedServer } from "./server.ts";

/** How entries are kept. */
export interface MemcachedOptions {
  /**
   * Whether values are stored as they are, for other programs to read and write. Their deadlines are
   * then the server's, which end up to a second early or late. Default: `false`.
   */
  readonly bare?: boolean;
  /** The largest item of the server (its `-I`), in bytes. Default: 1 MiB. */
  readonly itemBytes?: number;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

/** What to do with an item, and what to answer if it is done. */
export interface Change<T> {
  /** The answer. */
  readonly answer: T;
  /** The new item; `null` removes it. Default: it stays as it is. */
  readonly item?: Item | null;
}

/** An item to be stored. */
export interface Item {
  /** What it holds. */
  readonly bytes: Uint8Array;
  /** The instant until which it is needed. */
  readonly until: number;
}

/** What memcached itself needs of an item, besides the key and the value. */
const serverBytes = 512;

/** Each of them means that another client got further; so many in a row mean that something is wrong. */
const mostAttempts = 200;

/** Items of one server. */
export class MemcachedStore {
  /** For messages and statistics. */
  readonly name = "memcached";
  /** What an item can hold. */
  readonly limits: Limits;
  /** How items are laid out. */
  readonly format: ItemFormat;
  /** The server. */
  readonly server: MemcachedServer;
  /** Judges deadlines. */
  readonly clock: Clock;

  /** A `RangeError` where no item would fit. */
  constructor(server: MemcachedServer, options: MemcachedOptions) {
    const { bare = false, itemBytes = 1 << 20, clock = systemClock } = options;
    this.server = server;
    this.clock = clock;
    this.format = bare ? bareItems : cairnItems;
    const valueBytes = itemBytes - serverBytes - this.format.overheadBytes;
    if (!(valueBytes > 0)) {
      throw new RangeError(`Cannot use memcached: "itemBytes" is ${itemBytes}`);
    }
    this.limits = Object.freeze({
      ...UNLIMITED,
      keyBytes: longestKey,
      valueBytes,
      ttlMinMs: 1_000,
      ttlStepMs: 1_000,
    });
  }

  /** Refuses keys that the server would. */
  requireKeys(keys: readonly string[]): void {
    requireKeys(this, keys);
    // As few keys are looked at as can be: a letter takes three bytes at most.
    const long = keys.find((key) =>
      3 * key.length > longestEncodedKey && utf8Bytes(key) > longestEncodedKey &&
      blankOrControl.test(key)
    );
    if (long === undefined) return;
    const state = `it has blanks or control characters and more than ${longestEncodedKey} bytes`;
    throw unusableKey(this, long, state);
  }

  /** Refuses writes that the server would. */
  requireWrites(writes: readonly Write<Uint8Array>[]): void {
    requireWrites(this, writes, (value) => value.length);
    this.requireKeys(writes.map(({ key }) => key));
  }

  /** Carries out commands on the server; without any, nothing is asked. */
  run(operation: string, commands: readonly MetaCommand[]): Promise<Replies> {
    return commands.length > 0 ? this.server.run(operation, commands) : Promise.resolve([]);
  }

  /** The command that stores a value, or removes the key where its deadline has passed. */
  storing(
    { key, value, expiresAt }: Write<Uint8Array>,
    flags: readonly string[] = [],
  ): MetaCommand {
    return this.putting(key, this.item(value, expiresAt), flags);
  }

  /** The command that gives an item a new deadline, or removes it where that has passed. */
  touching(key: string, expiresAt: number): MetaCommand {
    const now = this.clock.now();
    if (expiresAt <= now) return { verb: "md", key };
    return { verb: "mg", key, flags: [ttlFlag(expiresAt, now, this.format.lingerMs)] };
  }

  /** The item of a value; none of one that has ended already. A lease on its creation stays. */
  item(value: Uint8Array, expiresAt: number, lease?: LeaseMark): Item | null {
    if (expiresAt <= this.clock.now()) return null;
    const bytes = this.format.format(value, expiresAt, lease);
    return { bytes, until: lease ? Math.max(expiresAt, lease.until) : expiresAt };
  }

  /** What a reply to `mg` holds. */
  recordOf(reply: MetaReply | undefined): ItemRecord | undefined {
    return reply?.value && this.format.parse(reply.value, this.clock.now());
  }

  /**
   * Changes the item of a key by what `decide` makes of it, atomically: it may be asked several times.
   */
  async update<T>(
    operation: string,
    key: string,
    decide: (record: ItemRecord | undefined) => Change<T>,
  ): Promise<T> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const [reply] = await this.run(operation, [looking(key)]);
      const { answer, item } = decide(this.recordOf(reply));
      const cas = reply && flagOf(reply, "c");
      if (item === undefined || (item === null && !cas)) return answer;
      const flags = cas ? [`C${cas}`] : ["ME"];
      const [outcome] = await this.run(operation, [this.putting(key, item, flags)]);
      if (isDone(outcome)) return answer;
    }
    const state = `other clients changed "${key.slice(0, 40)}" ${mostAttempts} times in between`;
    throw new BackendError(this.name, operation, new Error(state));
  }

  /** The command that stores an item under the conditions of `flags`, or removes the key. */
  putting(key: string, item: Item | null, flags: readonly string[]): MetaCommand {
    // Deleting knows only the flags of conditions.
    if (!item) return { verb: "md", key, flags: flags.filter((flag) => flag.startsWith("C")) };
    const ttl = ttlFlag(item.until, this.clock.now(), this.format.lingerMs);
    return { verb: "ms", key, value: item.bytes, flags: [...flags, ttl] };
  }
}
