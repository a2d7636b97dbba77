/**
 * Two backends as one: a near one that answers, and a far one that decides.
 *
 * - **Reading** asks the near tier, and the far one for what is missing there or stale. What the far
 *   tier knows better is put into the near tier, to live as long as the entry has left.
 * - **Writing and deleting** change the far tier and then the near one. When the far tier fails, the
 *   near one forgets the keys, so that both cannot differ.
 * - **A failing tier** fails the operation, for a failure is never disguised as a miss. To go on
 *   without a tier, say so: `tiered(failsafe(near), far)`.
 * - **A value too large for the near tier** lives in the far one alone.
 *
 * A reader must not put back what a writer has just replaced:
 *
 * 1. A reads the far tier and holds the old value.
 * 2. B deletes the key in both tiers.
 * 3. A would now put the old value into the near tier, where nobody would remove it.
 *
 * So a read puts nothing back for keys that were changed at any time while it ran; and of two
 * writers of one key at the same time neither fills the near tier, for nobody knows which of them
 * the far tier heard last. That holds among the users of this object; against other processes
 * `nearTtlMs` bounds how long the near tier may be wrong.
 */

import type { Backend, KeyAlphabet, Limits, Write } from "../contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import { BackendError } from "../contracts/errors.ts";
import { requireKeys } from "./limits.ts";

/** How long the near tier may hold an entry. */
export interface TieredOptions {
  /** The longest life of an entry in the near tier, in milliseconds. Default: `NEVER`. */
  readonly nearTtlMs?: number;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * Puts a near backend before a far one. Nest it for more tiers: `tiered(memory, tiered(kv, redis))`.
 *
 * How long an entry has left is its `hardExpiresAt`. Records that hold none, those of the raw
 * framing, need `nearTtlMs`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { type Entry, memoryBackend, NEVER, tiered } from "@cairn/cache";
 *
 * const [near, far] = [memoryBackend<Entry>(), memoryBackend<Entry>()];
 * const value: Entry = {
 *   payload: 1,
 *   createdAt: 0,
 *   creationMs: 0,
 *   softExpiresAt: NEVER,
 *   hardExpiresAt: NEVER,
 *   tags: [],
 *   marks: [],
 * };
 * await far.set([{ key: "key", value, expiresAt: NEVER }]);
 * await tiered(near, far).get(["key"]);
 * equal((await near.get(["key"]))[0]?.payload, 1);
 * ```
 */
export function tiered<T>(
  near: Backend<Entry<T>>,
  far: Backend<Entry<T>>,
  options: TieredOptions = {},
): Backend<Entry<T>> {
  return new Tiers(near, far, options);
}

class Tiers<T> implements Backend<Entry<T>> {
  readonly name: string;
  readonly limits: Limits;
  readonly #near: Backend<Entry<T>>;
  readonly #far: Backend<Entry<T>>;
  readonly #nearTtlMs: number;
  readonly #clock: Clock;
  readonly #changes: OverlappingChanges = new OverlappingChanges();

  constructor(near: Backend<Entry<T>>, far: Backend<Entry<T>>, options: TieredOptions) {
    const { nearTtlMs = NEVER, clock = systemClock } = options;
    if (!(nearTtlMs > 0)) throw new RangeError(`Cannot tier: "nearTtlMs" is ${nearTtlMs}`);
    this.name = `tiered(${near.name}, ${far.name})`;
    this.limits = Object.freeze(commonLimits(near.limits, far.limits));
    this.#near = near;
    this.#far = far;
    this.#nearTtlMs = nearTtlMs;
    this.#clock = clock;
  }

  async get(keys: readonly string[]): Promise<(Entry<T> | undefined)[]> {
    requireKeys(this, keys);
    const changed = this.#changes.beginRead();
    try {
      const answers = await this.#near.get(keys);
      const now = this.#clock.now();
      const wanted = new Set(keys.filter((_, index) => !isFresh(answers[index], now)));
      if (wanted.size === 0) return answers;
      const better = await this.#readFar([...wanted], new Map(keys.map((k, i) => [k, answers[i]])));
      const isChanged = (key: string): boolean => this.#changes.concerns(key, changed);
      const writes = [...better].map(([key, value]) => ({
        key,
        value,
        expiresAt: value.hardExpiresAt,
      }));
      await this.#fillNear(writes, isChanged);
      return keys.map((key, index) => better.get(key) ?? answers[index]);
    } finally {
      this.#changes.endRead(changed);
    }
  }

  async set(writes: readonly Write<Entry<T>>[]): Promise<void> {
    await this.#change(writes.map(({ key }) => key), {
      far: () => this.#far.set(writes),
      near: async (isContested) => {
        await this.#forget(writes.map(({ key }) => key).filter(isContested));
        await this.#fillNear(writes, isContested);
      },
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#change(keys, {
      far: () => this.#far.delete(keys),
      near: () => this.#near.delete(keys),
    });
  }

  async #change(batch: readonly string[], steps: ChangeSteps): Promise<void> {
    requireKeys(this, batch);
    const keys = [...new Set(batch)];
    const changed = this.#changes.beginChange(keys);
    let isFarChanged = false;
    try {
      await steps.far();
      isFarChanged = true;
      await steps.near((key) => this.#changes.isContested(key, changed));
    } catch (error) {
      // Whatever the far tier holds now, the near one must not hide it.
      if (isFarChanged || error instanceof BackendError) await this.#forgetAfterFailure(keys);
      throw error;
    } finally {
      this.#changes.endChange(keys, changed);
    }
  }

  /** What the far tier holds that is not in the near one, or was created later. */
  async #readFar(
    keys: readonly string[],
    known: ReadonlyMap<string, Entry<T> | undefined>,
  ): Promise<Map<string, Entry<T>>> {
    const found = await this.#far.get(keys);
    const better = new Map<string, Entry<T>>();
    for (const [index, key] of keys.entries()) {
      const entry = found[index];
      const held = known.get(key);
      if (entry && !(held && held.createdAt >= entry.createdAt)) better.set(key, entry);
    }
    return better;
  }

  /**
   * Puts entries into the near tier but for keys that others change at the same time, and takes
   * those back that others began to change while the near tier was storing them.
   */
  async #fillNear(
    writes: readonly Write<Entry<T>>[],
    isContested: (key: string) => boolean,
  ): Promise<void> {
    const own = writes.filter(({ key }) => !isContested(key));
    const keys = own.map(({ key }) => key);
    try {
      await this.#setNear(own.map((write) => this.#nearWrite(write)));
    } catch (error) {
      await this.#forgetAfterFailure(keys);
      throw error;
    }
    await this.#forget(keys.filter(isContested));
  }

  async #forget(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#near.delete(keys);
  }

  // That the near tier fails once more changes nothing: the caller hears of the first failure.
  async #forgetAfterFailure(keys: readonly string[]): Promise<void> {
    await this.#forget(keys).catch(() => {});
  }

  #nearWrite(write: Write<Entry<T>>): Write<Entry<T>> {
    if (this.#nearTtlMs === NEVER) return write;
    const expiresAt = Math.min(write.expiresAt, this.#clock.now() + this.#nearTtlMs);
    return { ...write, expiresAt };
  }

  /** Stores in the near tier what it can hold, and makes it forget the rest. */
  async #setNear(writes: readonly Write<Entry<T>>[]): Promise<void> {
    if (writes.length === 0) return;
    try {
      await this.#near.set(writes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (writes.length === 1) return await this.#near.delete([writes[0]!.key]);
      for (const write of writes) await this.#setNear([write]);
    }
  }
}

/** How a change is made: first far, then near. */
interface ChangeSteps {
  readonly far: () => Promise<void>;
  readonly near: (isContested: (key: string) => boolean) => Promise<void>;
}

/** Which keys were changed while a read or another change ran. */
class OverlappingChanges {
  readonly #watchers: Set<Set<string>> = new Set();
  readonly #changing: Map<string, number> = new Map();

  /** Starts a read; the set collects the keys whose changes end from now on. */
  beginRead(): Set<string> {
    const changed = new Set<string>();
    this.#watchers.add(changed);
    return changed;
  }

  endRead(changed: Set<string>): void {
    this.#watchers.delete(changed);
  }

  /** Starts a change; the set collects as that of a read does. */
  beginChange(keys: readonly string[]): Set<string> {
    for (const key of keys) this.#changing.set(key, (this.#changing.get(key) ?? 0) + 1);
    return this.beginRead();
  }

  // Whoever began during the change learns of it here; who ends before finds it under way.
  endChange(keys: readonly string[], changed: Set<string>): void {
    this.#watchers.delete(changed);
    for (const key of keys) {
      const left = this.#changing.get(key)! - 1;
      if (left > 0) this.#changing.set(key, left);
      else this.#changing.delete(key);
      for (const watcher of this.#watchers) watcher.add(key);
    }
  }

  /** Whether a change of `key` overlaps the read that `changed` belongs to. */
  concerns(key: string, changed: ReadonlySet<string>): boolean {
    return changed.has(key) || this.#changing.has(key);
  }

  /** Whether another change of `key` overlaps the change that `changed` belongs to. */
  isContested(key: string, changed: ReadonlySet<string>): boolean {
    return changed.has(key) || this.#changing.get(key)! > 1;
  }
}

function isFresh(entry: Entry<unknown> | undefined, now: number): boolean {
  return entry !== undefined && now < entry.softExpiresAt;
}

/** What both stores can hold; a value only has to fit into the far one. */
function commonLimits(near: Limits, far: Limits): Limits {
  const keyAlphabet: KeyAlphabet = near.keyAlphabet === "graphic" ? "graphic" : far.keyAlphabet;
  return {
    keyBytes: Math.min(near.keyBytes, far.keyBytes),
    keyAlphabet,
    valueBytes: far.valueBytes,
    ttlMinMs: Math.max(near.ttlMinMs, far.ttlMinMs),
    ttlStepMs: Math.max(near.ttlStepMs, far.ttlStepMs),
    consistency: near.consistency === "strong" ? far.consistency : "eventual",
  };
}
