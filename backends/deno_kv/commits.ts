/** Changes in Deno KV, in commits of the size that it takes. */

import { utf8Bytes } from "../../src/compose/limits.ts";
import { type Clock, NEVER } from "../../src/contracts/clock.ts";
import type { DenoKv, DenoKvCommit, DenoKvEntry, DenoKvKey } from "./client.ts";

/** One thing to be written: a value, or its removal. */
export interface Mutation {
  readonly key: DenoKvKey;
  /** `undefined` removes the key. */
  readonly value?: unknown;
  /** When it may be dropped, in epoch milliseconds. Default: never. */
  readonly until?: number;
  /** How large the value is, unless it is a small record. */
  readonly sizeBytes?: number;
}

/** A change of one entry, in the order in which it must be made. */
export interface Change {
  /** What nobody reads yet. */
  readonly before?: readonly Mutation[];
  /** What makes the difference, in one commit. */
  readonly step: readonly Mutation[];
  /** The removal of what nobody reads any more. */
  readonly after?: readonly Mutation[];
}

/** What a change was decided by: it must still be there, or still be missing. */
export type Check = Pick<DenoKvEntry, "key" | "versionstamp">;

/** Makes changes in one database. */
export class DenoKvCommits {
  readonly #kv: DenoKv;
  readonly #clock: Clock;

  /** The clock tells how long values may be kept. */
  constructor(kv: DenoKv, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  /** Makes a change if all `checks` hold; answers the versionstamp of its step if they did. */
  async decide(change: Change, checks: readonly Check[]): Promise<string | undefined> {
    const { before = [], step, after = [] } = change;
    const whole = [...before, ...step];
    const isOne = batchesOf(whole).length === 1;
    if (!isOne) await this.all(before);
    const { ok, versionstamp } = await this.#commit(isOne ? whole : step, checks);
    if (ok) await this.all(after);
    else if (!isOne) await this.all(before.map(({ key }) => ({ key })));
    return ok ? versionstamp : undefined;
  }

  /** Writes without conditions, in few commits, one after the other. */
  async all(mutations: readonly Mutation[]): Promise<void> {
    for (const batch of batchesOf(mutations)) await this.#commit(batch, []);
  }

  async #commit(mutations: readonly Mutation[], checks: readonly Check[]): Promise<DenoKvCommit> {
    const atomic = this.#kv.atomic();
    for (const { key, versionstamp } of checks) atomic.check({ key, versionstamp });
    for (const { key, value, until = NEVER } of mutations) {
      if (value === undefined) atomic.delete(key);
      else atomic.set(key, value, expiryOf(until - this.#clock.now()));
    }
    return await atomic.commit();
  }
}

// What Deno KV takes in one commit, less what it may add itself.
const batchBytes = 800_000;
const batchKeyBytes = 75_000;
const batchMutations = 500;

/** More than Deno KV adds to a value and to a key. */
const addedBytes = 96;

function batchesOf(mutations: readonly Mutation[]): Mutation[][] {
  const batches: Mutation[][] = [];
  let [bytes, keyBytes] = [Infinity, Infinity];
  for (const mutation of mutations) {
    const { key, sizeBytes = 0 } = mutation;
    const ownKeyBytes = keySize(key);
    const ownBytes = ownKeyBytes + sizeBytes + addedBytes;
    const last = batches.at(-1);
    const isFull = bytes + ownBytes > batchBytes || keyBytes + ownKeyBytes > batchKeyBytes;
    if (!last || isFull || last.length === batchMutations) {
      batches.push([mutation]);
      [bytes, keyBytes] = [ownBytes, ownKeyBytes];
    } else {
      last.push(mutation);
      bytes += ownBytes;
      keyBytes += ownKeyBytes;
    }
  }
  return batches;
}

/** How long an encoded key is at most: a NUL takes two bytes in it. */
function keySize(key: DenoKvKey): number {
  let size = addedBytes;
  for (const part of key) if (typeof part === "string") size += 2 * utf8Bytes(part);
  return size;
}

/** By how much a value outlives its deadline in Deno KV, whose clock may be ahead of ours. */
const marginMs = 60_000;

/** Deno KV's own expiry only frees space, so it does no harm to leave out one in the far future. */
const longestExpiryMs = 1e13;

function expiryOf(ttlMs: number): { expireIn?: number } {
  if (ttlMs > longestExpiryMs) return {};
  return { expireIn: Math.max(0, Math.ceil(ttlMs)) + marginMs };
}
