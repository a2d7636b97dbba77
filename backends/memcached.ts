/**
 * Entries in memcached 1.6 and later, over its meta protocol.
 *
 * A record holds the deadline of its value; the server's time to live, in whole seconds, only frees
 * the space. One server is a backend; several are joined by a ring, see `sharded`.
 */

import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend, Limits, Write } from "../src/contracts/backend.ts";
import { isDone } from "./memcached/held_item.ts";
import { bareItems, type ItemRecord } from "./memcached/record.ts";
import type { MemcachedServer } from "./memcached/server.ts";
import { sightingsOf } from "./memcached/sightings.ts";
import { type MemcachedOptions, MemcachedStore } from "./memcached/store.ts";

export type { Replies } from "./memcached/connection.ts";
export { memcachedLocks, type MemcachedLocksOptions } from "./memcached/locks.ts";
export type { MetaCommand, MetaReply } from "./memcached/protocol.ts";
export type { MemcachedServer } from "./memcached/server.ts";
export type { MemcachedOptions } from "./memcached/store.ts";

/**
 * A store of bytes on one memcached server.
 *
 * A batch is one write and one trip for every 512 keys or mebibyte. Keys may be any text of at most
 * 250 bytes; with blanks or control characters, of 186.
 *
 * @throws {RangeError} If `itemBytes` leaves no room for a value.
 *
 * @example
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { BackendError } from "@cairn/cache";
 * import { memcachedBackend } from "@cairn/cache/memcached";
 * import { memcachedServer, nodeSocket } from "@cairn/cache/memcached-client";
 *
 * const server = memcachedServer("127.0.0.1:1", { connect: nodeSocket() });
 * const backend = memcachedBackend(server);
 * await rejects(() => backend.get(["key"]), BackendError);
 * ```
 */
export function memcachedBackend(
  server: MemcachedServer,
  options: MemcachedOptions = {},
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return new MemcachedBackend(server, options);
}

/** Counters lie apart from values, under keys of their own. */
const counterPrefix = "_count";

const encoder = new TextEncoder();

class MemcachedBackend implements Backend<Uint8Array>, Atomics<Uint8Array> {
  readonly name: string;
  readonly limits: Limits;
  readonly #store: MemcachedStore;
  /** Nobody else reads counters, so they carry their deadlines in any case. */
  readonly #counters: MemcachedStore;

  constructor(server: MemcachedServer, options: MemcachedOptions) {
    this.#store = new MemcachedStore(server, options);
    this.#counters = new MemcachedStore(server, { ...options, bare: false });
    this.name = this.#store.name;
    this.limits = this.#store.limits;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.#store.requireKeys(keys);
    const { server } = this.#store;
    const { era } = server;
    const sightings = sightingsOf(server);
    const flags = sightings ? ["v", "c"] : ["v"];
    const replies = await this.#store.run("get", keys.map((key) => ({ verb: "mg", key, flags })));
    return replies.map((reply, index) => {
      const record = this.#store.recordOf(reply);
      if (record?.value) sightings?.note(keys[index]!, reply, { era, record });
      return record?.value;
    });
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    this.#store.requireWrites(writes);
    await this.#store.run("set", writes.map((write) => this.#store.storing(write)));
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#store.requireKeys(keys);
    await this.#store.run(
      "delete",
      keys.map((key) => ({ verb: "md", key })),
    );
  }

  async add(write: Write<Uint8Array>): Promise<boolean> {
    this.#store.requireWrites([write]);
    const command = this.#store.storing(write, ["ME"]);
    if (command.verb === "ms") {
      const [outcome] = await this.#store.run("add", [command]);
      if (isDone(outcome)) return true;
    }
    // Something is there, and only a look can tell whether it lives.
    return await this.#put("add", write, (record) => record?.value === undefined);
  }

  async replace(write: Write<Uint8Array>): Promise<boolean> {
    this.#store.requireWrites([write]);
    return await this.#put("replace", write, (record) => record?.value !== undefined);
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    const counter = counterPrefix + key;
    this.#counters.requireKeys([counter]);
    return await this.#counters.update("increment", counter, (record) => {
      const held = record?.value && Number(String.fromCharCode(...record.value));
      const answer = (held ?? 0) + delta;
      if (!Number.isSafeInteger(answer)) {
        throw new RangeError(`Cannot increment "${key}" by ${delta}: it leaves the safe integers`);
      }
      const until = held === undefined ? expiresAt : record!.expiresAt;
      return { answer, item: this.#counters.item(encoder.encode(String(answer)), until) };
    });
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    this.#store.requireKeys([key]);
    if (this.#store.format === bareItems) return await this.#touchBare(key, expiresAt);
    return await this.#store.update("touch", key, (record) => {
      if (record?.value === undefined) return { answer: false };
      return { answer: true, item: this.#store.item(record.value, expiresAt, record.lease) };
    });
  }

  async deleteIf(key: string, expected: Uint8Array): Promise<boolean> {
    this.#store.requireKeys([key]);
    return await this.#store.update("deleteIf", key, (record) => {
      const isEqual = record?.value !== undefined && areEqual(record.value, expected);
      return isEqual ? { answer: true, item: null } : { answer: false };
    });
  }

  async #put(
    operation: string,
    { key, value, expiresAt }: Write<Uint8Array>,
    isWanted: (record: ItemRecord | undefined) => boolean,
  ): Promise<boolean> {
    return await this.#store.update(operation, key, (record) => {
      if (!isWanted(record)) return { answer: false };
      return { answer: true, item: this.#store.item(value, expiresAt) };
    });
  }

  /** Other programs' flags on their values are left as they are. */
  async #touchBare(key: string, expiresAt: number): Promise<boolean> {
    const [reply] = await this.#store.run("touch", [this.#store.touching(key, expiresAt)]);
    return isDone(reply);
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
