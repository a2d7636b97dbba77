/** A backend that fails as stores do: before it has done anything, or after it has done it. */

import type { Backend, Write } from "../../src/contracts/backend.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { Random } from "../../src/contracts/random.ts";

/** How often what goes wrong, as shares of 1. */
export interface Faults {
  /** Drawn from for every operation. */
  readonly random: Random;
  /** An operation fails and has done nothing. */
  readonly refused?: number;
  /** An operation is done, and yet its caller is told that it failed. */
  readonly unanswered?: number;
  /** Whether nothing goes wrong for now; may be changed at any time. Default: `false`. */
  isQuiet?: boolean;
}

/** Makes operations of `backend` fail by chance. */
export function faulty<V>(backend: Backend<V>, faults: Faults): Backend<V> {
  const { random, refused = 0, unanswered = 0 } = faults;
  const attempt = async <T>(verb: string, run: () => Promise<T>): Promise<T> => {
    const luck = faults.isQuiet ? 1 : random();
    if (luck < refused) throw new BackendError(backend.name, verb, new Error("refused"));
    const answer = await run();
    if (luck < refused + unanswered) {
      throw new BackendError(backend.name, verb, new Error("unanswered"));
    }
    return answer;
  };
  return {
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]) => attempt("get", () => backend.get(keys)),
    set: (writes: readonly Write<V>[]) => attempt("set", () => backend.set(writes)),
    delete: (keys: readonly string[]) => attempt("delete", () => backend.delete(keys)),
  };
}
