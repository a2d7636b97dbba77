/** One backend over many, each holding the keys that a ring gives it. */

import type { Backend, Limits, Write } from "../contracts/backend.ts";
import { BackendError } from "../contracts/errors.ts";
import type { Ring } from "../contracts/ring.ts";
import type { AutoEject } from "./auto_eject.ts";
import { requireKeys, requireWrites } from "./limits.ts";

/** How {@linkcode sharded} treats shards that fail. */
export interface ShardedOptions {
  /** For messages and statistics. Default: `"sharded"`. */
  readonly name?: string;
  /**
   * What becomes of the keys of a shard that fails. Default: `"throw"`.
   *
   * - `"throw"`: the batch rejects with a `BackendError` that names the shard, after every other
   *   shard has done its part.
   * - `"miss"`: they are missing when read, and not written or deleted; all others are served.
   */
  readonly onFailure?: "throw" | "miss";
  /** Told of every failure of a shard, also of those that the caller does not see. */
  readonly report?: (failure: ShardFailure) => void;
  /** Takes shards that keep failing out of the ring for a while. Default: none are. */
  readonly autoEject?: AutoEject;
}

/** A failure of one shard. */
export interface ShardFailure {
  /** The label of the shard. */
  readonly shard: string;
  /** What it was asked to do. */
  readonly operation: "get" | "set" | "delete";
  /** How many keys it concerned. */
  readonly keys: number;
  /** What it threw. */
  readonly error: BackendError;
}

/**
 * Spreads keys over `shards`, one backend for each label of `ring`, in the order of its labels.
 *
 * A batch is split by one `indexOfMany`, goes to its shards side by side and is put together in
 * order. Its limits are the narrowest of its shards'. A key outside them, or bytes that are too
 * many, are refused before any shard is asked.
 *
 * @throws {RangeError} If there is not one shard for each label.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { memoryBackend, NEVER, sharded } from "@cairn/cache";
 * import { ketama } from "@cairn/cache/hash";
 *
 * const ring = ketama({ shards: ["10.0.0.1:11211", "10.0.0.2:11211"] });
 * const store = sharded(ring, ring.labels.map(() => memoryBackend<string>()));
 * await store.set([{ key: "a", value: "1", expiresAt: NEVER }]);
 * deepEqual(await store.get(["b", "a"]), [undefined, "1"]);
 * ```
 */
export function sharded<V>(
  ring: Ring,
  shards: readonly Backend<V>[],
  options: ShardedOptions = {},
): Backend<V> {
  const { length } = ring.labels;
  if (shards.length === length && length > 0) return new Sharded(ring, [...shards], options);
  throw new RangeError(`Cannot shard: there are ${shards.length} backends for ${length} labels`);
}

type Operation = ShardFailure["operation"];

/** The positions in a batch that go to one shard. */
interface Part<T> {
  readonly index: number;
  readonly positions: readonly number[];
  readonly members: readonly T[];
}

class Sharded<V> implements Backend<V> {
  readonly name: string;
  readonly limits: Limits;
  readonly #ring: Ring;
  readonly #shards: readonly Backend<V>[];
  readonly #options: ShardedOptions;

  constructor(ring: Ring, shards: readonly Backend<V>[], options: ShardedOptions) {
    this.name = options.name ?? "sharded";
    this.limits = narrowest(shards.map(({ limits }) => limits));
    this.#ring = ring;
    this.#shards = shards;
    this.#options = Object.freeze({ ...options });
  }

  async get(keys: readonly string[]): Promise<(V | undefined)[]> {
    requireKeys(this, keys);
    const values = new Array<V | undefined>(keys.length).fill(undefined);
    await this.#eachPart("get", partsOf(this.#split(keys), keys), async (shard, part) => {
      const found = await shard.get(part.members);
      part.positions.forEach((position, i) => values[position] = found[i]);
    });
    return values;
  }

  async set(writes: readonly Write<V>[]): Promise<void> {
    requireWrites(this, writes, sizeOf);
    const split = this.#split(writes.map(({ key }) => key));
    await this.#eachPart("set", partsOf(split, writes), (shard, part) => shard.set(part.members));
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    const parts = partsOf(this.#split(keys), keys);
    await this.#eachPart("delete", parts, (shard, part) => shard.delete(part.members));
  }

  #split(keys: readonly string[]): ArrayLike<number> {
    if (keys.length === 0) return [];
    this.#options.autoEject?.restoreDue();
    return keys.length === 1 ? [this.#ring.indexOf(keys[0]!)] : this.#ring.indexOfMany(keys);
  }

  /** Runs all parts side by side and lets all of them end before it throws for any. */
  async #eachPart<T>(
    operation: Operation,
    parts: readonly Part<T>[],
    run: (shard: Backend<V>, part: Part<T>) => Promise<void>,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(
      parts.map(async (part) => await run(this.#shards[part.index]!, part)),
    );
    const errors: unknown[] = [];
    outcomes.forEach((outcome, i) => {
      const part = parts[i]!;
      if (outcome.status === "fulfilled") this.#options.autoEject?.succeeded(part.index);
      else errors.push(...this.#failed(operation, part, outcome.reason));
    });
    if (errors.length > 0) throw this.#inOne(operation, errors);
  }

  /** What remains to be thrown of a shard's failure. Other errors are mistakes of the caller. */
  #failed<T>(operation: Operation, part: Part<T>, cause: unknown): unknown[] {
    if (!(cause instanceof BackendError)) return [cause];
    const { onFailure = "throw", report, autoEject } = this.#options;
    const shard = this.#ring.labels[part.index]!;
    const error = new BackendError(`shard "${shard}"`, operation, cause);
    autoEject?.failed(part.index);
    report?.({ shard, operation, keys: part.members.length, error });
    return onFailure === "miss" ? [] : [error];
  }

  #inOne(operation: Operation, errors: readonly unknown[]): unknown {
    const mistake = errors.find((error) => !(error instanceof BackendError));
    if (mistake !== undefined || errors.length === 1) return mistake ?? errors[0];
    const messages = errors.map((error) => (error as Error).message).join("; ");
    return new BackendError(this.name, operation, new AggregateError(errors, messages));
  }
}

function partsOf<T>(indexes: ArrayLike<number>, members: readonly T[]): Part<T>[] {
  const parts = new Map<number, { index: number; positions: number[]; members: T[] }>();
  members.forEach((member, position) => {
    const index = indexes[position]!;
    let part = parts.get(index);
    if (!part) parts.set(index, part = { index, positions: [], members: [] });
    part.positions.push(position);
    part.members.push(member);
  });
  return [...parts.values()];
}

/** Values that are not bytes are measured by the shards, which know how they are stored. */
function sizeOf(value: unknown): number {
  return value instanceof Uint8Array ? value.byteLength : 0;
}

function narrowest(all: readonly Limits[]): Limits {
  return Object.freeze({
    keyBytes: Math.min(...all.map(({ keyBytes }) => keyBytes)),
    keyAlphabet: all.some(({ keyAlphabet }) => keyAlphabet === "graphic") ? "graphic" : "unicode",
    valueBytes: Math.min(...all.map(({ valueBytes }) => valueBytes)),
    ttlMinMs: Math.max(...all.map(({ ttlMinMs }) => ttlMinMs)),
    ttlStepMs: Math.max(...all.map(({ ttlStepMs }) => ttlStepMs)),
    consistency: all.some(({ consistency }) => consistency === "eventual") ? "eventual" : "strong",
  });
}
