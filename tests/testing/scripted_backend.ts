/**
 * A backend that fails when a test says so.
 *
 * A call fails either *before* the store has seen it, or *after* the store has done it and only the
 * answer was lost: a caller cannot tell these apart, so what it does must be right for both.
 */

import type { Backend, Limits, Write } from "../../src/contracts/backend.ts";
import { BackendError } from "../../src/contracts/errors.ts";

/** One call of a verb. */
export interface Call {
  /** Its number, counted from 1 over all verbs. */
  readonly number: number;
  /** The verb. */
  readonly verb: "get" | "set" | "delete";
  /** The keys it is about. */
  readonly keys: readonly string[];
}

/** What goes wrong with a call. */
export type Fault = "none" | "before" | "after";

/** Hands every call to a backend, unless `faultOf` says that it fails. */
export class ScriptedBackend<V> implements Backend<V> {
  readonly name: string;
  readonly limits: Limits;
  /** The calls so far. */
  readonly calls: Call[] = [];
  readonly #backend: Backend<V>;
  readonly #faultOf: (call: Call) => Fault | Promise<Fault>;

  /** Wraps a backend; `faultOf` is asked before each call. */
  constructor(backend: Backend<V>, faultOf: (call: Call) => Fault | Promise<Fault>) {
    this.name = backend.name;
    this.limits = backend.limits;
    this.#backend = backend;
    this.#faultOf = faultOf;
  }

  /** Reads from the backend, or fails. */
  get(keys: readonly string[]): Promise<(V | undefined)[]> {
    return this.#call("get", keys, () => this.#backend.get(keys));
  }

  /** Stores in the backend, or fails, or both. */
  set(writes: readonly Write<V>[]): Promise<void> {
    return this.#call("set", writes.map(({ key }) => key), () => this.#backend.set(writes));
  }

  /** Removes from the backend, or fails, or both. */
  delete(keys: readonly string[]): Promise<void> {
    return this.#call("delete", keys, () => this.#backend.delete(keys));
  }

  async #call<T>(verb: Call["verb"], keys: readonly string[], run: () => Promise<T>): Promise<T> {
    const call: Call = { number: this.calls.length + 1, verb, keys };
    this.calls.push(call);
    const fault = await this.#faultOf(call);
    if (fault === "before") throw this.#failure(verb);
    const result = await run();
    if (fault === "after") throw this.#failure(verb);
    return result;
  }

  #failure(verb: string): BackendError {
    return new BackendError(this.name, verb, new Error("a fault was asked for"));
  }
}
