/** The store that keeps nothing: for switching a cache off without touching its callers. */

import type { Atomics } from "../src/contracts/atomics.ts";
import { type Backend, UNLIMITED } from "../src/contracts/backend.ts";

/**
 * A store in which every read is a miss and every write succeeds.
 *
 * As it holds nothing, `add` always stores, a counter always starts anew, and there is never
 * anything to replace, touch or delete. It excludes nobody: use no locks over it.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { nullBackend } from "@cairn/cache/null";
 *
 * const backend = nullBackend<string>();
 * await backend.set([{ key: "k", value: "v", expiresAt: Infinity }]);
 * deepEqual(await backend.get(["k"]), [undefined]);
 * ```
 */
export function nullBackend<V>(): Backend<V> & Atomics<V> {
  return Object.freeze({
    name: "null",
    limits: UNLIMITED,
    get: async (keys: readonly string[]): Promise<undefined[]> => keys.map(() => undefined),
    set: async (): Promise<void> => {},
    delete: async (): Promise<void> => {},
    add: async (): Promise<boolean> => true,
    replace: async (): Promise<boolean> => false,
    increment: async (_key: string, delta: number): Promise<number> => delta,
    touch: async (): Promise<boolean> => false,
    deleteIf: async (): Promise<boolean> => false,
  });
}
