/** A Deno KV database whose calls are counted, and fail when a test says so. */

import type {
  DenoKv,
  DenoKvAtomic,
  DenoKvEntry,
  DenoKvKey,
} from "../../backends/deno_kv/client.ts";
import type { DenoKvLister } from "../../backends/deno_kv/listing.ts";

/** What goes wrong with a call: nothing, the call itself, or only its answer. */
export type Fault = "none" | "before" | "after";

/** Hands every read and commit to a database, unless `faultOf` says that it fails. */
export class ScriptedDenoKv implements DenoKv {
  /** How many reads and commits there were. */
  calls = 0;
  /** How many of them have no answer yet. */
  pending = 0;
  /** What goes wrong with the call of a number, counted from 1. */
  faultOf: (call: number) => Fault;
  /** Called before each commit, with its number. */
  beforeCommit: (call: number) => void | Promise<void> = () => {};
  readonly #kv: DenoKv;

  constructor(kv: DenoKv, faultOf: (call: number) => Fault = () => "none") {
    this.#kv = kv;
    this.faultOf = faultOf;
  }

  /** Reads, or fails. */
  getMany(keys: DenoKvKey[]): Promise<DenoKvEntry[]> {
    return this.#call(() => this.#kv.getMany(keys));
  }

  /** Lists what is in a database, or fails. */
  lister(kv: DenoKvLister): DenoKvLister {
    const call = (): void => {
      if (this.faultOf(++this.calls) === "before") throw new Error("a fault was asked for");
    };
    return {
      async *list(selector): AsyncGenerator<DenoKvEntry> {
        call();
        yield* kv.list(selector);
      },
    };
  }

  /** A change whose commit may fail. */
  atomic(): DenoKvAtomic {
    const atomic = this.#kv.atomic();
    return {
      check: (check) => atomic.check(check),
      set: (key, value, options) => atomic.set(key, value, options),
      delete: (key) => atomic.delete(key),
      commit: async () => {
        await this.beforeCommit(this.calls + 1);
        return await this.#call(() => atomic.commit());
      },
    };
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    const fault = this.faultOf(++this.calls);
    if (fault === "before") throw new Error("a fault was asked for");
    this.pending++;
    const answer = await run().finally(() => void this.pending--);
    if (fault === "after") throw new Error("a fault was asked for");
    return answer;
  }
}
