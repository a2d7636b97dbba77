/** Locks and atomics over many stores, each deciding for the keys that a ring gives it. */

import type { Atomics } from "../contracts/atomics.ts";
import type { Write } from "../contracts/backend.ts";
import { BackendError } from "../contracts/errors.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";
import type { Ring } from "../contracts/ring.ts";
import type { AutoEject } from "./auto_eject.ts";

/** How shards that fail are treated; a failure is thrown in any case. */
export interface ShardedLocksOptions {
  /** For messages and statistics. Default: `"sharded"`. */
  readonly name?: string;
  /** Takes shards that keep failing out of the ring: the same as of `sharded`. Default: none are. */
  readonly autoEject?: AutoEject;
}

/**
 * Spreads locks over `shards`, one for each label of `ring`, as `sharded` does with values. Give both
 * the same ring, so that the lock of a key is where its value is.
 *
 * A lease stays with the shard that gave it. While a shard is ejected the keys it had are locked
 * elsewhere; a creator from before may then commit to a store that nobody reads from. Fences of
 * different shards do not compare.
 *
 * @throws {RangeError} If there is not one shard for each label.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { localLocks, memoryBackend, shardedLocks } from "@cairn/cache";
 * import { ketama } from "@cairn/cache/hash";
 *
 * const ring = ketama({ shards: ["10.0.0.1:11211", "10.0.0.2:11211"] });
 * const locks = shardedLocks(ring, ring.labels.map(() => localLocks(memoryBackend<string>())));
 * const { lease } = await locks.acquire("key", { leaseMs: 1_000, waitMs: 0, enough: () => false });
 * ok(lease);
 * ```
 */
export function shardedLocks<V>(
  ring: Ring,
  shards: readonly Locks<V>[],
  options: ShardedLocksOptions = {},
): Locks<V> {
  return new ShardedLocks(new Routes(ring, shards, options));
}

/**
 * Spreads atomic operations over `shards` as `sharded` does with values.
 *
 * @throws {RangeError} If there is not one shard for each label.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryBackend, NEVER, shardedAtomics } from "@cairn/cache";
 * import { ketama } from "@cairn/cache/hash";
 *
 * const ring = ketama({ shards: ["10.0.0.1:11211", "10.0.0.2:11211"] });
 * const atomics = shardedAtomics(ring, ring.labels.map(() => memoryBackend<string>()));
 * equal(await atomics.increment("visits", 2, NEVER), 2);
 * ```
 */
export function shardedAtomics<V>(
  ring: Ring,
  shards: readonly Atomics<V>[],
  options: ShardedLocksOptions = {},
): Atomics<V> {
  const routes = new Routes(ring, shards, options);
  return Object.freeze({
    name: routes.name,
    add: (write: Write<V>): Promise<boolean> =>
      routes.run("add", write.key, (shard) => shard.add(write)),
    replace: (write: Write<V>): Promise<boolean> =>
      routes.run("replace", write.key, (shard) => shard.replace(write)),
    increment: (key: string, delta: number, expiresAt: number): Promise<number> =>
      routes.run("increment", key, (shard) => shard.increment(key, delta, expiresAt)),
    touch: (key: string, expiresAt: number): Promise<boolean> =>
      routes.run("touch", key, (shard) => shard.touch(key, expiresAt)),
    deleteIf: (key: string, expected: V): Promise<boolean> =>
      routes.run("deleteIf", key, (shard) => shard.deleteIf(key, expected)),
  });
}

class ShardedLocks<V> implements Locks<V> {
  readonly name: string;
  readonly #routes: Routes<Locks<V>>;

  constructor(routes: Routes<Locks<V>>) {
    this.name = routes.name;
    this.#routes = routes;
  }

  async acquire(key: string, options: AcquireOptions<V>): Promise<Acquired<V>> {
    const index = this.#routes.indexOf(key);
    const acquired = await this.#routes.runOn(index, "acquire", (locks) => {
      return locks.acquire(key, options);
    });
    const { lease, value } = acquired;
    return { lease: lease && this.#leaseOf(lease, index), value };
  }

  async revoke(keys: readonly string[]): Promise<void> {
    const parts = new Map<number, string[]>();
    for (const key of keys) {
      const index = this.#routes.indexOf(key);
      parts.set(index, [...parts.get(index) ?? [], key]);
    }
    const outcomes = await Promise.allSettled([...parts].map(([index, part]) => {
      return this.#routes.runOn(index, "revoke", (locks) => locks.revoke(part));
    }));
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure) throw failure.reason;
  }

  #leaseOf(lease: Lease<V>, index: number): Lease<V> {
    const routes = this.#routes;
    return Object.freeze({
      key: lease.key,
      fence: lease.fence,
      renew: (leaseMs: number): Promise<boolean> =>
        routes.runOn(index, "renew", () => lease.renew(leaseMs)),
      commit: (write: Write<V>): Promise<boolean> =>
        routes.runOn(index, "commit", () => lease.commit(write)),
      release: (): Promise<void> => routes.runOn(index, "release", () => lease.release()),
    });
  }
}

/** The way to the shard of a key, with its failures counted and named. */
class Routes<S> {
  readonly name: string;
  readonly #ring: Ring;
  readonly #shards: readonly S[];
  readonly #autoEject: AutoEject | undefined;

  constructor(ring: Ring, shards: readonly S[], options: ShardedLocksOptions) {
    const { length } = ring.labels;
    if (shards.length !== length || length === 0) {
      throw new RangeError(`Cannot shard: there are ${shards.length} stores for ${length} labels`);
    }
    this.name = options.name ?? "sharded";
    this.#ring = ring;
    this.#shards = [...shards];
    this.#autoEject = options.autoEject;
  }

  indexOf(key: string): number {
    this.#autoEject?.restoreDue();
    return this.#ring.indexOf(key);
  }

  run<T>(operation: string, key: string, act: (shard: S) => Promise<T>): Promise<T> {
    return this.runOn(this.indexOf(key), operation, act);
  }

  async runOn<T>(index: number, operation: string, act: (shard: S) => Promise<T>): Promise<T> {
    try {
      const result = await act(this.#shards[index]!);
      this.#autoEject?.succeeded(index);
      return result;
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      this.#autoEject?.failed(index);
      throw new BackendError(`shard "${this.#ring.labels[index]}"`, operation, error);
    }
  }
}
