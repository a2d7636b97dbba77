/**
 * A backend whose failures are misses.
 *
 * A cache that is down should cost time, not answers. So a read that fails is a miss, and a write or
 * deletion that fails is dropped. A dropped change alone would be dangerous: when the store is back,
 * it would again serve what the caller has replaced or deleted. Therefore the keys of dropped
 * changes are *doubtful*: they read as missing, and as soon as an operation succeeds they are
 * deleted from the store, after which they are sound again.
 *
 * 1. `delete a` fails: `a` becomes doubtful.
 * 2. `get a` fails: a miss.
 * 3. `get a, b` succeeds and finds both: `a` is answered as a miss, then deleted from the store.
 * 4. A write of `a` that succeeds makes `a` sound as well.
 *
 * Doubts are bounded. Beyond the bound a change that fails is no longer dropped, but rejected. They
 * are of this process: another one sees the old value until the store has taken the deletion.
 */

import type { Backend, Write } from "../contracts/backend.ts";
import { BackendError } from "../contracts/errors.ts";

/** Whom to tell, and how many doubts to bear. */
export interface FailsafeOptions {
  /** Told of every failure; must not throw. Default: nobody is told. */
  readonly onFailure?: (error: BackendError) => void;
  /** How many keys may be doubtful at once. Default: 10,000. */
  readonly maxDoubts?: number;
}

/**
 * Answers misses where `backend` fails with a `BackendError`, and drops writes and deletions. Errors
 * of wrong arguments pass.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { BackendError, failsafe, memoryBackend } from "@cairn/cache";
 *
 * const down = {
 *   ...memoryBackend(),
 *   get: () => Promise.reject(new BackendError("redis", "get", "no route")),
 * };
 * const failures: string[] = [];
 * const backend = failsafe(down, { onFailure: (error) => failures.push(error.message) });
 * deepEqual(await backend.get(["a", "b"]), [undefined, undefined]);
 * deepEqual(failures, ["Cannot get on redis: no route"]);
 * ```
 */
export function failsafe<V>(backend: Backend<V>, options: FailsafeOptions = {}): Backend<V> {
  const { maxDoubts = 10_000 } = options;
  if (!(maxDoubts >= 0)) throw new RangeError(`Cannot be failsafe: "maxDoubts" is ${maxDoubts}`);
  const safe = new Failsafe(backend, { onFailure: () => {}, ...options, maxDoubts });
  return Object.freeze({
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]): Promise<(V | undefined)[]> => safe.get(keys),
    set: (writes: readonly Write<V>[]): Promise<void> =>
      safe.change(writes.map(({ key }) => key), () => backend.set(writes)),
    delete: (keys: readonly string[]): Promise<void> =>
      safe.change(keys, () => backend.delete(keys)),
  });
}

class Failsafe<V> {
  readonly #backend: Backend<V>;
  readonly #options: Required<FailsafeOptions>;
  /** The doubtful keys, each with the number of the doubt. */
  readonly #doubtful: Map<string, number> = new Map();
  #lastDoubt = 0;
  #isRepairing = false;

  constructor(backend: Backend<V>, options: Required<FailsafeOptions>) {
    this.#backend = backend;
    this.#options = options;
  }

  async get(keys: readonly string[]): Promise<(V | undefined)[]> {
    let found: (V | undefined)[];
    try {
      found = await this.#backend.get(keys);
    } catch (error) {
      this.#report(error);
      return keys.map(() => undefined);
    }
    const sound = found.map((value, index) => this.#doubtful.has(keys[index]!) ? undefined : value);
    if (keys.length > 0) await this.#repair();
    return sound;
  }

  async change(keys: readonly string[], run: () => Promise<void>): Promise<void> {
    if (keys.length === 0) return await run();
    const asOf = this.#lastDoubt;
    try {
      await run();
    } catch (error) {
      this.#report(error);
      return this.#doubt(keys, error);
    }
    this.#trust(keys, asOf);
    await this.#repair();
  }

  #doubt(keys: readonly string[], error: unknown): void {
    for (const key of keys) {
      if (this.#doubtful.size >= this.#options.maxDoubts && !this.#doubtful.has(key)) throw error;
      this.#doubtful.set(key, ++this.#lastDoubt);
    }
  }

  /** Ends the doubts that are no younger than the change which succeeded. */
  #trust(keys: readonly string[], asOf: number): void {
    for (const key of keys) {
      if (this.#doubtful.get(key)! <= asOf) this.#doubtful.delete(key);
    }
  }

  async #repair(): Promise<void> {
    if (this.#doubtful.size === 0 || this.#isRepairing) return;
    this.#isRepairing = true;
    const keys = [...this.#doubtful.keys()];
    const asOf = this.#lastDoubt;
    try {
      await this.#backend.delete(keys);
      this.#trust(keys, asOf);
    } catch (error) {
      this.#report(error);
    } finally {
      this.#isRepairing = false;
    }
  }

  #report(error: unknown): void {
    if (!(error instanceof BackendError)) throw error;
    this.#options.onFailure(error);
  }
}
