/**
 * Locks that may have been acquired though nobody heard of it.
 *
 *  1. A caller sends what acquires a lock, and Redis does it.
 *  2. The reply is lost, or comes when nobody waits any more: the caller has failed.
 *  3. The lock would keep everybody waiting until it ends by itself.
 *
 * So it is given back: at once, in case only the reply was late, and else as soon as a later attempt
 * shows that Redis answers again. It is known by its token, so nobody else's is ever given back.
 */

import type { ScriptCall } from "./link.ts";
import { lockScript } from "./scripts.ts";
import type { RedisStore } from "./store.ts";

/** So many are remembered; those before them end by themselves. */
const mostOwed = 1_000;

/** What a process owes. */
export class OwedLocks {
  readonly #store: RedisStore;
  readonly #owed: Map<string, ScriptCall> = new Map();
  #isUnderWay = false;

  /** In a store. */
  constructor(store: RedisStore) {
    this.#store = store;
  }

  /** Notes a lock that may be held by a token, and tries to give it back. */
  add(lock: string, token: string): void {
    const [first] = this.#owed.keys();
    if (this.#owed.size === mostOwed && first !== undefined) this.#owed.delete(first);
    this.#owed.set(token, { script: lockScript, keys: [lock], args: [token] });
    this.settle();
  }

  /** Gives back what is owed, in the background. */
  settle(): void {
    if (!this.#isUnderWay && this.#owed.size > 0) void this.#giveBack();
  }

  async #giveBack(): Promise<void> {
    this.#isUnderWay = true;
    const tokens = [...this.#owed.keys()];
    try {
      await this.#store.run("release", [...this.#owed.values()]);
      for (const token of tokens) this.#owed.delete(token);
    } catch {
      // The next attempt that Redis answers comes here again.
    } finally {
      this.#isUnderWay = false;
    }
  }
}
